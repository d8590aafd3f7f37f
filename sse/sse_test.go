package sse_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"chat"
	"chat/sse"
)

type event struct{ id, typ, data string }

// readAll reads events until the stream ends; the error is nil for a clean end.
func readAll(r *sse.Reader) ([]event, error) {
	var events []event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event{e.ID, e.Type, string(e.Data)})
	}
}

func TestReaderFollowsTheStandard(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []event
		err      error
	}{
		{"one event", "data: hello\n\n", []event{{"", "", "hello"}}, nil},
		{"data over several lines", "data: a\ndata: b\n\n", []event{{"", "", "a\nb"}}, nil},
		{"only one space is taken", "data:  x\n\ndata:y\n\n", []event{{"", "", " x"}, {"", "", "y"}}, nil},
		{"empty data is an event", "data\n\n", []event{{"", "", ""}}, nil},
		{"no data is none", "event: x\n\ndata: y\n\n", []event{{"", "", "y"}}, nil},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []event{{"", "", "a"}, {"", "", "b"}}, nil},
		{"bare CR", "data: a\r\rdata: b\r\r", []event{{"", "", "a"}, {"", "", "b"}}, nil},
		{"mixed ends", "data: a\r\n\ndata: b\n\r\n", []event{{"", "", "a"}, {"", "", "b"}}, nil},
		{"byte order mark", "\uFEFFdata: a\n\n", []event{{"", "", "a"}}, nil},
		{"comments", ": hi\n\n:\ndata: a\n: mid\n\n", []event{{"", "", "a"}}, nil},
		{"ids stay", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", []event{{"1", "", "a"}, {"1", "", "b"}, {"", "", "c"}}, nil},
		{"an id with NUL is ignored", "id: 1\x00\ndata: a\n\n", []event{{"", "", "a"}}, nil},
		{"an id without data counts", "id: 7\n\ndata: a\n\n", []event{{"7", "", "a"}}, nil},
		{"type", "event: error\ndata: a\n\ndata: b\n\n", []event{{"", "error", "a"}, {"", "", "b"}}, nil},
		{"unknown fields", "foo: x\ndata: a\nbar\n\n", []event{{"", "", "a"}}, nil},
		{"cut in a field", "data: a\n\ndata: b", []event{{"", "", "a"}}, io.ErrUnexpectedEOF},
		{"cut before the blank line", "data: a\n\ndata: b\n", []event{{"", "", "a"}}, io.ErrUnexpectedEOF},
		{"U+2028 is no line end", "data: a\u2028b\n\n", []event{{"", "", "a\u2028b"}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, src := range map[string]io.Reader{
				"whole": strings.NewReader(tc.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tc.in)),
				"data with the error": iotest.DataErrReader(strings.NewReader(tc.in)),
			} {
				got, err := readAll(sse.NewReader(src, 0))
				if !errors.Is(err, tc.err) || len(got) != len(tc.want) {
					t.Fatalf("%s: got %v, %v; want %v, %v", name, got, err, tc.want, tc.err)
				}
				for i := range got {
					if got[i] != tc.want[i] {
						t.Errorf("%s: event %d is %q, want %q", name, i, got[i], tc.want[i])
					}
				}
			}
		})
	}
}

func TestReaderGivesAnEventAsSoonAsItsLineEnds(t *testing.T) {
	for _, end := range []string{"\n\n", "\r\r", "\r\n\r\n"} {
		pr, pw := io.Pipe()
		r := sse.NewReader(pr, 0)
		go func() { _, _ = pw.Write([]byte("data: x" + end)) }()
		if e, err := r.Next(); err != nil || string(e.Data) != "x" {
			t.Errorf("%q: %q, %v", end, e.Data, err)
		}
		_ = pw.Close()
	}
}

func TestReaderRetryAndComments(t *testing.T) {
	r := sse.NewReader(strings.NewReader("retry: 1500\n: beat\nretry: x\nretry: -1\ndata: a\n\n"), 0)
	var comments []string
	r.OnComment = func(b []byte) { comments = append(comments, string(b)) }
	if _, err := readAll(r); err != nil {
		t.Fatal(err)
	}
	if r.Retry() != 1500*time.Millisecond || len(comments) != 1 || comments[0] != " beat" {
		t.Fatalf("retry %v, comments %q", r.Retry(), comments)
	}
}

func TestReaderIsBounded(t *testing.T) {
	for _, in := range []string{"data: " + strings.Repeat("x", 200), strings.Repeat("data: xxxxxxxxxxxxxxxxxxxx\n", 20), ":" + strings.Repeat("x", 200)} {
		if _, err := readAll(sse.NewReader(strings.NewReader(in), 100)); !errors.Is(err, sse.ErrTooLarge) {
			t.Errorf("%.20q…: %v", in, err)
		}
	}
}

func TestChunkSurvivesItsFrame(t *testing.T) {
	for _, text := range []string{"", " lead", "a\nb\r\nc\rd", "data: x\n\nid: 9", "\uFEFF\u2028\u2029", "🧵é\u0000x", strings.Repeat("x", 70_000)} {
		want := chat.Chunk{Index: 17, Attempt: 2, Type: chat.ChunkContent, Content: text}
		frame, err := sse.AppendChunk(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(frame, []byte("\n")); n != 3 {
			t.Errorf("a frame with %d line ends", n)
		}
		e, err := sse.NewReader(iotest.HalfReader(bytes.NewReader(frame)), 0).Next()
		if err != nil {
			t.Fatal(err)
		}
		got, err := sse.DecodeChunk(e)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
}

func TestDecodeChunkRefusesWhatIsNone(t *testing.T) {
	for _, e := range []sse.Event{
		{ID: "1-0", Type: "error", Data: []byte(`{"chunk_index":0,"attempt":1}`)},
		{ID: "1-0", Data: []byte(`{`)},
		{ID: "1-1", Data: []byte(`{"chunk_index":0,"attempt":1}`)},
	} {
		if _, err := sse.DecodeChunk(e); err == nil {
			t.Errorf("%s %q was taken", e.ID, e.Data)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("\uFEFFid: 1\r\ndata: a\r\rdata: b\n\n: c\nretry: 5\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := readAll(sse.NewReader(bytes.NewReader(in), 1<<16))
		split, err2 := readAll(sse.NewReader(iotest.OneByteReader(bytes.NewReader(in)), 1<<16))
		if !errors.Is(err2, err) || len(whole) != len(split) {
			t.Fatalf("whole: %v, %v; byte by byte: %v, %v", whole, err, split, err2)
		}
		for i := range whole {
			if whole[i] != split[i] {
				t.Fatalf("event %d: %q or %q", i, whole[i], split[i])
			}
		}
	})
}

func BenchmarkAppendChunk(b *testing.B) {
	c := chat.Chunk{Index: 1234, Attempt: 1, Type: chat.ChunkContent, Content: " token"}
	var buf []byte
	for b.Loop() {
		buf, _ = sse.AppendChunk(buf[:0], c)
	}
}

func BenchmarkWriter(b *testing.B) {
	c, err := chat.Chunk{Index: 1234, Attempt: 1, Type: chat.ChunkContent, Content: " token"}.Encode()
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = sse.AppendEncoded(buf[:0], c)
	}
}

func BenchmarkReader(b *testing.B) {
	frame, _ := sse.AppendChunk(nil, chat.Chunk{Index: 1234, Attempt: 1, Type: chat.ChunkContent, Content: " token"})
	in := bytes.Repeat(frame, 1000)
	for b.Loop() {
		r := sse.NewReader(bytes.NewReader(in), 0)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
