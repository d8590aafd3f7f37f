package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// message answers a request of Anthropic's Messages API as it is told.
func (s *Server) message(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Model    string      `json:"model"`
		Messages []AskedTurn `json:"messages"`
		Tools    []struct {
			Name string `json:"name"`
		} `json:"tools"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(&in); err != nil {
		http.Error(w, fmt.Sprintf(`{"type":"error","error":{"type":"invalid_request_error","message":%q}}`, err), http.StatusBadRequest)
		return
	}
	req := request{Model: in.Model}
	for _, m := range in.Messages {
		out := message{Role: m.Role}
		out.read(m.Content)
		req.Messages = append(req.Messages, out)
	}
	for _, t := range in.Tools {
		req.Tools = append(req.Tools, requestTool{requestFunction{t.Name}})
	}
	s.serve(w, r, &req, true)
}

// read reads the blocks of a message. A result of a call makes it the message of a tool.
func (m *message) read(blocks []Block) {
	var texts []string
	for _, b := range blocks {
		switch b.Type {
		case "text":
			texts = append(texts, b.Text)
		case "image":
			m.images = append(m.images, "data:"+b.Source.MediaType+";base64,"+b.Source.Data)
		case "tool_result":
			m.Role = "tool"
		}
	}
	m.text = strings.Join(texts, "\n\n")
}

// messagesEvent sends an event with fields.
func (a *answer) messagesEvent(typ, fields string) error {
	if fields != "" {
		fields = "," + fields
	}
	a.held.WriteString("event: " + typ + a.l.eol)
	return a.event(`{"type":` + quote(typ) + fields + `}`)
}

// openBlock opens a block of a type, unless it is open, after the one that is.
func (a *answer) openBlock(typ, fields string) error {
	if a.block == typ && typ != "tool_use" {
		return nil
	}
	if err := a.startMessage(); err != nil {
		return err
	}
	if err := a.closeBlock(); err != nil {
		return err
	}
	a.block = typ
	a.blocks++
	return a.messagesEvent("content_block_start", fmt.Sprintf(`"index":%d,"content_block":{"type":%s,%s}`, a.blocks-1, quote(typ), fields))
}

// startMessage sends the first event, once.
func (a *answer) startMessage() error {
	if a.blocks > 0 {
		return nil
	}
	return a.messagesEvent("message_start", fmt.Sprintf(
		`"message":{"id":"msg_%d","type":"message","role":"assistant","model":%s,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":1}}`,
		a.c.N, quote(a.l.model)))
}

// closeBlock closes the open block. Reasoning ends with its signature.
func (a *answer) closeBlock() error {
	if a.block == "" {
		return nil
	}
	if a.block == "thinking" {
		if err := a.blockDelta(`{"type":"signature_delta","signature":` + quote(Signature(a.c.N)) + `}`); err != nil {
			return err
		}
	}
	a.block = ""
	return a.messagesEvent("content_block_stop", fmt.Sprintf(`"index":%d`, a.blocks-1))
}

func (a *answer) blockDelta(delta string) error {
	return a.messagesEvent("content_block_delta", fmt.Sprintf(`"index":%d,"delta":%s`, a.blocks-1, delta))
}

// Signature is that of the reasoning of call n.
func Signature(n int) string { return fmt.Sprintf("signature-%d==", n) }

// messagesToken sends one token.
func (a *answer) messagesToken(text string, reasoning bool) error {
	typ, delta, open := "text", `{"type":"text_delta","text":`, `"text":""`
	if reasoning {
		typ, delta, open = "thinking", `{"type":"thinking_delta","thinking":`, `"thinking":"","signature":""`
	}
	if err := a.openBlock(typ, open); err != nil {
		return err
	}
	if err := a.blockDelta(delta + quote(text) + `}`); err != nil {
		return err
	}
	a.s.sent(a.c, text, reasoning)
	return nil
}

// messagesEnd sends the call of a tool and the proper end, as far as they are commanded.
func (a *answer) messagesEnd() error {
	reason := map[string]string{"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}[a.l.finish]
	if reason == "" {
		reason = a.l.finish
	}
	if a.l.tool != "" {
		if err := a.openBlock("tool_use", fmt.Sprintf(`"id":"toolu_%d","name":%s,"input":{}`, a.c.N, quote(a.l.tool))); err != nil {
			return err
		}
		arguments := a.l.args
		if arguments == "" {
			arguments = "{}"
		}
		if err := a.blockDelta(`{"type":"input_json_delta","partial_json":` + quote(arguments) + `}`); err != nil {
			return err
		}
	}
	if err := a.startMessage(); err != nil {
		return err
	}
	if err := a.closeBlock(); err != nil {
		return err
	}
	if !a.l.nofinish {
		if err := a.messagesEvent("message_delta", fmt.Sprintf(`"delta":{"stop_reason":%s,"stop_sequence":null},"usage":{"output_tokens":%d}`, quote(reason), a.c.Tokens)); err != nil {
			return err
		}
	}
	if !a.l.nodone {
		if err := a.messagesEvent("message_stop", ""); err != nil {
			return err
		}
	}
	return a.release()
}

// wholeMessage sends the answer as a message, not a stream.
func (a *answer) wholeMessage() string {
	var text strings.Builder
	for i := range a.l.chunks {
		text.WriteString(a.text(i))
	}
	a.s.sent(a.c, text.String(), false)
	reply(a.w, map[string]any{
		"id": fmt.Sprintf("msg_%d", a.c.N), "type": "message", "role": "assistant", "model": a.l.model, "stop_reason": "end_turn",
		"content": []any{map[string]string{"type": "text", "text": text.String()}},
		"usage":   map[string]int{"input_tokens": 7, "output_tokens": a.l.chunks},
	})
	return endDone
}
