package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
)

const slowly = "lie: chunks=200 pace=20ms"

func TestAPIKilledMidStream(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	api := c.apis[0]
	acc := api.submit(t, slowly)
	seen, reached := after(50)
	wait := api.follow(t, acc.TaskID, seen)
	within(t, "50 chunks", reached)
	api.kill(t)
	api.start(t)
	r := wait()
	api.mustMatch(t, acc, r, chat.TaskDone, modeltest.Answer(1, 200))
	if len(c.provider.Calls()) != 1 || r.chunks[0].Attempt != r.chunks[len(r.chunks)-1].Attempt {
		t.Fatal("the worker did not simply continue")
	}
	if len(r.links) < 3 {
		t.Errorf("the follower saw no reconnect: %+v", r.links)
	}
}

func TestAPIDrainsMidStream(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1)
	first, second := c.apis[0], c.apis[1]
	acc := first.submit(t, slowly)
	res, err := first.open(t.Context(), acc.TaskID, chat.Start()) //nolint:bodyclose // events closes it
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	chunks, err := events(res, func(chat.Chunk) bool {
		if count++; count == 50 {
			go first.end(t, 15)
		}
		return true
	})
	if err == nil || err.Error() == "EOF" {
		t.Fatalf("a draining server ended the stream with %v after %d chunks: a client takes that for success", err, len(chunks))
	}
	res, err = second.open(t.Context(), acc.TaskID, chunks[len(chunks)-1].Position()) //nolint:bodyclose // events closes it
	if err != nil {
		t.Fatal(err)
	}
	rest, _ := events(res, nil)
	second.mustMatch(t, acc, received{chunks: append(chunks, rest...)}, chat.TaskDone, modeltest.Answer(1, 200))
}

func TestWorkerKilledMidStream(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	api := c.apis[0]
	acc := api.submit(t, slowly)
	seen, reached := after(50)
	var again time.Time
	wait := api.follow(t, acc.TaskID, func(k chat.Chunk) {
		seen(k)
		if k.Attempt == 2 && again.IsZero() {
			again = time.Now()
		}
	})
	within(t, "50 chunks", reached)
	c.addWorker(t)
	eventually(t, "the second worker is seen", waitLimit, func() bool {
		list, err := api.Workers(t.Context())
		return err == nil && len(list) == 2
	})
	killed := time.Now()
	c.workers[0].kill(t)
	r := wait()
	api.mustMatch(t, acc, r, chat.TaskDone, modeltest.Answer(2, 200))
	gap := again.Sub(killed)
	t.Logf("from kill -9 of the worker to the next attempt's first chunk: %s, with a lease of %s", gap.Round(time.Millisecond), chat.LeaseDuration)
	if gap > 20*time.Second {
		t.Errorf("the next attempt began after %s", gap)
	}
	resets := 0
	for _, k := range r.chunks {
		if k.Type == chat.ChunkReset {
			resets++
		}
	}
	task, err := api.Task(t.Context(), acc.TaskID)
	if err != nil || task.Attempt != 2 || resets != 1 {
		t.Fatalf("attempt %d, %d resets, %v", task.Attempt, resets, err)
	}
}

func TestWorkerShutDownMidStreamReleasesTask(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1, "CHATD_DRAIN=0")
	api := c.apis[0]
	acc := api.submit(t, slowly)
	seen, reached := after(50)
	wait := api.follow(t, acc.TaskID, seen)
	within(t, "50 chunks", reached)
	c.addWorker(t)
	start := time.Now()
	c.workers[0].end(t, 15)
	r := wait()
	api.mustMatch(t, acc, r, chat.TaskDone, modeltest.Answer(2, 200))
	if d := time.Since(start); d > chat.LeaseDuration {
		t.Errorf("the task waited for its lease: %s", d)
	}
}

func TestFlushAllMidStream(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2)
	acc := c.apis[0].submit(t, slowly)
	seen, reached := after(50)
	wait := c.apis[1].follow(t, acc.TaskID, seen)
	within(t, "50 chunks", reached)
	c.redisCLI(t, "FLUSHALL")
	eventually(t, "the list is written again from its beginning", waitLimit, func() bool {
		list := c.redisCLI(t, "LRANGE", "stream:"+acc.TaskID+":chunks", "0", "-1")
		return strings.HasPrefix(list, `{"chunk_index":0,`) && strings.Count(list, "\n") >= 50
	})
	late := c.apis[0].follow(t, acc.TaskID, nil)
	sent := modeltest.Answer(1, 200)
	c.apis[1].mustMatch(t, acc, wait(), chat.TaskDone, sent)
	c.apis[0].mustMatch(t, acc, late(), chat.TaskDone, sent)
}

func TestRedisStoppedForTenSeconds(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"killed, with its data", "paused"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 2, 2)
			acc := c.apis[0].submit(t, "lie: chunks=300 pace=50ms") // 15 s
			seen, reached := after(50)
			wait := c.apis[1].follow(t, acc.TaskID, seen)
			within(t, "50 chunks", reached)
			var err error
			if how == "paused" {
				err = c.redis.Pause()
			} else {
				err = c.redis.Kill()
			}
			if err != nil {
				t.Fatal(err)
			}
			outage := time.After(10 * time.Second)
			meanwhile := c.apis[0].submit(t, "lie: chunks=5")
			<-outage
			if how == "paused" {
				err = c.redis.Resume()
			} else {
				err = c.redis.Start(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			second := c.apis[0].follow(t, meanwhile.TaskID, nil)()
			first := wait()
			sent := map[int]string{}
			for _, call := range c.provider.Calls() {
				sent[call.Tokens] = call.Sent
			}
			if len(c.provider.Calls()) != 2 {
				t.Errorf("%d provider calls for two answers", len(c.provider.Calls()))
			}
			c.apis[1].mustMatch(t, acc, first, chat.TaskDone, sent[300])
			c.apis[0].mustMatch(t, meanwhile, second, chat.TaskDone, sent[5])
		})
	}
}

func TestManyTasksOverTwoWorkers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2)
	const n = 60
	waits := make([]func() received, n)
	accs := make([]chat.Accepted, n)
	for i := range n {
		accs[i] = c.apis[i%2].submit(t, fmt.Sprintf("lie: chunks=20 pace=5ms tag=m%d-", i))
		waits[i] = c.apis[(i+1)%2].follow(t, accs[i].TaskID, nil)
	}
	sent := map[string]string{}
	records := make([]received, n)
	for i := range n {
		records[i] = waits[i]()
	}
	for _, call := range c.provider.Calls() {
		tag, _, _ := strings.Cut(call.Sent, "-")
		if _, twice := sent[tag]; twice {
			t.Errorf("%s was bought twice", tag)
		}
		sent[tag] = call.Sent
	}
	for i := range n {
		c.apis[0].mustMatch(t, accs[i], records[i], chat.TaskDone, sent[fmt.Sprintf("m%d", i)])
	}
}
