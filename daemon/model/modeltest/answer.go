package modeltest

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// answer is one response being made.
type answer struct {
	s *Server
	c *Call
	l lie
	w http.ResponseWriter
	r *http.Request

	out     io.Writer
	zip     *gzip.Writer
	held    strings.Builder // with oneline
	pending string          // the second half of a split character
	tear    func()          // ends the connection, after the call was recorded

	messages bool   // by Anthropic's Messages API
	block    string // the type of the open block
	blocks   int    // how many there were
}

var errGone = errors.New("the client left")

// run makes the response and says how it ended.
func (a *answer) run() string {
	if a.l.noheaders {
		a.s.silence(a.r)
		return endGone
	}
	switch {
	case a.l.redirect != "":
		a.w.Header().Set("Location", a.l.redirect)
		a.w.WriteHeader(http.StatusTemporaryRedirect)
		return "redirect"
	case a.l.status != 0:
		return a.status()
	case a.l.html:
		a.w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(a.w, "<!doctype html><html><head><title>It works!</title></head></html>") // the client left
		return "html"
	case a.l.json:
		return a.whole()
	}
	how, err := a.stream()
	if err != nil {
		return endGone
	}
	return how
}

// stream writes events until the answer, or the lie, ends.
func (a *answer) stream() (string, error) {
	a.w.Header().Set("Content-Type", a.l.contentType)
	a.out = a.w
	if a.l.gzip && strings.Contains(a.r.Header.Get("Accept-Encoding"), "gzip") {
		a.w.Header().Set("Content-Encoding", "gzip")
		a.zip = gzip.NewWriter(a.w)
		a.out = a.zip
	}
	if a.l.bom {
		a.held.WriteString("\xEF\xBB\xBF")
	}
	a.w.WriteHeader(http.StatusOK)
	if err := a.flush(); err != nil {
		return "", err
	}
	if a.l.nofirst {
		a.s.silence(a.r)
		return endGone, nil
	}
	if a.l.bomb {
		return "", a.flood()
	}
	for i := range a.l.reasoning {
		if err := a.token(i, ReasoningToken(a.c.N, i), true); err != nil {
			return "", err
		}
	}
	if a.l.reasoning > 0 && !a.messages && (a.l.names == "tags" || a.l.names == "unopened") {
		if err := a.event(`{"choices":[{"index":0,"delta":{"content":"\n</think>\n\n"}}]}`); err != nil {
			return "", err
		}
	}
	for i := 0; !a.l.empty && (i < a.l.chunks || a.l.endless); i++ {
		if how, err := a.before(i); how != "" || err != nil {
			return how, err
		}
		if err := a.token(i+a.l.reasoning, a.text(i), false); err != nil {
			return "", err
		}
	}
	if how, err := a.before(a.l.chunks); how != "" || err != nil {
		return how, err
	}
	return a.end()
}

// before does what is commanded for the place after i tokens.
func (a *answer) before(i int) (string, error) {
	if i == a.l.malformed {
		if err := a.event(`{"choices":[{"delta":{"content":`); err != nil {
			return "", err
		}
	}
	switch i {
	case a.l.fault:
		return "error", a.fault()
	case a.l.hang:
		if err := a.release(); err != nil {
			return "", err
		}
		a.s.silence(a.r)
		return endGone, nil
	case a.l.cut:
		return "cut", a.release()
	case a.l.abort:
		a.tear = func() { panic(http.ErrAbortHandler) }
		return "abort", a.release()
	case a.l.rst:
		a.tear = a.reset
		return "rst", a.release()
	}
	return "", nil
}

// reset ends the connection with a TCP RST.
func (a *answer) reset() {
	conn, _, err := http.NewResponseController(a.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // then it is a FIN, which is torn enough
	}
	_ = conn.Close() // it is torn either way
}

// text is token i of the content.
func (a *answer) text(i int) string {
	s := a.l.text
	switch {
	case a.l.huge > 0 && i == 0:
		s = strings.Repeat("x", a.l.huge)
	case a.l.mark != "":
		s = Marked(a.l.mark, a.c.N, i)
	case s == "":
		s = Token(a.c.N, i)
	}
	if a.l.invalid {
		s += "\xff\xfe "
	}
	if a.l.nul {
		s += "\x00"
	}
	return a.l.tag + s
}

