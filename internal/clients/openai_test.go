package clients_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"

	"chat/daemon/model/modeltest"
	"chat/internal/clients"
)

const pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// goClient is openai-go at one chatd. go.mod has an early version 3, because later ones take
// four times as long to compile; 3.99.0 passes too.
type goClient struct {
	*testing.T
	*clients.Stand
	openai   openai.Client
	requests atomic.Int64
}

func newGoClient(t *testing.T, s *clients.Stand) *goClient {
	t.Helper()
	c := &goClient{T: t, Stand: s}
	c.openai = openai.NewClient(option.WithBaseURL(s.URL+"/v1"), option.WithAPIKey(clients.Token),
		option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
			c.requests.Add(1)
			return next(r)
		}))
	return c
}

func (c *goClient) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func ask(input string) responses.ResponseNewParams {
	return responses.ResponseNewParams{Model: "lying", Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt(input)}}
}

func (c *goClient) create(p responses.ResponseNewParams) *responses.Response {
	c.Helper()
	r, err := c.openai.Responses.New(c.Context(), p)
	c.must(err)
	return r
}

// stream is a stream of events.
type stream interface {
	Next() bool
	Current() responses.ResponseStreamEventUnion
	Err() error
	Close() error
}

// read returns the events of a stream up to n, all if n is 0, and why it ended.
func read(s stream, n int) (list []responses.ResponseStreamEventUnion, err error) {
	for s.Next() {
		if list = append(list, s.Current()); len(list) == n {
			return list, s.Close()
		}
	}
	err = errors.Join(s.Err(), s.Close())
	if err == nil && len(list) < n {
		err = fmt.Errorf("the stream has %d events only", len(list))
	}
	return list, err
}

func (c *goClient) replay(id string, after int64) stream {
	p := responses.ResponseGetParams{}
	if after >= 0 {
		p.StartingAfter = param.NewOpt(after)
	}
	return c.openai.Responses.GetStreaming(c.Context(), id, p)
}

// text joins the deltas since the last reset, and checks that no event is missing.
func (c *goClient) text(events []responses.ResponseStreamEventUnion) string {
	c.Helper()
	var b strings.Builder
	for i, e := range events {
		if e.SequenceNumber != int64(i) {
			c.Fatalf("event %d has the number %d", i, e.SequenceNumber)
		}
		switch e.Type {
		case "response.in_progress":
			b.Reset()
		case "response.output_text.delta":
			b.WriteString(e.Delta)
		}
	}
	return b.String()
}

func (c *goClient) last() modeltest.Call {
	list := c.Provider.Calls()
	return list[len(list)-1]
}

func TestOpenAIGo(t *testing.T) {
	t.Parallel()
	c := newGoClient(t, clients.Start(t))

	p := ask("lie: chunks=5 reasoning=2")
	p.Instructions = param.NewOpt("Be brief.")
	r := c.create(p)
	if r.OutputText() != c.last().Sent || r.Status != responses.ResponseStatusCompleted || len(r.Output) != 2 || r.Usage.TotalTokens == 0 {
		t.Errorf("%+v", r)
	}

	next := ask("lie: chunks=2")
	next.PreviousResponseID = param.NewOpt(r.ID)
	if got := c.create(next); got.OutputText() != c.last().Sent || c.last().Messages != 3 {
		t.Errorf("%+v", c.last())
	}

	tools := ask("lie: chunks=1 tool=get_weather args=%7B%22city%22%3A%22Oslo%22%7D")
	tools.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("get_weather", map[string]any{"type": "object"}, false)}
	if got := c.create(tools); len(got.Output) != 2 || got.Output[1].Name != "get_weather" || got.Output[1].AsFunctionCall().Arguments != `{"city":"Oslo"}` {
		t.Errorf("%s", got.RawJSON())
	}

	image := responses.ResponseInputContentParamOfInputImage(responses.ResponseInputImageDetailAuto)
	image.OfInputImage.ImageURL = param.NewOpt(pixel)
	seen := responses.ResponseNewParams{Model: "lying"}
	seen.Input.OfInputItemList = responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage(
		responses.ResponseInputMessageContentListParam{responses.ResponseInputContentParamOfInputText("lie: chunks=1"), image}, "user")}
	c.create(seen)
	if got := c.last().Images; len(got) != 1 || got[0] != pixel {
		t.Errorf("%q", got)
	}

	c.must(c.openai.Responses.Delete(t.Context(), r.ID))
	_, err := c.openai.Responses.Get(t.Context(), r.ID, responses.ResponseGetParams{})
	c.fails(err, http.StatusNotFound, "not_found")
	_, err = c.openai.Responses.New(t.Context(), responses.ResponseNewParams{Model: "nonsense", Input: p.Input})
	c.fails(err, http.StatusBadRequest, "provider_model")
}

func (c *goClient) fails(err error, status int, code string) {
	c.Helper()
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != status || e.Code != code {
		c.Errorf("%v, want %d %s", err, status, code)
	}
}

