package transfer

import (
	"bufio"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"chat"
	"chat/internal/cli/foreign"
	"chat/internal/transcript"
)

const (
	firstID  = "01999999-9999-7999-8999-999999999901"
	secondID = "01999999-9999-7999-8999-999999999902"
)

// readAll reads an archive: the titles of its conversations, or what is wrong with
// them; and what ended it.
func readAll(text string) (seen []string, err error) {
	a, err := openArchive(strings.NewReader(text), "f.json")
	for err == nil {
		var t transcript.Transcript
		t, _, err = a.next()
		switch {
		case errors.As(err, new(foreign.EmptyError)):
			seen, err = append(seen, "- "+err.Error()), nil
		case errors.As(err, new(foreign.ConversationError)):
			seen, err = append(seen, "! "+err.Error()), nil
		case err == nil:
			seen = append(seen, t.Title)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return seen, err
}

func TestAnArchiveIsReadOneByOne(t *testing.T) {
	one := `{"id":"` + firstID + `","title":"one","messages":[]}`
	two := `{"id":"` + secondID + `","title":"t\"]},{w\\","messages":[{"id":"` + firstID + `","role":"user","content":"{[\""}]}`
	for text, want := range map[string]string{
		`{"format":"chat","version":1,"exported_at":"x","conversations":[` + one + `,` + two + `]}`:                     `one t"]},{w\`,
		"\xEF\xBB\xBF \n{\"format\" : \"chat\", \"version\" : 1 ,\n\"conversations\" : [ " + one + " , " + two + "\n]}": `one t"]},{w\`,
		`[` + one + `,` + two + `]`:             `one t"]},{w\`,
		one:                                     "one",
		`{"conversations":[]}`:                  "",
		`[]`:                                    "",
		`[1,` + one + `]`:                       "! it is not a conversation but a number one",
		`[{"id":"x","surprise":1},` + one + `]`: "! it has neither messages",
		`[{"id":"x","messages":[],"surprise":1},` + one + `]`:            `! unknown field "surprise" one`,
		`[{"id":"x","messages":{}},` + one + `]`:                         "! its field messages is an object, but must be a list one",
		`[{"id":"x","messages":[{"content":"}]` + "\x01" + `"}]},` + one: "! it is not a conversation: it is not valid JSON: invalid character",
	} {
		seen, err := readAll(text)
		if got := strings.Join(seen, " "); !strings.HasPrefix(got, want) || want == "" && got != "" || err != nil && !strings.Contains(text, "\x01") {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got, err, want)
		}
		if strings.HasPrefix(text, "[{") && strings.Contains(text, one) && (len(seen) < 2 || seen[len(seen)-1] != "one" && !strings.HasPrefix(seen[len(seen)-1], "t")) {
			t.Errorf("%s: what follows is not read: %q", text, seen)
		}
	}
}

func TestAnArchiveThatIsNone(t *testing.T) {
	for text, says := range map[string]string{
		"":                "f.json is empty",
		" \n":             "f.json is empty",
		"# A title\n":     "is not JSON",
		"<!DOCTYPE html>": "is HTML",
		`{"format":"chat","version":2,"conversations":[]}`: "by a newer chat",
		`[{"id":"x"`:                 "is truncated after conversation 0",
		`[{"id":"x","messages":[]},`: "is truncated after conversation 1",
		`{"conversations":[`:         "is truncated",
		`{"conversations"`:           "is truncated",
		`{1:2}`:                      "expected a key",
		`{"a" 1}`:                    "expected a colon",
		`[,]`:                        "expected a value",
	} {
		if seen, err := readAll(text); err == nil || !strings.Contains(err.Error(), says) || !chat.IsCode(err, chat.CodeInvalid) {
			t.Errorf("%q: %q, %v; want %q", text, seen, err, says)
		}
	}
}

// endless is a long array of conversations, each of some size.
type endless struct {
	left int
	item string
	rest string
}

func (e *endless) Read(b []byte) (int, error) {
	if e.rest == "" {
		if e.left == 0 {
			return 0, io.EOF
		}
		if e.left--; e.left == 0 {
			e.rest = `{"id":"x","messages":[]}]`
		} else {
			e.rest = e.item + ","
		}
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestALargeArchiveNeedsLittleMemory(t *testing.T) {
	const count, size = 100, 1 << 20
	item := `{"id":"` + firstID + `","title":"t","messages":[{"content":"` + strings.Repeat("x", size) + `"}]}`
	a, err := openArchive(&endless{left: count, item: item, rest: "["}, "f")
	if err != nil {
		t.Fatal(err)
	}
	most := uint64(0)
	for n := 0; ; n++ {
		_, _, err := a.next()
		if errors.Is(err, io.EOF) {
			if n != count {
				t.Errorf("%d conversations, want %d", n, count)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n%25 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if most > 32<<20 {
		t.Errorf("%d MiB of memory for %d conversations of %d MiB", most>>20, count, size>>20)
	}
}

func TestAConversationThatIsTooLongIsPassedOver(t *testing.T) {
	a := &archive{}
	a.r = bufio.NewReader(strings.NewReader(`{"a":["xxxxxxxxxx\"}"]} {"b":1}`))
	if v, err := a.value(8); !errors.Is(err, errTooLong) {
		t.Errorf("%s, %v", v, err)
	}
	if v, err := a.value(8); err != nil || string(v) != `{"b":1}` {
		t.Errorf("%s, %v", v, err)
	}
}
