package modeltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// event sends one event, or holds it back with oneline.
func (a *answer) event(data string) error {
	a.held.WriteString("data: " + data + a.l.eol + a.l.eol)
	if a.l.oneline {
		return nil
	}
	return a.release()
}

// release writes what is held.
func (a *answer) release() error {
	data := a.held.String()
	a.held.Reset()
	if !a.l.bytes {
		if _, err := io.WriteString(a.out, data); err != nil {
			return err
		}
		return a.flush()
	}
	for i := range len(data) {
		if _, err := io.WriteString(a.out, data[i:i+1]); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) flush() error {
	if a.zip != nil {
		if err := a.zip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(a.w).Flush()
}

// flood sends comments that compress to nothing, until the client leaves.
func (a *answer) flood() error {
	line := ":" + strings.Repeat(" ", 64<<10) + "\n"
	for {
		select {
		case <-a.s.closed:
			return errGone
		case <-a.r.Context().Done():
			return errGone
		default:
		}
		if _, err := io.WriteString(a.out, line); err != nil {
			return err
		}
	}
}

// fault sends an error object into the stream.
func (a *answer) fault() error {
	if a.messages {
		return a.messagesEvent("error", fmt.Sprintf(`"error":{"type":%s,"message":%s}`, quote(a.l.kind), quote(a.l.message)))
	}
	object := fmt.Sprintf(`{"message":%s,"type":%s,"code":%s}`, quote(a.l.message), quote(a.l.kind), quote(a.l.kind))
	switch a.l.style {
	case "space":
		return a.event(`{ "error": ` + object + `}`)
	case "string":
		return a.event(`{"error":` + quote(a.l.message) + `}`)
	case "chunk":
		return a.event(`{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"error"}],"error":` + object + `}`)
	case "choice":
		return a.event(`{"id":"x","choices":[{"index":0,"delta":{},"error":` + object + `}]}`)
	case "comment":
		a.held.WriteString(": oh no" + a.l.eol)
	case "event":
		a.held.WriteString("event: error" + a.l.eol)
	case "bare":
		a.held.WriteString("event: error" + a.l.eol)
		return a.event(object)
	case "object", "typed", "detail", "code", "nested":
		return errors.Join(a.event(strings.ReplaceAll(otherErrors()[a.l.style], "%s", quote(a.l.message))), a.event("[DONE]"))
	}
	return a.event(`{"error":` + object + `}`)
}

// otherErrors are errors in a stream that are followed by [DONE], as several servers
// send them: vLLM, Anthropic's kind, FastAPI, and gateways.
func otherErrors() map[string]string {
	return map[string]string{
		"object": `{"object":"error","message":%s,"type":"InternalServerError","param":null,"code":500}`,
		"typed":  `{"type":"error","message":%s}`,
		"detail": `{"detail":%s}`,
		"code":   `{"text":%s,"error_code":50001}`,
		"nested": `{"error":{"message":%s,"code":500}}`,
	}
}

// status sends an error response.
func (a *answer) status() string {
	if a.l.retry != "" {
		a.w.Header().Set("Retry-After", a.l.retry)
	}
	if a.messages && a.l.shape == "openai" {
		a.l.shape = "anthropic"
	}
	shapes := map[string]string{
		"anthropic": `{"type":"error","error":{"type":` + quote(a.l.kind) + `,"message":%s},"request_id":"req_1"}`,
		"openai":    `{"error":{"message":%s,"type":` + quote(a.l.kind) + `,"code":` + quote(a.l.kind) + `}}`,
		"string":    `{"error":%s}`,
		"detail":    `{"detail":[{"loc":["body"],"msg":%s}]}`,
		"message":   `{"message":%s,"code":17}`,
		"array":     `[{"error":{"code":400,"message":%s,"status":"INVALID_ARGUMENT"}}]`,
		"text":      a.l.message,
		"html":      "<html><head><title>" + a.l.message + "</title></head><body>nginx</body></html>",
		"empty":     "",
	}
	body := shapes[a.l.shape]
	body = strings.Replace(body, "%s", quote(a.l.message), 1)
	a.w.WriteHeader(a.l.status)
	_, _ = io.WriteString(a.w, body) // the client left
	return "status"
}

// quote is s as a JSON string with its bytes as they are, valid UTF-8 or not.
func quote(s string) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
