package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// Formats are the wire formats besides the native one.
func Formats() []string {
	return []string{history.KindSocket, history.KindResponses, history.KindUIStream, history.KindCompletion, history.KindPage}
}

// turns returns the wire formats of message i: in which it is sent, "" for the native one, and
// through which others follow the answer. Following every answer through every format would be
// too much for two cores.
func turns(i int) (via string, through []string) {
	// A completion can be followed only by who sends it.
	joined := []string{history.KindSocket, history.KindResponses, history.KindUIStream, history.KindPage}
	through = []string{joined[i%len(joined)]}
	switch i % 5 {
	case 2:
		via = history.KindCompletion
	case 4:
		via = history.KindUIStream
	default:
		through = append(through, joined[(i+1)%len(joined)])
	}
	return via, through
}

// followSocket follows over WebSockets, from the last id after each lost connection. It
// leaves half of them on purpose.
func (s *Sender) followSocket(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	after := ""
	for {
		conn := s.openSocket(ctx, a.Accepted.TaskID, c.IntN(len(s.w.API)), after, leaving(c))
		f.Conns = append(f.Conns, conn)
		if conn.End == "terminal" || conn.Status == http.StatusNoContent {
			return
		}
		if n := len(conn.Frames); n > 0 {
			after = conn.Frames[n-1].ID
		}
		if world.Pause(ctx, c.Between(20*time.Millisecond, 250*time.Millisecond)) != nil {
			f.Gave = context.Cause(ctx).Error()
			return
		}
	}
}

// openSocket makes one connection and reads it until it ends or most chunks have come.
func (s *Sender) openSocket(ctx context.Context, taskID string, api int, after string, most int) *history.Conn {
	conn := &history.Conn{API: api, After: after, Opened: time.Now()}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*deadAfter, errors.New("too long"))
	defer cancel()
	c, res, err := websocket.Dial(ctx, "ws://"+s.w.API[api].Front.Addr()+"/ws", &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		Host: "localhost", HTTPHeader: http.Header{"Authorization": {"Bearer " + world.Bearer}},
	})
	if res != nil {
		conn.Status = res.StatusCode
	}
	if err != nil {
		conn.End = err.Error()
		return conn
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(1 << 20)
	hello, follow := `{"type":"hello"}`, fmt.Sprintf(`{"type":"follow","task_id":%q,"after":%q}`, taskID, after)
	err = errors.Join(c.Write(ctx, websocket.MessageText, []byte(hello)), c.Write(ctx, websocket.MessageText, []byte(follow)))
	conn.Status = http.StatusOK
	for err == nil && conn.End == "" {
		err = readMessage(ctx, c, conn)
		if most > 0 && len(conn.Frames) >= most && conn.End == "" {
			err = errLeft
		}
	}
	if err != nil {
		conn.End = err.Error()
	}
	return conn
}

// readMessage reads one message of a socket.
func readMessage(ctx context.Context, c *websocket.Conn, conn *history.Conn) error {
	_, data, err := c.Read(ctx)
	if err != nil {
		return err
	}
	var m struct {
		Type, ID string
		Chunk    chat.Chunk
		Error    *chat.Error
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	switch m.Type {
	case "complete":
		conn.Status, conn.End = http.StatusNoContent, "complete"
	case "error":
		return m.Error
	case "chunk":
		conn.Frames = append(conn.Frames, history.Frame{ID: m.ID, Chunk: m.Chunk, At: time.Now()})
		if m.Chunk.Terminal() {
			conn.End = "terminal"
		}
	}
	return nil
}

// followResponse follows as a client of the responses API, from the last sequence number
// after each lost connection. It leaves half of them on purpose.
func (s *Sender) followResponse(ctx context.Context, f *history.Follower, a *history.Ask, c world.Chance) {
	f.Response = &history.Response{}
	id := "resp_" + strings.ReplaceAll(a.Accepted.TaskID, "-", "")
	for n := 0; ; n++ {
		err := s.openResponse(ctx, f.Response, id, c.IntN(len(s.w.API)), n, leaving(c))
		if f.Response.Status != "" {
			return
		}
		if world.Pause(ctx, c.Between(20*time.Millisecond, 250*time.Millisecond)) != nil {
			f.Gave = fmt.Sprintf("%v: %v", context.Cause(ctx), err)
			return
		}
	}
}

// openResponse makes one connection and reads it until it ends or most events have come.
func (s *Sender) openResponse(ctx context.Context, r *history.Response, id string, api, n, most int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*deadAfter, errors.New("too long"))
	defer cancel()
	after := -1
	path := "/v1/responses/" + id + "?stream=true"
	if last := len(r.Events) - 1; last >= 0 {
		after = r.Events[last].Number
		path += fmt.Sprintf("&starting_after=%d", after)
	}
	req, err := s.newRequest(ctx, http.MethodGet, api, path, nil)
	if err != nil {
		return err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	in := newEvents(res.Body)
	for read := 0; most == 0 || read < most; read++ {
		event, err := in.next()
		if err != nil {
			return err
		}
		var e struct {
			Type     string
			Number   int `json:"sequence_number"`
			Response struct{ Status string }
		}
		if err := json.Unmarshal([]byte(event.Data), &e); err != nil {
			return err
		}
		r.Events = append(r.Events, history.ResponseEvent{Conn: n, After: after, Number: e.Number, Raw: event.Data})
		switch e.Type {
		case "response.completed", "response.incomplete", "response.failed":
			r.Status = e.Response.Status
			return nil
		}
	}
	return errLeft
}