// token waits for its turn and sends one token.
func (a *answer) token(i int, text string, reasoning bool) error {
	if a.l.pace > 0 && i > 0 && !a.s.pause(a.r, a.l.pace) {
		return errGone
	}
	if a.l.gate {
		select {
		case <-a.s.steps:
		case <-a.s.closed:
			return errGone
		case <-a.r.Context().Done():
			return errGone
		}
	}
	for range a.l.comments {
		a.held.WriteString(": keep-alive" + a.l.eol + a.l.eol)
	}
	if a.messages {
		return a.messagesToken(text, reasoning)
	}
	literal, sent := quote(text), text
	if !reasoning && (a.l.split || a.l.surrogates) {
		literal, sent = a.splitting(text)
	}
	if reasoning && a.l.names == "tags" && i == 0 {
		literal = `"<think>\n` + literal[1:]
	}
	field := `"content":` + literal
	if reasoning {
		field = a.reasoningField(literal)
	}
	if err := a.event(fmt.Sprintf(`{"id":"c%d","object":"chat.completion.chunk","model":%s,"choices":[{"index":0,"delta":{%s},"finish_reason":null}]}`,
		a.c.N, quote(a.l.model), field)); err != nil {
		return err
	}
	a.s.sent(a.c, sent, reasoning)
	return nil
}

func (a *answer) reasoningField(literal string) string {
	switch a.l.names {
	case "reasoning":
		return `"reasoning":` + literal
	case "both":
		return `"reasoning":` + literal + `,"reasoning_content":` + literal
	case "parts":
		return `"content":[{"type":"thinking","thinking":[{"type":"text","text":` + literal + `}]}]`
	case "tags", "unopened":
		return `"content":` + literal
	}
	return `"reasoning_content":` + literal
}

// splitting puts a character's first half behind text and its second half in
// front of the next one. sent counts a character with its second half.
func (a *answer) splitting(text string) (literal, sent string) {
	const whole, first, second = "😀", "\xF0\x9F", "\x98\x80"
	had := a.pending
	a.pending = second
	if a.l.surrogates {
		literal = quote(text)
		literal = literal[:len(literal)-1] + `\ud83d"`
		if had != "" {
			literal = `"\ude00` + literal[1:]
		}
	} else {
		literal = quote(had + text + first)
	}
	if had != "" {
		sent = whole
	}
	return literal, sent + text
}

// end sends the proper end, as far as it is commanded.
func (a *answer) end() (string, error) {
	if a.messages {
		return endDone, a.messagesEnd()
	}
	if a.pending != "" {
		last := quote(a.pending)
		if a.l.surrogates {
			last = `"\ude00"`
		}
		if err := a.event(`{"choices":[{"index":0,"delta":{"content":` + last + `}}]}`); err != nil {
			return "", err
		}
		a.s.sent(a.c, "😀", false)
	}
	if err := a.callTool(); err != nil {
		return "", err
	}
	if !a.l.nofinish {
		if err := a.event(`{"choices":[{"index":0,"delta":{},"finish_reason":` + quote(a.l.finish) + `}]}`); err != nil {
			return "", err
		}
	}
	if u := a.usage(); u != "" {
		if err := a.event(`{"choices":[],"usage":` + u + `}`); err != nil {
			return "", err
		}
	}
	if !a.l.nodone {
		if err := a.event("[DONE]"); err != nil {
			return "", err
		}
	}
	if a.l.extra != "" {
		if err := a.event(`{"choices":[{"index":0,"delta":{"content":` + quote(a.l.extra) + `}}]}`); err != nil {
			return "", err
		}
	}
	return endDone, a.release()
}

func (a *answer) usage() string {
	switch a.l.usage {
	case "none":
		return ""
	case "absurd":
		return `{"prompt_tokens":-5,"completion_tokens":1e300,"total_tokens":"many"}`
	case "":
		return fmt.Sprintf(`{"prompt_tokens":7,"completion_tokens":%d,"total_tokens":%d}`, a.c.Tokens, a.c.Tokens+7)
	}
	if strings.HasPrefix(a.l.usage, "{") {
		return a.l.usage
	}
	return `{"prompt_tokens":7,"completion_tokens":` + a.l.usage + `}`
}

// whole sends the answer as a chat completion, not a stream.
func (a *answer) whole() string {
	if a.messages {
		return a.wholeMessage()
	}
	var text, reasoning strings.Builder
	for i := range a.l.reasoning {
		reasoning.WriteString(ReasoningToken(a.c.N, i))
	}
	for i := range a.l.chunks {
		text.WriteString(a.text(i))
	}
	a.s.sent(a.c, reasoning.String(), true)
	a.s.sent(a.c, text.String(), false)
	message := map[string]string{"role": "assistant", "content": text.String()}
	if a.l.reasoning > 0 {
		message["reasoning_content"] = reasoning.String()
	}
	a.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(a.w).Encode(map[string]any{ // the client left
		"object": "chat.completion", "model": a.l.model,
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": a.l.finish}},
		"usage":   map[string]int{"prompt_tokens": 7, "completion_tokens": a.l.chunks, "total_tokens": a.l.chunks + 7},
	})
	return endDone
}
