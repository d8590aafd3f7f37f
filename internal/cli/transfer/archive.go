package transfer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"chat"
	"chat/internal/cli/foreign"
	"chat/internal/term/charset"
	"chat/internal/transcript"
)

// archive reads the conversations of an export of any program one by one. An export is
// one or several JSON documents. Only one conversation is in memory at a time.
type archive struct {
	name   string
	r      *bufio.Reader
	number int // of the last conversation from next, from 1
	// The position in the text.
	line, column, before int // from 0; before is the length of the previous line
	open                 []level
	pending              []json.RawMessage // conversations to return next
}

// level is an open array or object.
type level struct {
	is    byte // [ or {
	begun bool // it has a value
	// For an object: its fields, if it may be a conversation itself, and whether it
	// contains conversations instead.
	whole  []byte
	holder bool
}

// maxRaw limits one conversation in a file, which may have extra white space and
// unknown fields.
const maxRaw = 4 * chat.MaxTranscript

// maxHead limits the other fields of an export.
const maxHead = 1 << 20

// openArchive opens a text in any encoding of Unicode.
func openArchive(r io.Reader, name string) (*archive, error) {
	text, err := charset.NewReader(r)
	if err != nil {
		return nil, err
	}
	a := &archive{name: name, r: bufio.NewReaderSize(text, 256<<10)}
	switch first, err := a.peek(); {
	case errors.Is(err, io.EOF):
		return nil, notExport("%s is empty: import reads the output of chat export --all", name)
	case err != nil:
		return nil, a.unreadable(err)
	case first == '<':
		return nil, notExport("%s is HTML: import reads the JSON file of an export, such as conversations.json", name)
	case first != '[' && first != '{' && first != recordMark:
		return nil, notExport("%s is not JSON: import reads the output of chat export (-f json) and the exports of ChatGPT, Claude and others (chat import --help)", name)
	}
	return a, nil
}

// errNotExport is the cause of the error for a text that is not an export.
var errNotExport = errors.New("it is no export")

func notExport(format string, args ...any) error {
	e := chat.Errorf(chat.CodeInvalid, format, args...)
	e.Cause = errNotExport
	return e
}

// recordMark may precede each document (RFC 7464).
const recordMark = 0x1E

// next returns the next conversation and what it omits, and io.EOF after the last one.
// After a ConversationError or an EmptyError, next can be called again.
func (a *archive) next() (transcript.Transcript, foreign.LeftOut, error) {
	for {
		if len(a.pending) > 0 {
			raw := a.pending[0]
			a.pending = a.pending[1:]
			a.number++
			return foreign.Read(raw)
		}
		raw, err := a.step()
		switch {
		case errors.Is(err, io.EOF) && len(a.open) == 0:
			return transcript.Transcript{}, nil, io.EOF
		case errors.Is(err, errTooLong):
			a.number++
			return transcript.Transcript{}, nil, foreign.ConversationError{Why: chat.Errorf(chat.CodeTooLarge, "it is larger than %d MiB", maxRaw>>20)}
		case err != nil:
			return transcript.Transcript{}, nil, a.unreadable(err)
		case raw == nil:
			continue
		}
		if a.pending = foreign.Conversations(raw); a.pending != nil {
			continue
		}
		a.number++
		if foreign.IsMessage(raw) {
			if raw, err = a.messages(raw); err != nil {
				return transcript.Transcript{}, nil, a.unreadable(err)
			}
		}
		return foreign.Read(raw)
	}
}

// messages reads a conversation whose messages are not in an object: the rest of the
// list, or the following documents, are its other messages.
func (a *archive) messages(first []byte) ([]byte, error) {
	depth := len(a.open)
	whole := slices.Concat([]byte(`{"messages":[`), first)
	for {
		raw, err := a.step()
		switch {
		case errors.Is(err, io.EOF) && depth == 0 && len(a.open) == 0:
			return append(whole, "]}"...), nil
		case err != nil:
			return nil, err
		case raw != nil && depth == 0 && !foreign.IsMessage(raw):
			a.pending = []json.RawMessage{raw}
			return append(whole, "]}"...), nil
		case raw != nil:
			whole = append(append(whole, ','), raw...)
		case len(a.open) < depth:
			return append(whole, "]}"...), nil
		}
		if len(whole) > maxRaw {
			return nil, errTooLong
		}
	}
}

