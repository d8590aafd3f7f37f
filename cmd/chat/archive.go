package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"chat"
	"chat/internal/term/charset"
)

// archive reads the conversations of an export one by one, whatever program it is
// of: one JSON document or several, behind each other or a line each. Only one
// conversation is in memory at a time.
type archive struct {
	name   string
	r      *bufio.Reader
	number int // of the conversation that next has returned, from 1
	// The place in the text.
	line, column, before int // from 0; before is the length of the line before
	open                 []level
	pending              []json.RawMessage // conversations that have been read already
}

// level is an array or an object whose end has not been read.
type level struct {
	is    byte // [ or {
	begun bool // something was in it
	// Of an object: its fields, should it be a conversation itself, and whether it
	// has held conversations, and is none.
	whole  []byte
	holder bool
}

// maxRaw bounds one conversation in a file, which may be laid out generously and
// have fields that are not taken.
const maxRaw = 4 * chat.MaxTranscript

// maxHead bounds the other fields of an export.
const maxHead = 1 << 20

// openArchive begins to read a text in any encoding of Unicode.
func openArchive(r io.Reader, name string) (*archive, error) {
	text, err := charset.NewReader(r)
	if err != nil {
		return nil, err
	}
	a := &archive{name: name, r: bufio.NewReaderSize(text, 256<<10)}
	switch first, err := a.peek(); {
	case errors.Is(err, io.EOF):
		return nil, notExport("%s is empty: chat export --all writes what import reads", name)
	case err != nil:
		return nil, a.unreadable(err)
	case first == '<':
		return nil, notExport("%s is HTML: import reads the JSON file of an export, such as conversations.json", name)
	case first != '[' && first != '{' && first != recordMark:
		return nil, notExport("%s is not JSON: import reads what chat export writes (-f json), and the exports of ChatGPT, Claude and others (chat import --help)", name)
	}
	return a, nil
}

// errNotExport is the cause of the error of a text that is no export of anything.
var errNotExport = errors.New("it is no export")

func notExport(format string, args ...any) error {
	e := chat.Errorf(chat.CodeInvalid, format, args...)
	e.Cause = errNotExport
	return e
}

// recordMark may stand before each document (RFC 7464).
const recordMark = 0x1E

// next is the next conversation, and what of it is left out; io.EOF comes behind the
// last one. Behind a conversationError or a nothingError one can go on.
func (a *archive) next() (chat.Transcript, leftOut, error) {
	for {
		if len(a.pending) > 0 {
			raw := a.pending[0]
			a.pending = a.pending[1:]
			a.number++
			return readConversation(raw)
		}
		raw, err := a.step()
		switch {
		case errors.Is(err, io.EOF) && len(a.open) == 0:
			return chat.Transcript{}, nil, io.EOF
		case errors.Is(err, errTooLong):
			a.number++
			return chat.Transcript{}, nil, conversationError{chat.Errorf(chat.CodeTooLarge, "it has more than %d MiB", maxRaw>>20), false}
		case err != nil:
			return chat.Transcript{}, nil, a.unreadable(err)
		case raw == nil:
			continue
		}
		if a.pending = conversationsIn(raw); a.pending != nil {
			continue
		}
		a.number++
		if isMessage(raw) {
			if raw, err = a.messages(raw); err != nil {
				return chat.Transcript{}, nil, a.unreadable(err)
			}
		}
		return readConversation(raw)
	}
}

// messages reads on from a message that stands where a conversation should: all of a
// list, or of the documents behind each other, are messages of one conversation.
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
		case raw != nil && depth == 0 && !isMessage(raw):
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

// step reads one thing: the beginning or the end of an array or an object, or a
// value, which it returns.
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
		return nil, fmt.Errorf("%q stands behind the end", c)
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
			return nil, fmt.Errorf("a comma was expected, not %q", c)
		}
		_, _ = a.readByte() // it was seen
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

// field reads the next field of an object that stands by itself. At its end the
// object is returned if it may be a conversation.
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
	if next == '[' && slices.ContainsFunc(containers(), func(name string) bool { return key == `"`+name+`"` }) {
		in.holder = true
		if err := a.checkHead(in.object()); err != nil {
			return nil, err
		}
		return nil, a.enter(next)
	}
	value, err := a.value(maxRaw - len(in.whole))
	switch {
	case in.holder && (err == nil || errors.Is(err, errTooLong)):
		return nil, nil // it is not about the conversations
	case errors.Is(err, errTooLong):
		in.holder, in.whole = true, nil // half of a conversation is none
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

// object is an object with the fields so far.
func (l *level) object() []byte { return slices.Concat([]byte{'{'}, l.whole, []byte{'}'}) }

// checkHead refuses what a later version of chat has written.
func (a *archive) checkHead(object []byte) error {
	var head struct {
		Format  any `json:"format"`
		Version any `json:"version"`
	}
	if len(object) > maxHead || json.Unmarshal(object, &head) != nil {
		return nil //nolint:nilerr // a conversation, which is looked at later
	}
	if version, ok := head.Version.(float64); ok && head.Format == exportFormat && version > exportVersion {
		return chat.Errorf(chat.CodeInvalid, "%s was written by a newer chat (format version %v, this one reads up to %d): update chat", a.name, version, exportVersion)
	}
	return nil
}

// key reads the next key of an object, as it is written, and its colon.
func (a *archive) key() (key string, more bool, err error) {
	c, err := a.peek()
	if err == nil && c == ',' {
		_, _ = a.readByte() // it was seen
		c, err = a.peek()
	}
	if err == nil && c == '}' {
		return "", false, nil
	}
	if err == nil && c != '"' {
		err = fmt.Errorf("a key was expected, not %q", c)
	}
	var raw []byte
	if err == nil {
		raw, err = a.value(maxHead)
	}
	if err == nil {
		if c, err = a.peek(); err == nil && c != ':' {
			err = fmt.Errorf("a colon was expected, not %q", c)
		}
	}
	if err != nil {
		return "", false, err
	}
	_, err = a.readByte()
	return string(raw), true, err
}

// unreadable is the error of a text from which nothing more can be read.
func (a *archive) unreadable(err error) error {
	problem := (*charset.DecodeError)(nil)
	coded := (*chat.Error)(nil)
	switch {
	case errors.As(err, &coded):
		return err
	case errors.As(err, &problem):
		return chat.Errorf(chat.CodeInvalid, "%s", problem.Sentence(a.name, ""))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return chat.Errorf(chat.CodeInvalid, "%s ends in the middle, after conversation %d: it is not whole", a.name, a.number)
	case errors.Is(err, errTooLong):
		return chat.Errorf(chat.CodeTooLarge, "%s holds something larger than a conversation may be", a.name)
	}
	return chat.Errorf(chat.CodeInvalid, "%s cannot be read from line %d, column %d, on: %w", a.name, a.line+1, a.column+1, err)
}
