package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"chat"
)

// archive reads the conversations of an export one by one: the JSON of chat export,
// what chat show --json prints, or ChatGPT's conversations.json. Only one
// conversation is in memory at a time.
type archive struct {
	name   string
	r      *bufio.Reader
	number int // of the conversation that next has returned, from 1
	// inside is whether the values to come are elements of an array.
	inside bool
	ended  bool
	single []byte // a file that is one conversation, "" if it is not
}

// maxRaw bounds one conversation in a file, which may be laid out generously and
// have fields that are not taken.
const maxRaw = 4 * chat.MaxTranscript

// maxHead bounds the other fields of an export.
const maxHead = 1 << 20

// conversationError is what is wrong with one conversation; the next one can be read.
type conversationError struct{ why *chat.Error }

func (b conversationError) Error() string { return b.why.Error() }

// Unwrap lets it count as the error that it is.
func (b conversationError) Unwrap() error { return b.why }

// openArchive reads up to the first conversation.
func openArchive(r io.Reader, name string) (*archive, error) {
	a := &archive{name: name, r: bufio.NewReaderSize(r, 256<<10)}
	first, err := a.peek()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, chat.Errorf(chat.CodeInvalid, "%s is empty: chat export --all writes what import reads", name)
		}
		return nil, a.unreadable(err)
	}
	switch first {
	case '[':
		_, err = a.r.ReadByte()
		a.inside = true
		return a, err
	case '{':
		return a, a.open()
	case 'P', 0x1f:
		return nil, chat.Errorf(chat.CodeInvalid, "%s is packed: unzip -p FILE conversations.json | chat import -", name)
	}
	return nil, chat.Errorf(chat.CodeInvalid, "%s is not JSON: import reads what chat export writes (-f json), and ChatGPT's conversations.json", name)
}

// open reads an object up to its conversations.
func (a *archive) open() error {
	if _, err := a.r.ReadByte(); err != nil {
		return a.unreadable(err)
	}
	var whole bytes.Buffer // should it be a conversation itself
	whole.WriteString("{")
	for {
		key, more, err := a.key()
		if err != nil {
			return err
		}
		if !more {
			whole.WriteString("}")
			a.single, a.ended = whole.Bytes(), true
			return a.checkHead(whole.Bytes())
		}
		next, err := a.peek()
		if err != nil {
			return a.unreadable(err)
		}
		if key == `"conversations"` && next == '[' {
			whole.WriteString("}")
			if err := a.checkHead(whole.Bytes()); err != nil {
				return err
			}
			_, err = a.r.ReadByte()
			a.inside = true
			return err
		}
		value, err := a.value(maxRaw - whole.Len())
		if err != nil {
			return a.unreadable(err)
		}
		if whole.Len() > 1 {
			whole.WriteString(",")
		}
		whole.WriteString(key + ":")
		whole.Write(value)
	}
}

// checkHead refuses what a later version of chat has written.
func (a *archive) checkHead(object []byte) error {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if len(object) > maxHead {
		return nil // a conversation, which is looked at later
	}
	if err := json.Unmarshal(object, &head); err != nil {
		return a.unreadable(err)
	}
	if head.Format == exportFormat && head.Version > exportVersion {
		return chat.Errorf(chat.CodeInvalid, "%s was written by a newer chat (format version %d, this one reads up to %d): update chat", a.name, head.Version, exportVersion)
	}
	return nil
}

// key reads the next key of an object, as it is written, and its colon.
func (a *archive) key() (key string, more bool, err error) {
	c, err := a.peek()
	if err == nil && c == ',' {
		_, _ = a.r.ReadByte() // it was seen
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
		return "", false, a.unreadable(err)
	}
	_, err = a.r.ReadByte()
	return string(raw), true, err
}

// next is the next conversation; io.EOF comes behind the last one. Behind a
// conversationError one can go on.
func (a *archive) next() (chat.Transcript, error) {
	if a.single != nil {
		raw := a.single
		a.single = nil
		a.number++
		return readConversation(raw)
	}
	if a.ended || !a.inside {
		return chat.Transcript{}, io.EOF
	}
	c, err := a.peek()
	if err == nil && c == ',' && a.number > 0 {
		_, _ = a.r.ReadByte() // it was seen
		c, err = a.peek()
	}
	if err == nil && c == ']' {
		a.ended = true
		return chat.Transcript{}, io.EOF
	}
	a.number++
	var raw []byte
	if err == nil {
		raw, err = a.value(maxRaw)
	}
	switch {
	case errors.Is(err, errTooLong):
		return chat.Transcript{}, conversationError{chat.Errorf(chat.CodeTooLarge, "it has more than %d MiB", maxRaw>>20)}
	case err != nil:
		return chat.Transcript{}, a.unreadable(err)
	}
	return readConversation(raw)
}

func (a *archive) unreadable(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return chat.Errorf(chat.CodeInvalid, "%s ends in the middle, after conversation %d: it is not whole", a.name, max(a.number-1, 0))
	case errors.Is(err, errTooLong):
		return chat.Errorf(chat.CodeTooLarge, "%s holds something larger than a conversation may be", a.name)
	}
	return chat.Errorf(chat.CodeInvalid, "%s cannot be read, from conversation %d on: %w", a.name, max(a.number, 1), err)
}

// readConversation reads a conversation of either kind.
func readConversation(raw []byte) (chat.Transcript, error) {
	var kind struct {
		ID       string          `json:"id"`
		Title    *string         `json:"title"`
		Mapping  json.RawMessage `json:"mapping"`
		Messages json.RawMessage `json:"messages"`
	}
	t := chat.Transcript{}
	bad := func(format string, args ...any) (chat.Transcript, error) {
		if kind.Title != nil {
			t.Title = *kind.Title
		}
		t.ID = kind.ID
		return t, conversationError{chat.Errorf(chat.CodeInvalid, format, args...)}
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return bad("it is no conversation: %s", jsonProblem(err))
	}
	switch {
	case kind.Mapping != nil:
		t, err := readChatGPT(raw)
		if err != nil {
			return bad("%s", jsonProblem(err))
		}
		return t, nil
	case kind.Messages == nil:
		return bad("it has neither messages, as those of chat export have, nor a mapping, as those of ChatGPT have")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // what is not known would be lost without a word
	var read chat.Transcript
	if err := d.Decode(&read); err != nil {
		return bad("%s", jsonProblem(err))
	}
	return read, nil
}

// jsonProblem is an error of the JSON reader without the name of its package.
func jsonProblem(err error) string { return strings.TrimPrefix(err.Error(), "json: ") }