// step reads the start or the end of an array or an object, or returns a value.
func (a *archive) step() ([]byte, error) {
	c, err := a.peek()
	if err != nil {
		return nil, err
	}
	if len(a.open) == 0 {
		switch c {
		case '[', '{':
			return nil, a.enter(c)
		case recordMark:
			_, err := a.readByte()
			return nil, err
		}
		return nil, fmt.Errorf("unexpected %q after the end", c)
	}
	in := &a.open[len(a.open)-1]
	if in.is == '{' {
		return a.field(in)
	}
	if c == ']' {
		return nil, a.leave()
	}
	if in.begun {
		if c != ',' {
			return nil, fmt.Errorf("expected a comma, found %q", c)
		}
		_, _ = a.readByte() // the peeked byte
		if c, err = a.peek(); err != nil {
			return nil, err
		}
	}
	in.begun = true
	if c == '[' {
		return nil, a.enter(c)
	}
	return a.value(maxRaw)
}

func (a *archive) enter(c byte) error {
	_, err := a.readByte()
	a.open = append(a.open, level{is: c})
	return err
}

func (a *archive) leave() error {
	_, err := a.readByte()
	a.open = a.open[:len(a.open)-1]
	return err
}

// field reads the next field of a top-level object. At the end of the object, it returns
// the object if it may be a conversation.
func (a *archive) field(in *level) ([]byte, error) {
	key, more, err := a.key()
	if err != nil {
		return nil, err
	}
	if !more {
		holder, whole := in.holder, in.object()
		if err := a.leave(); err != nil || holder {
			return nil, err
		}
		return whole, a.checkHead(whole)
	}
	next, err := a.peek()
	if err != nil {
		return nil, err
	}
	if next == '[' && slices.ContainsFunc(foreign.Containers(), func(name string) bool { return key == `"`+name+`"` }) {
		in.holder = true
		if err := a.checkHead(in.object()); err != nil {
			return nil, err
		}
		return nil, a.enter(next)
	}
	value, err := a.value(maxRaw - len(in.whole))
	switch {
	case in.holder && (err == nil || errors.Is(err, errTooLong)):
		return nil, nil // a field of the container
	case errors.Is(err, errTooLong):
		in.holder, in.whole = true, nil // it is too large for a conversation
	}
	if err != nil {
		return nil, err
	}
	if len(in.whole) > 0 {
		in.whole = append(in.whole, ',')
	}
	in.whole = append(append(append(in.whole, key...), ':'), value...)
	return nil, nil
}

// object returns an object with the fields so far.
func (l *level) object() []byte { return slices.Concat([]byte{'{'}, l.whole, []byte{'}'}) }

// checkHead refuses exports of a newer version of chat.
func (a *archive) checkHead(object []byte) error {
	var head struct {
		Format  any `json:"format"`
		Version any `json:"version"`
	}
	if len(object) > maxHead || json.Unmarshal(object, &head) != nil {
		return nil //nolint:nilerr // a conversation, which is checked later
	}
	if version, ok := head.Version.(float64); ok && head.Format == exportFormat && version > exportVersion {
		return chat.Errorf(chat.CodeInvalid, "%s was written by a newer chat (format version %v, this one reads up to %d): update chat", a.name, version, exportVersion)
	}
	return nil
}

// key reads the next raw key of an object and its colon.
func (a *archive) key() (key string, more bool, err error) {
	c, err := a.peek()
	if err == nil && c == ',' {
		_, _ = a.readByte() // the peeked byte
		c, err = a.peek()
	}
	if err == nil && c == '}' {
		return "", false, nil
	}
	if err == nil && c != '"' {
		err = fmt.Errorf("expected a key, found %q", c)
	}
	var raw []byte
	if err == nil {
		raw, err = a.value(maxHead)
	}
	if err == nil {
		if c, err = a.peek(); err == nil && c != ':' {
			err = fmt.Errorf("expected a colon, found %q", c)
		}
	}
	if err != nil {
		return "", false, err
	}
	_, err = a.readByte()
	return string(raw), true, err
}

// unreadable returns the error of a text that cannot be read further.
func (a *archive) unreadable(err error) error {
	problem := (*charset.DecodeError)(nil)
	coded := (*chat.Error)(nil)
	switch {
	case errors.As(err, &coded):
		return err
	case errors.As(err, &problem):
		return chat.Errorf(chat.CodeInvalid, "%s", problem.Sentence(a.name, ""))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return chat.Errorf(chat.CodeInvalid, "%s is truncated after conversation %d", a.name, a.number)
	case errors.Is(err, errTooLong):
		return chat.Errorf(chat.CodeTooLarge, "%s contains a value larger than the limit of a conversation", a.name)
	}
	return chat.Errorf(chat.CodeInvalid, "%s cannot be read beyond line %d, column %d: %w", a.name, a.line+1, a.column+1, err)
}
