// Package responses reads the events of OpenAI's Responses API: the JSON of one event in,
// what it says for an answer out. It follows
// https://platform.openai.com/docs/api-reference/responses-streaming, and chatd, whose
// answers can begin again (docs/protocol.md).
package responses

import (
	"encoding/json"
	"fmt"

	"chat/daemon/model/completion"
)

// Reader reads the events of one response, over all connections that bring them. The zero
// value reads from the beginning.
type Reader struct {
	numbered bool
	last     int // the sequence number of the last event

	some     bool        // part of an answer has come since the last void
	received map[int]int // bytes of text, by output_index
	called   map[int]bool
	summary  map[int]int // the last summary_index, by output_index
	counted  int         // bytes of text and of arguments
	kind     string      // of the last item
}

// Said is what an event says.
type Said struct {
	// ID is that of the response, "" if the event does not name it.
	ID string
	// Void says that everything before Frame does not count.
	Void  bool
	Frame completion.Frame
	// Ended says that the response has ended: Frame has the finish reason, or Failure has the
	// error. Stopped says that it was cancelled.
	Ended   bool
	Failure json.RawMessage
	Stopped bool
}

// Last returns the sequence number of the last event. known is false if the events have none.
func (r *Reader) Last() (n int, known bool) { return r.last, r.numbered }

// The statuses of a response that has ended.
const (
	completed  = "completed"
	incomplete = "incomplete"
	failed     = "failed"
	cancelled  = "cancelled"
)

// event is an event, or the response itself.
type event struct {
	Type     string          `json:"type"`
	Number   *int            `json:"sequence_number"`
	Index    int             `json:"output_index"`
	Summary  int             `json:"summary_index"`
	Delta    completion.Text `json:"delta"`
	Item     *item           `json:"item"`
	Response *response       `json:"response"`
	Object   string          `json:"object"`
}

type response struct {
	ID      string          `json:"id"`
	Status  string          `json:"status"`
	Model   completion.Text `json:"model"`
	Output  []item          `json:"output"`
	Error   json.RawMessage `json:"error"`
	Details struct {
		Reason completion.Text `json:"reason"`
	} `json:"incomplete_details"`
	Usage completion.Usage `json:"usage"`
}

// IsResponse reports whether data is a response, as opposed to an event of one.
func IsResponse(data []byte) bool {
	var e event
	return json.Unmarshal(data, &e) == nil && e.Object == "response"
}

// Read reads an event, or a whole response. Events that were read before say nothing.
func (r *Reader) Read(raw []byte) (Said, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return Said{}, fmt.Errorf("an event: %w", err)
	}
	if e.Object == "response" {
		e.Response = &response{}
		if err := json.Unmarshal(raw, e.Response); err != nil {
			return Said{}, fmt.Errorf("a response: %w", err)
		}
		return r.state(e.Response, false), nil
	}
	if e.Number != nil {
		if r.numbered && *e.Number <= r.last {
			return Said{}, nil
		}
		r.numbered, r.last = true, *e.Number
	}
	switch e.Type {
	case "response.created", "response.queued", "response.in_progress", "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		if e.Response == nil {
			return Said{}, fmt.Errorf("the event %s has no response", e.Type)
		}
		return r.state(e.Response, e.Type == "response.in_progress"), nil
	case "":
		if completion.Classify(raw) == completion.Failure {
			return Said{Ended: true, Failure: raw}, nil
		}
	case "error":
		return Said{Ended: true, Failure: raw}, nil
	}
	return Said{Frame: r.piece(&e)}, nil
}

// state reads an event with the response. begins says that it is the one with which output
// begins: an empty output makes all items before it void.
func (r *Reader) state(of *response, begins bool) Said {
	out := Said{ID: of.ID}
	switch of.Status {
	case completed, incomplete, failed, cancelled:
	default:
		if begins && len(of.Output) == 0 && r.some {
			out.Void = true
			r.restart()
		}
		return out
	}
	out.Ended = true
	switch {
	case of.Status == cancelled:
		out.Stopped = true
		return out
	case of.Status == failed:
		out.Failure = json.RawMessage(`{"error":{"message":"the response failed"}}`)
		if completion.Present(of.Error) {
			out.Failure = json.RawMessage(`{"error":` + string(of.Error) + `}`)
		}
		return out
	}
	out.Frame = completion.Frame{Model: of.Model, Usage: &of.Usage}
	if n := length(of.Output); len(of.Output) > 0 && n != r.counted { // something was not sent as an event
		out.Void = r.some
		r.restart()
		for i := range of.Output {
			out.Frame.Choices = append(out.Frame.Choices, r.whole(i, &of.Output[i])...)
		}
	}
	out.Frame.Choices = append(out.Frame.Choices, completion.Choice{Reason: r.reason(of)})
	return out
}

// reason is the finish reason in the words of Chat Completions.
func (r *Reader) reason(of *response) completion.Text {
	switch {
	case of.Status == completed && r.kind == kindCall:
		return "tool_calls"
	case of.Status == completed:
		return "stop"
	case of.Details.Reason == "max_output_tokens":
		return "length"
	case of.Details.Reason == "":
		return incomplete
	}
	return of.Details.Reason
}

// restart forgets all items.
func (r *Reader) restart() {
	r.some, r.received, r.called, r.summary, r.counted, r.kind = false, nil, nil, nil, 0, ""
}
