package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// The wire formats that are measured beside the native one.
const (
	responsesFormat = "responses"
	socketFormat    = "socket"
)

// followResponse reads a task as the events of a response.
func (s *Site) followResponse(ctx context.Context, r *Reading, task string) error {
	url := s.base + "/v1/responses/resp_" + strings.ReplaceAll(task, "-", "") + "?stream=true"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.bearer)
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 4<<10), 16<<20)
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.HasPrefix(line, []byte(`data: {"type":"response.output_text.delta"`)):
			r.take(line)
		case bytes.HasPrefix(line, []byte(`data: {"type":"response.completed"`)):
			r.Ended = time.Now()
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// followSocket reads a task over a WebSocket.
func (s *Site) followSocket(ctx context.Context, r *Reading, task string) error {
	c, _, err := websocket.Dial(ctx, s.base+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + s.bearer}}}) //nolint:bodyclose // the library closes it
	if err != nil {
		return err
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(16 << 20)
	for _, say := range []string{`{"type":"hello"}`, fmt.Sprintf(`{"type":"follow","task_id":%q}`, task)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(say)); err != nil {
			return err
		}
	}
	for r.Ended.IsZero() {
		_, data, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(data, []byte(`{"type":"chunk"`)) {
			r.take(append([]byte("data: "), data...))
		}
	}
	return nil
}
