package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/daemon/model/modeltest"
	"chat/internal/services"
	"chat/sse"
)

const token = "chat_e2e_0123456789abcdef0123456789"

// cluster is the production profile: PostgreSQL, Redis, and several processes.
type cluster struct {
	redis    *services.RedisServer
	provider *modeltest.Server
	apis     []*node
	workers  []*process
	env      []string
}

// node is an API process at a fixed address.
type node struct {
	*process
	addr string
	*client.Client
}

func newCluster(t *testing.T, apis, workers int, env ...string) *cluster {
	t.Helper()
	c := &cluster{redis: services.StartRedis(t), provider: modeltest.New(t)}
	c.env = append([]string{
		"DATABASE_URL=" + services.Postgres(t), "REDIS_URL=" + c.redis.URL(), "CHATD_TOKEN=" + token,
		"OPENAI_BASE_URL=" + c.provider.URL, "OPENAI_API_KEY=sk-lying", "CHAT_MODEL=lying", "HOME=" + t.TempDir(),
	}, env...)
	for range apis {
		addr := freePort(t)
		p := startProcess(t, program(t, "chatd"), []string{"--role", "api", "--listen", "tcp://" + addr}, c.env)
		end := client.Endpoint{Network: "tcp", Address: addr, BaseURL: "http://" + addr, Token: token}
		n := &node{p, addr, client.New(client.At(end), client.Options{})}
		t.Cleanup(n.Close)
		n.ready(t)
		c.apis = append(c.apis, n)
	}
	for range workers {
		c.addWorker(t)
	}
	return c
}

func (c *cluster) addWorker(t *testing.T) {
	t.Helper()
	c.workers = append(c.workers, startProcess(t, program(t, "chatd"), []string{"--role", "worker"}, c.env))
}

func (n *node) ready(t *testing.T) {
	t.Helper()
	eventually(t, n.addr+" is ready", waitLimit, func() bool { return answers(t.Context(), "http://"+n.addr+"/readyz") })
}

// submit sends a message in a conversation of its own.
func (n *node) submit(t *testing.T, content string) chat.Accepted {
	t.Helper()
	conv, err := n.CreateConversation(t.Context(), client.NewConversation{}, "")
	if err != nil {
		t.Fatalf("create conversation: %v", err)
	}
	acc, err := n.Submit(t.Context(), chat.Submission{ConversationID: conv.ID, Content: content}, "")
	if err != nil {
		t.Fatalf("submit: %v", err)
	}
	return acc
}

// message returns the answer as the API has it.
func (n *node) message(t *testing.T, acc chat.Accepted) chat.Message {
	t.Helper()
	list, err := n.Messages(t.Context(), acc.ConversationID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.ID == acc.MessageID {
			return m
		}
	}
	t.Fatalf("message %s is not in its conversation", acc.MessageID)
	return chat.Message{}
}

// open opens the raw stream after a position.
func (n *node) open(ctx context.Context, taskID string, after chat.Position) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.addr+"/stream/"+taskID, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if !after.IsStart() {
		req.Header.Set("Last-Event-ID", after.String())
	}
	return http.DefaultClient.Do(req)
}

// received is what one follower received over all its connections.
type received struct {
	chunks []chat.Chunk
	links  []chat.ConnState
	err    error
}

// follow follows with the client package in the background, and calls seen for each
// chunk.
func (n *node) follow(t *testing.T, taskID string, seen func(chat.Chunk)) (wait func() received) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	out := make(chan received, 1)
	go func() {
		defer cancel()
		var r received
		for u, err := range n.Follow(ctx, taskID, chat.Start()) {
			switch {
			case err != nil:
				r.err = err
			case u.Chunk != nil:
				r.chunks = append(r.chunks, *u.Chunk)
				if seen != nil {
					seen(*u.Chunk)
				}
			case u.Conn != nil:
				r.links = append(r.links, *u.Conn)
			}
		}
		out <- r
	}()
	return func() received { return <-out }
}

// judge checks the chunks of a follower by the rules of the protocol, and returns
// the resulting text.
func judge(chunks []chat.Chunk) (content, reasoning string, err error) {
	var parts chat.Parts
	last := chat.Start()
	for i, k := range chunks {
		p := k.Position()
		switch {
		case i > 0 && chunks[i-1].Terminal():
			return "", "", fmt.Errorf("chunk %s after the terminal one", p)
		case !last.Less(p):
			return "", "", fmt.Errorf("chunk %s after %s", p, last)
		case i > 0 && p.Attempt > last.Attempt && k.Type != chat.ChunkReset:
			return "", "", fmt.Errorf("attempt %d begins with %s, not with a reset", p.Attempt, k.Type)
		case p.Attempt == last.Attempt && p.Index != last.Index+1:
			return "", "", fmt.Errorf("a gap between %s and %s", last, p)
		}
		last = p
		parts.Apply(k)
	}
	if len(chunks) == 0 || !chunks[len(chunks)-1].Terminal() {
		return "", "", fmt.Errorf("no terminal chunk in %d", len(chunks))
	}
	return parts.Text(), parts.Reasoning(), nil
}

// mustMatch compares what a follower received with SQL and the provider's log.
func (n *node) mustMatch(t *testing.T, acc chat.Accepted, r received, state chat.TaskState, sent string) {
	t.Helper()
	if r.err != nil {
		t.Fatalf("follow: %v", r.err)
	}
	text, _, err := judge(r.chunks)
	if err != nil {
		t.Fatal(err)
	}
	m := n.message(t, acc)
	if m.State != state || m.Content != text || m.Content != sent {
		t.Fatalf("state %s; SQL has %d bytes, the stream %d, the provider sent %d:\n%q\n%q\n%q", m.State, len(m.Content), len(text), len(sent), m.Content, text, sent)
	}
	if end := r.chunks[len(r.chunks)-1]; end.State != state || end.MessageID != acc.MessageID {
		t.Fatalf("the terminal chunk is %+v", end)
	}
}

// events reads a raw stream to its end.
func events(res *http.Response, each func(chat.Chunk) bool) ([]chat.Chunk, error) {
	defer func() { _ = res.Body.Close() }()
	r := sse.NewReader(res.Body, 0)
	var chunks []chat.Chunk
	for {
		e, err := r.Next()
		if err != nil {
			return chunks, err
		}
		c, err := sse.DecodeChunk(e)
		if err != nil {
			return chunks, err
		}
		chunks = append(chunks, c)
		if each != nil && !each(c) {
			return chunks, nil
		}
	}
}

// after returns a channel that closes after n chunks.
func after(n int) (seen func(chat.Chunk), reached <-chan struct{}) {
	ch := make(chan struct{})
	count := 0
	return func(chat.Chunk) {
		if count++; count == n {
			close(ch)
		}
	}, ch
}

func within(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(waitLimit):
		t.Fatalf("not within %s: %s", waitLimit, what)
	}
}
