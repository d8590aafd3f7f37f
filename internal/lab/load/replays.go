package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// done ends the streams of OpenAI and of the AI SDK.
const done = "[DONE]"

// maxRestarts is how often a client sends a completion again because the answer was restarted:
// more often than a task has attempts.
const maxRestarts = 4 * chat.MaxAttempts

// errOther ends a connection whose response is another answer of the chat.
var errOther = errors.New("another answer")

// sendVia sends a message in the wire format of the ask, and waits until its task is known.
// The client that sends it is also its first follower.
func (s *Sender) sendVia(ctx context.Context, a *history.Ask, c world.Chance) error {
	p := history.Post{At: time.Now()}
	s.startSending(ctx, a, c)
	if c.Often(s.Load.Twice) {
		s.startSending(ctx, a, c)
	}
	wait, cancel := context.WithTimeout(ctx, s.Load.Timeout)
	defer cancel()
	for {
		if id := a.Made(); id != "" {
			var t chat.Task
			p.API = c.IntN(len(s.w.API))
			status, _, err := s.call(wait, p.API, http.MethodGet, "/tasks/"+id, "", nil, &t)
			if err == nil && status == http.StatusOK {
				a.Chain.ID = t.ConversationID
				p.Ended, p.Status = time.Now(), status
				p.Accepted = &chat.Accepted{TaskID: t.ID, MessageID: t.MessageID, UserMessageID: t.UserMessageID, ConversationID: t.ConversationID, Status: chat.StatusProcessing}
				a.AddPost(p, nil)
				return nil
			}
		}
		if a.Known() {
			return nil // refused
		}
		if err := world.Pause(wait, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// startSending starts a follower that sends the message itself.
func (s *Sender) startSending(ctx context.Context, a *history.Ask, c world.Chance) {
	f := &history.Follower{Kind: a.Via, Sends: true}
	a.Followers = append(a.Followers, f)
	own := world.Seeded(c.Uint64(), 3)
	s.work.Go(func() { s.follow(ctx, f, a, own) })
}

// post sends the message of an ask once, in the format of the path, and follows the response.
func (s *Sender) post(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance, path string, body any, terminal func(string) bool) *history.Exchange {
	x := &history.Exchange{API: c.IntN(len(s.w.API)), Posted: true}
	var leave time.Duration
	if c.Often(s.Load.Drops) {
		leave = c.Between(time.Millisecond, 25*time.Millisecond)
	}
	how := reading{terminal: terminal, most: leaving(c), begin: func(x *history.Exchange) error {
		a.SetMade(x.TaskID)
		return nil
	}}
	s.open(ctx, f, x, leave, how, func(ctx context.Context) (*http.Request, error) {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		req, err := s.newRequest(ctx, http.MethodPost, x.API, path, bytes.NewReader(data))
		if err == nil {
			req.Header.Set("Idempotency-Key", a.Key)
		}
		return req, err
	})
	if refused(x.Status) {
		f.Gave = "refused: " + x.End
		a.AddPost(history.Post{At: x.Opened, Ended: time.Now(), API: x.API, Status: x.Status}, &chat.Error{Code: chat.CodeInvalid, Message: x.End})
	}
	return x
}

// refused reports whether repeating a request cannot help.
func refused(status int) bool {
	return status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusConflict
}

// followCompletion sends a message as a chat completion. After each lost connection, and after
// the error that says that the answer was restarted, it sends the same request again.
func (s *Sender) followCompletion(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	body := map[string]any{"model": "lying", "stream": true, "messages": []map[string]string{{"role": "user", "content": a.Content}}}
	for restarts := 0; ; {
		x := s.post(ctx, f, a, c, "/v1/chat/completions", body, completionEnds)
		if x.End == history.EndTerminal || x.End == history.EndClean || f.Gave != "" {
			return
		}
		if n := len(x.Events); n > 0 && strings.Contains(x.Events[n-1].Data, string(chat.CodeAnswerRestarted)) {
			if restarts++; restarts > maxRestarts {
				f.Gave = fmt.Sprintf("the answer was restarted %d times", restarts)
				return
			}
		}
		if !pause(ctx, f, c.Between(20*time.Millisecond, 250*time.Millisecond)) {
			return
		}
	}
}

// completionEnds reports whether an event ends a completion: the last one, or an error other
// than the one after which a client sends its request again.
func completionEnds(data string) bool {
	var e struct{ Error *struct{ Code chat.Code } }
	return data == done || json.Unmarshal([]byte(data), &e) == nil && e.Error != nil && e.Error.Code != chat.CodeAnswerRestarted
}

// followUIStream follows as useChat of the AI SDK does: it sends the message and reads the
// response, or it joins a chat; after a lost connection it resumes the stream of the chat. If
// nothing runs there, the answer is among the messages of the chat.
func (s *Sender) followUIStream(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	ended := func(data string) bool { return data == done }
	chatID := a.Mark // any name of a client's own
	if !f.Sends {
		chatID = a.Chain.ID
	}
	body := map[string]any{"id": chatID, "trigger": "submit-message", "messages": []any{
		map[string]any{"id": "m-" + a.Mark, "role": "user", "parts": []any{map[string]string{"type": "text", "text": a.Content}}},
	}}
	for sent := !f.Sends; ; {
		var x *history.Exchange
		if sent {
			x = s.resumeChat(ctx, f, a, c, chatID, ended)
		} else {
			x = s.post(ctx, f, a, c, "/api/chat", body, ended)
			sent = x.Status == http.StatusOK
		}
		if x.End == history.EndTerminal || x.End == history.EndClean || x.End == errOther.Error() || x.Status == http.StatusNoContent || f.Gave != "" {
			break
		}
		if !pause(ctx, f, c.Between(20*time.Millisecond, 250*time.Millisecond)) {
			break
		}
	}
	if f.Gave == "" {
		f.Stored = s.storedChat(ctx, f, a, c, chatID)
	}
}

// resumeChat opens the stream of a chat's running answer.
func (s *Sender) resumeChat(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance, chatID string, ended func(string) bool) *history.Exchange {
	x := &history.Exchange{API: c.IntN(len(s.w.API))}
	how := reading{terminal: ended, most: leaving(c), begin: func(x *history.Exchange) error {
		if !f.Sends && x.TaskID != a.Accepted.TaskID {
			return errOther // to a later message of the conversation: this one is complete
		}
		return nil
	}}
	s.open(ctx, f, x, 0, how, func(ctx context.Context) (*http.Request, error) {
		return s.newRequest(ctx, http.MethodGet, x.API, "/api/chat/"+chatID+"/stream", nil)
	})
	return x
}

// storedChat returns the text of the answer among the messages of a chat.
func (s *Sender) storedChat(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance, chatID string) *string {
	type message struct {
		ID    string
		Parts []struct{ Type, Text string }
	}
	var list []message
	if !s.fetch(ctx, f, a, c, "/api/chat/"+chatID, &list) {
		return nil
	}
	for _, m := range list {
		if m.ID != a.Accepted.MessageID {
			continue
		}
		var text strings.Builder
		for _, p := range m.Parts {
			if p.Type == "text" {
				text.WriteString(p.Text)
			}
		}
		found := text.String()
		return &found
	}
	f.LastErr = fmt.Sprintf("the message is not among the %d of %s", len(list), "/api/chat")
	return nil
}

// fetch reads a call of a format after the end of the answer; it repeats it until a server
// answers. The task of the ask is known afterwards.
func (s *Sender) fetch(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance, path string, into any) bool {
	for {
		if a.IsAccepted() {
			status, _, err := s.call(ctx, c.IntN(len(s.w.API)), http.MethodGet, path, "", nil, into)
			if err == nil && status == http.StatusOK {
				return true
			}
			if err == nil && refused(status) {
				f.LastErr = fmt.Sprintf("%s: status %d", path, status)
				return false
			}
		}
		if !pause(ctx, f, 100*time.Millisecond) {
			return false
		}
	}
}
