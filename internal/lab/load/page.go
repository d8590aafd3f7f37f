package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// followPage follows as a page does. Half of them are a stock EventSource: it reconnects with
// the last id, and after the time that the stream asked for. If the server refuses it, it stops.
// The page's script then opens another one after the last position, and the other half does so
// after every lost connection, as the script does.
func (s *Sender) followPage(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	cookie, ok := s.signIn(ctx, f, c)
	if !ok {
		return
	}
	script := c.Often(0.5)
	last, reopened := "", false
	for {
		most := leaving(c)
		if !script { // reconnecting takes up to three seconds, so it leaves once, and soon
			if most = 0; last == "" {
				most = 1 + c.IntN(10)
			}
		}
		x := &history.Exchange{API: c.IntN(len(s.w.API)), After: last, Reopened: reopened}
		retry := s.openPage(ctx, f, x, a.Accepted.TaskID, cookie, most)
		if x.End == history.EndTerminal || x.Status == http.StatusNoContent {
			break
		}
		if refused(x.Status) {
			f.Gave = "refused: " + x.End
			return
		}
		if n := len(x.Events); n > 0 {
			last = x.Events[n-1].ID
		}
		if reopened = script || x.Status != http.StatusOK; reopened || retry == 0 {
			retry = c.Between(100*time.Millisecond, 400*time.Millisecond)
		}
		if !pause(ctx, f, retry) {
			return
		}
	}
	f.Stored = s.storedPage(ctx, f, a, c)
}

// freshPage reads a finished answer from its beginning, as a page that is opened afterwards.
func (s *Sender) freshPage(ctx context.Context, a *history.Ask, c world.Chance) *history.Follower {
	f := &history.Follower{Kind: history.KindFreshPage}
	if cookie, ok := s.signIn(ctx, f, c); ok {
		x := &history.Exchange{API: c.IntN(len(s.w.API))}
		s.openPage(ctx, f, x, a.Accepted.TaskID, cookie, 0)
		if x.End != history.EndTerminal {
			f.Gave = "late: " + x.End
		}
	}
	return f
}

// openPage makes one connection of an EventSource.
func (s *Sender) openPage(ctx context.Context, f *history.Follower, x *history.Exchange, taskID string, cookie *http.Cookie, most int) (retry time.Duration) {
	return s.open(ctx, f, x, 0, reading{terminal: pageEnds, most: most}, func(ctx context.Context) (*http.Request, error) {
		path := "/web/stream/" + taskID
		if x.Reopened && x.After != "" {
			path += "?after=" + url.QueryEscape(x.After)
		}
		req, err := s.newRequest(ctx, http.MethodGet, x.API, path, nil)
		if err != nil {
			return nil, err
		}
		asPage(req, cookie)
		req.Header.Set("Accept", "text/event-stream")
		if !x.Reopened && x.After != "" {
			req.Header.Set("Last-Event-ID", x.After)
		}
		return req, nil
	})
}

// pageEnds reports whether an event of the page's stream has the end of the answer.
func pageEnds(data string) bool {
	var e struct{ End json.RawMessage }
	return json.Unmarshal([]byte(data), &e) == nil && e.End != nil
}

// asPage makes a request one of the page: with its session, and without a token.
func asPage(req *http.Request, session *http.Cookie) {
	req.Header.Del("Authorization")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if session != nil {
		req.AddCookie(session)
	}
}

// signIn gets a session, which every instance accepts.
func (s *Sender) signIn(ctx context.Context, f *history.Follower, c world.Chance) (*http.Cookie, bool) {
	for {
		cookie, err := s.signInOnce(ctx, c.IntN(len(s.w.API)))
		if err == nil {
			return cookie, true
		}
		if errors.Is(err, errNoSession) {
			f.Gave = err.Error()
			return nil, false
		}
		if !pause(ctx, f, c.Between(50*time.Millisecond, 400*time.Millisecond)) {
			return nil, false
		}
	}
}

var errNoSession = errors.New("no session")

func (s *Sender) signInOnce(ctx context.Context, api int) (*http.Cookie, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := s.newRequest(ctx, http.MethodPost, api, "/web/session", strings.NewReader(fmt.Sprintf(`{"token":%q}`, world.Bearer)))
	if err != nil {
		return nil, err
	}
	asPage(req, nil)
	res, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if refused(res.StatusCode) || res.StatusCode == http.StatusNoContent && len(res.Cookies()) != 1 {
		return nil, fmt.Errorf("%w: %s with %d cookies", errNoSession, res.Status, len(res.Cookies()))
	}
	if res.StatusCode != http.StatusNoContent {
		return nil, errors.New(res.Status)
	}
	return res.Cookies()[0], nil
}

// storedPage returns the answer as the page shows a stored conversation.
func (s *Sender) storedPage(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) *string {
	var view struct {
		Messages []struct {
			ID    string
			Parts []struct {
				history.PagePart
				Blocks []history.PageBlock `json:"blocks"`
			}
		}
	}
	if !s.fetch(ctx, f, a, c, "/web/conversations/"+a.Accepted.ConversationID+"?message="+a.Accepted.MessageID, &view) {
		return nil
	}
	for _, m := range view.Messages {
		if m.ID != a.Accepted.MessageID {
			continue
		}
		var p history.Page
		for _, part := range m.Parts {
			if err := p.Apply(history.PageEvent{Parts: []history.PagePart{part.PagePart}, Blocks: part.Blocks}); err != nil {
				f.LastErr = "the stored message: " + err.Error()
				return nil
			}
		}
		shown := p.String()
		return &shown
	}
	f.LastErr = "the message is not in its conversation"
	return nil
}
