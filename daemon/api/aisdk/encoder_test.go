package aisdk

import (
	"encoding/json"
	"strings"
	"testing"

	"chat"
)

// encode returns the events of chunks, without their ends, and the error at which the
// connection is cut.
func encode(t *testing.T, chunks ...chat.Chunk) ([]map[string]any, error) {
	t.Helper()
	e := &encoder{messageID: "m1"}
	out := e.Open(nil)
	var failed error
	for i, c := range chunks {
		c.Index, c.Attempt = i, 1
		encoded, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if out, failed = e.Append(out, encoded); failed != nil {
			break
		}
	}
	var list []map[string]any
	for frame := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n\n"), "\n\n") {
		data, found := strings.CutPrefix(frame, "data: ")
		if data == "[DONE]" {
			continue
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(data), &event); err != nil || !found {
			t.Fatalf("%v in %q", err, frame)
		}
		list = append(list, event)
	}
	return list, failed
}

// short writes events as their types, with what they carry.
func short(list []map[string]any) string {
	var out []string
	for _, e := range list {
		s, _ := e["type"].(string)
		for _, key := range []string{"id", "delta", "inputTextDelta", "toolName", "errorText", "finishReason", "messageId"} {
			if v, ok := e[key].(string); ok {
				s += ":" + v
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestTheStreamHasTheEventsThatUseChatNeeds(t *testing.T) {
	t.Parallel()
	got, err := encode(t,
		chat.Chunk{Type: chat.ChunkReasoning, Content: "hm"},
		chat.Chunk{Type: chat.ChunkReasoning, DurationMS: 7},
		chat.Chunk{Type: chat.ChunkContent, Content: "a\n"},
		chat.Chunk{Type: chat.ChunkContent, Content: "b"},
		chat.Chunk{Type: chat.ChunkToolCall, CallID: "c1", Name: "f", Content: `{"x":`},
		chat.Chunk{Type: chat.ChunkToolCall, CallID: "c1", Content: "1}"},
		chat.Chunk{Type: chat.ChunkToolCall, CallID: "c2", Name: "g", Content: "{"},
		chat.Chunk{Type: chat.ChunkToolResult, CallID: "c1", Content: "42"},
		chat.Chunk{Type: "of_a_later_version"},
		chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, FinishReason: "tool_calls"},
	)
	want := "start:m1 start-step reasoning-start:reasoning-0 reasoning-delta:reasoning-0:hm reasoning-end:reasoning-0 " +
		"text-start:text-1 text-delta:text-1:a\n text-delta:text-1:b text-end:text-1 " +
		`tool-input-start:f tool-input-delta:{"x": tool-input-delta:1} tool-input-available:f ` +
		"tool-input-start:g tool-input-delta:{ tool-input-error:g:the arguments are not JSON tool-output-available finish-step finish:tool-calls"
	if err != nil || short(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, short(got), want)
	}
	if input, _ := got[12]["input"].(map[string]any); input["x"] != 1.0 {
		t.Errorf("%v", got[12])
	}
}

// A client takes each output for the whole one.
func TestAResultInPiecesIsOneOutput(t *testing.T) {
	t.Parallel()
	result := func(id, content string, failed bool) chat.Chunk {
		return chat.Chunk{Type: chat.ChunkToolResult, CallID: id, Content: content, IsError: failed}
	}
	got, err := encode(t, result("c1", "4", false), result("c1", "2", false), result("c2", "no", true), result("c2", " luck", false), chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone})
	if want := "start:m1 start-step tool-output-available tool-output-error:no luck finish-step finish:stop"; err != nil || short(got) != want || got[2]["output"] != "42" {
		t.Errorf("%v\n%s\nwant\n%s", err, short(got), want)
	}
}

func TestEndsThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	stopped, _ := encode(t, chat.Chunk{Type: chat.ChunkContent, Content: "a"}, chat.Chunk{Type: chat.ChunkDone, State: chat.TaskCancelled})
	if !strings.HasSuffix(short(stopped), "text-end:text-0 abort") {
		t.Error(short(stopped))
	}
	failed, _ := encode(t, chat.Chunk{Type: chat.ChunkError, State: chat.TaskFailed, Content: "no luck"})
	if !strings.HasSuffix(short(failed), "error:no luck") {
		t.Error(short(failed))
	}
}

// Text that was sent cannot be taken back, so the connection is cut; before the first text a
// reset changes nothing.
func TestAResetCutsTheStreamOnlyBehindText(t *testing.T) {
	t.Parallel()
	reset := chat.Chunk{Type: chat.ChunkReset}
	got, err := encode(t, reset, chat.Chunk{Type: chat.ChunkContent, Content: "a"}, chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone})
	if err != nil || !strings.HasSuffix(short(got), "finish-step finish:stop") {
		t.Errorf("%v: %s", err, short(got))
	}
	if got, err = encode(t, chat.Chunk{Type: chat.ChunkContent, Content: "a"}, reset); !chat.IsCode(err, chat.CodeAnswerRestarted) {
		t.Errorf("%v: %s", err, short(got))
	}
}
