package openai_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rogpeppe/go-internal/txtar"

	"chat"
	"chat/daemon/model/modeltest"
)

var update = flag.Bool("update", false, "write what the files in testdata/servers want")

// TestServers checks what chat makes of the responses of many servers, each in a file of
// testdata/servers. A file has sections, each followed by what it makes:
//
//	NAME.stream   a body of status 200
//	NAME.crlf     the same, with CRLF at the ends of its lines
//	NAME.error    a status, and on the next lines a body
//	NAME.refusal  a parameter and a value, a status, and on the next lines a body: how the
//	              server refuses requests with that parameter
//	NAME.want     what follows from the section before
func TestServers(t *testing.T) {
	files, err := filepath.Glob("testdata/servers/*.txtar")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.Files)%2 != 0 || len(archive.Files) == 0 {
				t.Fatalf("%d sections", len(archive.Files))
			}
			for i := 0; i < len(archive.Files); i += 2 {
				section, want := archive.Files[i], &archive.Files[i+1]
				name := strings.TrimSuffix(section.Name, filepath.Ext(section.Name))
				if want.Name != name+".want" {
					t.Fatalf("%s is followed by %s", section.Name, want.Name)
				}
				got := madeOf(t, filepath.Ext(section.Name), string(section.Data))
				if *update {
					want.Data = []byte(got)
				} else if got != string(want.Data) {
					t.Errorf("%s:\n%s\nwant:\n%s", section.Name, got, want.Data)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func madeOf(t *testing.T, kind, data string) string {
	t.Helper()
	switch kind {
	case ".stream":
		return ofStream(t, data)
	case ".crlf":
		return ofStream(t, strings.ReplaceAll(data, "\n", "\r\n"))
	case ".error":
		line, body, _ := strings.Cut(data, "\n")
		return ofError(t, statusOf(t, line), body)
	case ".refusal":
		line, body, _ := strings.Cut(data, "\n")
		words := strings.Fields(line)
		if len(words) != 3 {
			t.Fatalf("%q is not a parameter, a value and a status", line)
		}
		return ofRefusal(t, words[0], words[1], statusOf(t, words[2]), body)
	}
	t.Fatalf("unknown section %s", kind)
	return ""
}

func statusOf(t *testing.T, word string) int {
	t.Helper()
	status, err := strconv.Atoi(word)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// ofStream describes the answer of a body, which has to be the same however it is read. A cut
// body must not look like another answer that is complete.
func ofStream(t *testing.T, body string) string {
	t.Helper()
	whole := replay(t, canned{body: body})
	made := describe(whole)
	if again := describe(replay(t, canned{body: body, reader: iotest.OneByteReader})); again != made {
		t.Errorf("byte by byte:\n%s\nwhole:\n%s", again, made)
	}
	for i := range len(body) - 1 { // at the end of each line, and one byte after it
		if body[i] != '\n' && (i == 0 || body[i-1] != '\n') {
			continue
		}
		g := replay(t, canned{body: body[:i+1]})
		if whole.Err == nil && g.Err == nil && !g.Parts.Equal(whole.Parts) {
			t.Errorf("cut at %d, it is complete with:\n%s", i, describe(g))
		}
	}
	return made
}

// describe writes what an answer adds up to, a line for each part of it.
func describe(r modeltest.Result) string {
	var b strings.Builder
	for _, p := range r.Parts {
		switch p.Type {
		case chat.PartToolCall:
			fmt.Fprintf(&b, "call %s %s %s\n", p.CallID, p.Name, p.Text)
		default:
			fmt.Fprintf(&b, "%s %q\n", p.Type, p.Text)
		}
	}
	if e := chat.AsError(r.Err); r.Err != nil {
		fmt.Fprintf(&b, "error %s, retryable %v: %s\n", e.Code, e.Retryable, e.Message)
		return b.String()
	}
	for _, n := range r.Notices {
		fmt.Fprintf(&b, "notice %s\n", n)
	}
	fmt.Fprintf(&b, "finish %s, %s\n", r.Finish.Reason, chat.EndingOfParts(r.Finish.Reason, r.Parts))
	if r.Finish.Model != "" {
		fmt.Fprintf(&b, "model %s\n", r.Finish.Model)
	}
	if u := r.Finish.Usage; u != nil {
		fmt.Fprintf(&b, "usage %d+%d=%d", u.PromptTokens, u.CompletionTokens, u.TotalTokens)
		fmt.Fprintf(&b, ", cached %d, written %d, reasoning %d\n", u.CachedTokens, u.CacheWriteTokens, u.ReasoningTokens)
	}
	return b.String()
}

// ofError describes the error of a response.
func ofError(t *testing.T, status int, body string) string {
	t.Helper()
	return describe(replay(t, canned{body: body, status: status}))
}

// always are the fields of every request.
var always = []string{"messages", "model", "stream"}

// ofRefusal describes what an answer gets from a server that refuses a parameter.
func ofRefusal(t *testing.T, parameter, value string, status int, body string) string {
	t.Helper()
	field := map[string]string{"effort": "reasoning_effort"}[parameter]
	if field == "" {
		field = parameter
	}
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		if a.Raw[field] != nil {
			return status, body
		}
		return 0, ""
	})
	request := asking(t)
	switch parameter {
	case "stream_options": // in every request
	case "response_format":
		request.Parameters.Format = &chat.Format{Schema: []byte(`{"type":"object"}`)}
	default:
		request = asking(t, parameter, value)
	}
	g := modeltest.Collect(t.Context(), t, r, request)
	var b strings.Builder
	for _, a := range p.Requests() {
		fields := slices.DeleteFunc(slices.Clone(a.Fields), func(f string) bool { return slices.Contains(always, f) })
		fmt.Fprintf(&b, "request with %s\n", strings.Join(fields, " "))
	}
	for _, n := range g.Notices {
		fmt.Fprintf(&b, "notice %s\n", n)
	}
	if g.Err != nil {
		e := chat.AsError(g.Err)
		fmt.Fprintf(&b, "error %s, retryable %v: %s\n", e.Code, e.Retryable, e.Message)
	}
	return b.String()
}
