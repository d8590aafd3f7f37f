package chat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ChunkType says what a chunk carries.
type ChunkType string

// The types of chunks. Content, reasoning, tool calls and tool results form the parts of
// an answer (Parts.Apply). A reset drops everything before it: either a new attempt
// begins, or an attempt sends its text again as another type (Retypes). Done and
// error are terminal: exactly one of them is the last chunk of a stream.
const (
	ChunkContent    ChunkType = "content"
	ChunkReasoning  ChunkType = "reasoning"
	ChunkToolCall   ChunkType = "tool_call"
	ChunkToolResult ChunkType = "tool_result"
	ChunkReset      ChunkType = "reset"
	ChunkDone       ChunkType = "done"
	ChunkError      ChunkType = "error"
)

// Chunk is one entry of a task's chunk log. Its JSON is the wire format: the
// same object in the Redis list, on the pub/sub channel and in an SSE frame.
type Chunk struct {
	Index   int       `json:"chunk_index"`
	Type    ChunkType `json:"chunk_type"`
	Content string    `json:"content"`
	Attempt int       `json:"attempt"`

	// On chunks of a part only; see Part. The content of a tool call is a piece of its
	// arguments. DurationMS is on the last chunk of a reasoning part.
	CallID       string        `json:"call_id,omitempty"`
	Name         string        `json:"name,omitempty"`
	IsError      bool          `json:"is_error,omitempty"`
	DurationMS   int64         `json:"duration_ms,omitempty"`
	ProviderData *ProviderData `json:"provider_data,omitempty"`

	// On terminal chunks only. If there is a Code, Content is the error's message.
	MessageID    string    `json:"message_id,omitempty"`
	State        TaskState `json:"state,omitempty"`
	FinishReason string    `json:"finish_reason,omitempty"`
	Usage        *Usage    `json:"usage,omitempty"`
	Code         Code      `json:"code,omitempty"`
	Retryable    bool      `json:"retryable,omitempty"`
	Notices      []string  `json:"notices,omitempty"` // as in Task
}

// Terminal reports whether c ends the stream.
func (c Chunk) Terminal() bool { return c.Type == ChunkDone || c.Type == ChunkError }

// Retypes reports whether c, after a chunk of that attempt, drops the attempt's own
// text, which follows again as another type.
func (c Chunk) Retypes(attempt int) bool {
	return c.Type == ChunkReset && c.Attempt == attempt && attempt > 0
}

// Position returns the chunk's position in the stream.
func (c Chunk) Position() Position { return Position{Attempt: c.Attempt, Index: c.Index} }

// Err is the error that an error chunk carries, or nil.
func (c Chunk) Err() *Error {
	if c.Type != ChunkError {
		return nil
	}
	return &Error{Code: c.Code, Message: c.Content, Retryable: c.Retryable}
}

// Mismatch is the error of a done chunk whose answer is not in the Format that was asked for,
// or nil.
func (c Chunk) Mismatch() *Error {
	if c.Type != ChunkDone || c.Code == "" {
		return nil
	}
	return &Error{Code: c.Code, Message: c.Content}
}

// EncodedChunk is a chunk in its wire form, with its position and type, so that it can be
// passed on without being decoded.
type EncodedChunk struct {
	Index   int
	Attempt int
	Type    ChunkType
	JSON    string // of the Chunk, without line ends
}

// Encode returns c's wire form. It fails only if ProviderData is not valid JSON.
func (c Chunk) Encode() (EncodedChunk, error) {
	if c.Bare() {
		return EncodedChunk{c.Index, c.Attempt, c.Type, string(c.appendJSON(make([]byte, 0, 72+len(c.Content))))}, nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return EncodedChunk{}, fmt.Errorf("encode chunk %s: %w", c.Position(), err)
	}
	return EncodedChunk{c.Index, c.Attempt, c.Type, string(data)}, nil
}

// Decode returns the chunk.
func (c EncodedChunk) Decode() (Chunk, error) {
	var out Chunk
	if err := json.Unmarshal([]byte(c.JSON), &out); err != nil {
		return out, fmt.Errorf("decode chunk %s: %w", c.Position(), err)
	}
	return out, nil
}

// Terminal reports whether c ends the stream.
func (c EncodedChunk) Terminal() bool { return c.Type == ChunkDone || c.Type == ChunkError }

// Position returns the chunk's position in the stream.
func (c EncodedChunk) Position() Position { return Position{Attempt: c.Attempt, Index: c.Index} }

// Position identifies the last chunk that a reader has seen. An index is valid only within
// its attempt. Positions of one stream are ordered by attempt, then by index.
type Position struct {
	Attempt int
	Index   int
}

// Start is the position before the first chunk.
func Start() Position { return Position{Attempt: 0, Index: -1} }

// AnyAttempt is the attempt of a position that consists of an index only.
const AnyAttempt = -1

// IsStart reports whether p is before the first chunk.
func (p Position) IsStart() bool { return p.Index < 0 }

// Less reports whether p comes before q.
func (p Position) Less(q Position) bool {
	if p.Attempt != q.Attempt {
		return p.Attempt < q.Attempt
	}
	return p.Index < q.Index
}

// String is "<attempt>-<index>", the id of the chunk's SSE frame; "" at the start.
func (p Position) String() string { return string(p.Append(nil)) }

// Append appends the position to dst in the form of String.
func (p Position) Append(dst []byte) []byte {
	if p.IsStart() {
		return dst
	}
	if p.Attempt != AnyAttempt {
		dst = strconv.AppendInt(dst, int64(p.Attempt), 10)
		dst = append(dst, '-')
	}
	return strconv.AppendInt(dst, int64(p.Index), 10)
}

// maxPositionLen is above the length of two decimal ints and a dash.
const maxPositionLen = 32

// ParsePosition parses "<attempt>-<index>" or an index alone, whose attempt is AnyAttempt.
// "" is the start. Anything else is CodeInvalid.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Start(), nil
	}
	if len(s) > maxPositionLen {
		return Position{}, Errorf(CodeInvalid, "a stream position has at most %d characters", maxPositionLen)
	}
	a, i, ok := strings.Cut(s, "-")
	if !ok {
		n, err := parseIndex(s)
		if err != nil {
			return Position{}, err
		}
		return Position{Attempt: AnyAttempt, Index: n}, nil
	}
	attempt, err := parseIndex(a)
	if err != nil {
		return Position{}, err
	}
	index, err := parseIndex(i)
	if err != nil {
		return Position{}, err
	}
	return Position{Attempt: attempt, Index: index}, nil
}

func parseIndex(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || fmt.Sprint(n) != s {
		return 0, Errorf(CodeInvalid, "%q is not a stream position: use <attempt>-<index>, as in the id of an event", s)
	}
	return int(n), nil
}

// RawContent returns the content of a bare chunk as it stands in the JSON, that is, escaped
// and without quotes. It returns false for any other chunk.
func (c EncodedChunk) RawContent() (string, bool) {
	if c.Type != ChunkContent && c.Type != ChunkReasoning {
		return "", false
	}
	_, rest, found := strings.Cut(c.JSON, `","content":"`)
	end := strings.LastIndex(rest, `","attempt":`)
	if !found || end < 0 || strings.Trim(rest[end+len(`","attempt":`):], "0123456789") != "}" {
		return "", false
	}
	return rest[:end], true
}
