package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/services"
	"chat/sse"
)

// redisCLI runs an operator's command.
func (c *cluster) redisCLI(t *testing.T, args ...string) string {
	t.Helper()
	host, port, _ := strings.Cut(c.redis.Addr(), ":")
	out, err := exec.CommandContext(t.Context(), services.Tool(t, "redis-cli"), append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// curl starts curl -N on a stream.
func (n *node) curl(ctx context.Context, t *testing.T, taskID, lastEventID string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(ctx, services.Tool(t, "curl"), "-sSN", "-H", "Authorization: Bearer "+token,
		"-H", "Last-Event-ID: "+lastEventID, "http://"+n.addr+"/stream/"+taskID)
}

func TestOperatorSeesTheStreamInRedis(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2)
	host, port, _ := strings.Cut(c.redis.Addr(), ":")
	// A task's id is known before its stream begins only by holding it back.
	acc := c.apis[0].submit(t, "lie: chunks=50 reasoning=3 gate")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sub := exec.CommandContext(ctx, services.Tool(t, "redis-cli"), "-h", host, "-p", port, "SUBSCRIBE", "stream:"+acc.TaskID)
	out, err := sub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 3 { // subscribe, channel, 1
		lines.Scan()
	}
	wait := c.apis[1].follow(t, acc.TaskID, nil) // submitted on one, followed on the other
	eventually(t, "the metadata says running", waitLimit, func() bool {
		return c.redisCLI(t, "HGET", "stream:"+acc.TaskID+":metadata", "status") == "running"
	})
	key := "stream:" + acc.TaskID
	var list []string
	for n := range 52 { // one by one, so that each is a chunk of its own
		c.provider.Step(1)
		want := n + 1
		if n >= 3 { // after the reasoning, one says how long it took
			want++
		}
		eventually(t, "the token is in the list", waitLimit, func() bool {
			list = strings.Split(c.redisCLI(t, "LRANGE", key+":chunks", "0", "-1"), "\n")
			return len(list) == want && list[0] != ""
		})
	}
	c.provider.Step(1)
	r := wait()
	c.apis[1].mustMatch(t, acc, r, chat.TaskDone, modeltest.Answer(1, 50))
	for i, entry := range list {
		var k chat.Chunk
		if err := json.Unmarshal([]byte(entry), &k); err != nil || k.Index != i || k.Attempt != 1 || !reflect.DeepEqual(k, r.chunks[i]) {
			t.Fatalf("entry %d is %s (%v)", i, entry, err)
		}
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "{") { // message, channel
		}
		if lines.Text() != entry {
			t.Fatalf("published %s, listed %s", lines.Text(), entry)
		}
	}
	eventually(t, "the list is packed", waitLimit, func() bool { return c.redisCLI(t, "EXISTS", key+":packed", key+":chunks") == "1" })
	cancel()
	_ = sub.Wait() // killed
	meta := strings.Split(c.redisCLI(t, "HGETALL", key+":metadata"), "\n")
	fields := map[string]string{}
	for i := 0; i+1 < len(meta); i += 2 {
		fields[meta[i]] = meta[i+1]
	}
	for k, want := range map[string]string{"status": "done", "attempt": "1", "chunk_count": "55", "finish_reason": "stop", "model": "lying"} {
		if fields[k] != want {
			t.Errorf("%s is %q, want %q", k, fields[k], want)
		}
	}
	if fields["created_at"] == "" || fields["updated_at"] == "" || len(fields) != 7 {
		t.Errorf("fields %v", fields)
	}
	for _, part := range []string{":packed", ":metadata"} {
		ttl, err := strconv.Atoi(c.redisCLI(t, "TTL", key+part))
		if err != nil || ttl < 3590 || ttl > 3600 {
			t.Errorf("%s has a TTL of %d (%v)", part, ttl, err)
		}
	}
}