func TestOpenAIGoStreams(t *testing.T) {
	t.Parallel()
	c := newGoClient(t, clients.Start(t))
	all, err := read(c.openai.Responses.NewStreaming(t.Context(), ask("lie: chunks=40 reasoning=2 pace=1ms")), 0)
	c.must(err)
	if got := c.text(all); got != c.last().Sent || all[len(all)-1].Type != "response.completed" {
		t.Errorf("%q", got)
	}
	id := all[0].Response.ID
	for n := range all {
		rest, err := read(c.replay(id, int64(n)), 0)
		c.must(err)
		if len(rest) != len(all)-n-1 {
			t.Fatalf("after %d: %d events", n, len(rest))
		}
		for i := range rest {
			if rest[i].RawJSON() != all[n+1+i].RawJSON() {
				t.Fatalf("after %d: %s, want %s", n, rest[i].RawJSON(), all[n+1+i].RawJSON())
			}
		}
	}
}

func TestOpenAIGoInTheBackground(t *testing.T) {
	t.Parallel()
	c := newGoClient(t, clients.Start(t))
	p := ask("lie: chunks=20 gate")
	p.Background = param.NewOpt(true)
	r := c.create(p)
	if r.Status != responses.ResponseStatusQueued && r.Status != responses.ResponseStatusInProgress {
		t.Errorf("%s", r.Status)
	}
	busy, before := ask("x"), c.requests.Load()
	busy.PreviousResponseID = param.NewOpt(r.ID)
	_, err := c.openai.Responses.New(t.Context(), busy)
	c.fails(err, http.StatusConflict, "conversation_busy")
	if n := c.requests.Load() - before; n != 1 {
		t.Errorf("%d requests", n)
	}

	c.Provider.Step(10)
	events, err := read(c.replay(r.ID, -1), 5) // the first with text is number 4
	c.must(err)
	c.Provider.Step(5)
	rest := c.replay(r.ID, events[4].SequenceNumber)
	canceled, err := c.openai.Responses.Cancel(t.Context(), r.ID)
	c.must(err)
	more, err := read(rest, 0)
	c.must(err)
	events = append(events, more...)
	last := events[len(events)-1]
	if canceled.Status != responses.ResponseStatusCancelled || last.Type != "response.incomplete" || last.Response.Status != responses.ResponseStatusCancelled {
		t.Errorf("%s, %s", canceled.Status, last.RawJSON())
	}
	if got := c.text(events); !strings.HasPrefix(c.last().Sent, got) || got == "" {
		t.Errorf("%q", got)
	}
}

func TestOpenAIGoChatCompletions(t *testing.T) {
	t.Parallel()
	c := newGoClient(t, clients.Start(t))
	p := openai.ChatCompletionNewParams{Model: "lying", Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage("Be brief."), openai.UserMessage("lie: chunks=5"),
	}}
	whole, err := c.openai.Chat.Completions.New(t.Context(), p)
	c.must(err)
	if got := whole.Choices[0].Message.Content; got != c.last().Sent {
		t.Errorf("%q", got)
	}
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	s := c.openai.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	for s.Next() {
		if !acc.AddChunk(s.Current()) {
			t.Errorf("%s", s.Current().RawJSON())
		}
	}
	c.must(s.Err())
	if got := acc.Choices[0].Message.Content; got != c.last().Sent || acc.Usage.TotalTokens == 0 {
		t.Errorf("%q %+v", got, acc.Usage)
	}
	p.Messages[1] = openai.UserMessage("lie: status=400 message=no")
	before := c.requests.Load()
	if _, err = c.openai.Chat.Completions.New(t.Context(), p); err == nil || c.requests.Load() != before+1 {
		t.Errorf("%v, %d requests", err, c.requests.Load()-before)
	}
}

func TestOpenAIGoWhileProcessesAreKilled(t *testing.T) {
	t.Parallel()
	c := newGoClient(t, clients.StartCluster(t))
	p := ask("lie: chunks=20 pace=5ms hang=10 fail=1")
	p.Background = param.NewOpt(true)
	r := c.create(p)
	first := c.replay(r.ID, -1)
	c.must(c.Provider.Wait(t.Context(), func(list []modeltest.Call) bool { return len(list) == 1 && list[0].Tokens == 10 }))
	seen, err := read(first, 5)
	c.must(err)
	c.must(c.RestartAPI(t.Context()))
	c.must(c.RestartWorker(t.Context()))
	more, err := read(c.replay(r.ID, seen[4].SequenceNumber), 0)
	c.must(err)
	seen = append(seen, more...)
	if got := c.text(seen); got != c.last().Sent || c.last().N != 2 {
		t.Errorf("%q, want %q", got, c.last().Sent)
	}
	whole, err := c.openai.Responses.Get(t.Context(), r.ID, responses.ResponseGetParams{})
	c.must(err)
	if whole.OutputText() != c.last().Sent {
		t.Errorf("%q", whole.OutputText())
	}
}