func TestCurlResumesAtEveryIndex(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	api := c.apis[0]
	acc := api.submit(t, "lie: chunks=199 pace=20ms")
	// Live: one event a connection, each from the id of the one before.
	var live []chat.Chunk
	last := ""
	for len(live) == 0 || !live[len(live)-1].Terminal() {
		ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
		cmd := api.curl(ctx, t, acc.TaskID, last)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		e, err := sse.NewReader(out, 0).Next()
		if err != nil {
			t.Fatalf("after %q: %v", last, err)
		}
		k, err := sse.DecodeChunk(e)
		if err != nil {
			t.Fatal(err)
		}
		live, last = append(live, k), e.ID
		cancel()
		_ = cmd.Wait() // killed
	}
	api.mustMatch(t, acc, received{chunks: live}, chat.TaskDone, modeltest.Answer(1, 199))
	if len(live) < 100 || len(live) > 200 { // on a busy machine, tokens that wait go together
		t.Fatalf("%d chunks of 199 tokens", len(live))
	}
	// Finished: the rest from every index.
	for i := range live {
		out, err := api.curl(t.Context(), t, acc.TaskID, live[i].Position().String()).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(out), "\ndata: "); got != len(live)-i-1 {
			t.Fatalf("after %s: %d events", live[i].Position(), got)
		}
	}
	// And after the list has gone, from SQL, which has the same chunks at the same positions.
	c.redisCLI(t, "FLUSHALL")
	r := api.follow(t, acc.TaskID, nil)()
	if text, _, err := judge(r.chunks); err != nil || text != modeltest.Answer(1, 199) || len(r.chunks) != len(live) {
		t.Fatalf("%d chunks from SQL, %d before: %v", len(r.chunks), len(live), err)
	}
	res, err := api.open(t.Context(), acc.TaskID, live[len(live)/2].Position()) //nolint:bodyclose // events closes it
	if err != nil {
		t.Fatal(err)
	}
	rest, _ := events(res, nil)
	if want := live[len(live)/2+1:]; len(rest) != len(want) || rest[0].Position() != want[0].Position() || rest[0].Content != want[0].Content {
		t.Fatalf("resumed from SQL with %+v", rest)
	}
}

const eventSourceScript = `
import { createRequire } from 'node:module'
const require = createRequire(process.env.MODULES + '/')
const { EventSource } = require('eventsource')
const headers = { Authorization: 'Bearer ' + process.env.TOKEN }
const es = new EventSource(process.env.URL, { fetch: (u, init) => fetch(u, { ...init, headers: { ...init.headers, ...headers } }) })
es.onmessage = e => console.log(JSON.stringify({ id: e.lastEventId, data: JSON.parse(e.data) }))
es.onerror = e => {
  if (es.readyState === EventSource.CLOSED) { console.log(JSON.stringify({ closed: e.code })); process.exit(0) }
}
`

func TestEventSourceOverARestart(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	api := c.apis[0]
	modules := services.NodeModules(t)
	script := filepath.Join(t.TempDir(), "follow.mjs")
	if err := os.WriteFile(script, []byte(eventSourceScript), 0o600); err != nil {
		t.Fatal(err)
	}
	acc := api.submit(t, "lie: chunks=199 pace=30ms")
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, services.Tool(t, "node"), script)
	cmd.Env = append(os.Environ(), "MODULES="+modules, "TOKEN="+token, "URL=http://"+api.addr+"/stream/"+acc.TaskID)
	cmd.WaitDelay = time.Second
	var stderr syncBuffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var chunks []chat.Chunk
	closed := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var l struct {
			ID     string
			Data   chat.Chunk
			Closed int
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if l.Closed != 0 {
			closed = l.Closed
			continue
		}
		if l.ID != l.Data.Position().String() {
			t.Errorf("id %s for %s", l.ID, l.Data.Position())
		}
		chunks = append(chunks, l.Data)
		if len(chunks) == 60 {
			api.kill(t)
			api.start(t)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	api.ready(t)
	api.mustMatch(t, acc, received{chunks: chunks}, chat.TaskDone, modeltest.Answer(1, 199))
	if closed != 204 || len(chunks) < 100 || len(chunks) > 200 { // on a busy machine, tokens that wait go together
		t.Fatalf("closed by %d after %d chunks of 199 tokens", closed, len(chunks))
	}
}
