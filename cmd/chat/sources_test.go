package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const oneConversation = `[{"title":"T","id":"g","create_time":1,"mapping":{"u":{"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["é"]}}}}}]`

// member is a file in an archive.
type member struct{ name, text string }

func zipOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m.name)
		if err == nil {
			_, err = io.WriteString(w, m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func utf16Of(text string) []byte {
	out := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func latin1Of(text string) []byte {
	var out []byte
	for _, r := range text {
		out = append(out, byte(r))
	}
	return out
}

func TestPackedExports(t *testing.T) {
	other := strings.ReplaceAll(oneConversation, `"g"`, `"h"`)
	encrypted := zipOf(t, member{"conversations.json", oneConversation})
	for _, head := range []string{"PK\x03\x04", "PK\x01\x02"} {
		at := bytes.Index(encrypted, []byte(head))
		encrypted[at+map[string]int{"PK\x03\x04": 6, "PK\x01\x02": 8}[head]] |= 1
	}
	damaged := zipOf(t, member{"conversations.json", strings.Repeat(oneConversation, 50)})
	for i := 60; i < 90; i++ {
		damaged[i] ^= 0xFF
	}
	whole := gzipOf(t, oneConversation)
	for name, c := range map[string]struct {
		data []byte
		code int
		says string // on stdout
		errs string // on stderr
	}{
		"ChatGPT's": {
			zipOf(t, member{"user.json", `{"id":"user","email":"a@example.org"}`}, member{"conversations.json", oneConversation}, member{"chat.html", "<html>"}, member{"message_feedback.json", "[]"}), 0,
			"would import 1 conversation with 1 message", "user.json has no conversations",
		},
		"in parts": {zipOf(t, member{"conversations-000.json", oneConversation}, member{"conversations-001.json", other}), 0, "would import 2 conversations with 2 messages", ""},
		"in a folder": {
			zipOf(t, member{"export/2025/conversations.json", oneConversation}, member{"__MACOSX/export/._conversations.json", "\x00\x05"}, member{"export/.DS_Store", "\x00"}), 0,
			"would import 1 conversation with 1 message", "2 files that are not JSON",
		},
		"gzip in zip":     {zipOf(t, member{"conversations.json.gz", string(whole)}), 0, "would import 1 conversation", ""},
		"nothing in it":   {zipOf(t, member{"chat.html", "<html>"}), 2, "would import 0", "has no JSON file"},
		"empty":           {zipOf(t), 2, "would import 0", "has no JSON file"},
		"no conversation": {zipOf(t, member{"user.json", `{"id":"user"}`}), 2, "would import 0", "there are no conversations in the files"},
		"encrypted":       {encrypted, 2, "would import 0", "is encrypted: unpack the archive with its password"},
		"damaged":         {damaged, 2, "would import 0", "damaged|cannot be unpacked|cannot be read|truncated"},
		"cut":             {zipOf(t, member{"conversations.json", oneConversation})[:100], 2, "", "is damaged, or its end is missing"},
		"a bomb":          {zipOf(t, member{"conversations.json", strings.Repeat(" ", 80<<20)}), 2, "would import 0", "expands to far more data than text"},
		"gzip":            {whole, 0, "would import 1 conversation with 1 message", ""},
		"gzip, cut":       {whole[:len(whole)-20], 2, "", "is damaged, or its end is missing"},
		"gzip, a bomb":    {gzipOf(t, "["+strings.Repeat(" ", 80<<20)), 2, "", "expands to far more data than text"},
		"UTF-16":          {utf16Of(oneConversation), 0, "would import 1 conversation with 1 message", ""},
		"UTF-16 in zip":   {zipOf(t, member{"a.json", string(utf16Of(oneConversation))}), 0, "would import 1 conversation with 1 message", ""},
		"UTF-16, cut":     {utf16Of(oneConversation)[:101], 2, "", "UTF-16"},
		"Latin-1":         {latin1Of(oneConversation), 2, "would import 0", "conversation 1: its text is not a text in UTF-8, and seems to be Latin-1: convert it with iconv -f latin1 -t utf8"},
		"a byte order":    {[]byte("\xEF\xBB\xBF" + oneConversation), 0, "would import 1 conversation with 1 message", ""},
		"marks between":   {[]byte("\x1e" + oneConversation + "\n\x1e\xEF\xBB\xBF" + other), 0, "would import 2 conversations with 2 messages", ""},
		"tar":             {append(append([]byte("conversations.json"), make([]byte, 239)...), []byte("ustar\x0000 and so on")...), 2, "", "is a tar archive: unpack it"},
		"zstd":            {[]byte("\x28\xB5\x2F\xFD\x04\x00"), 2, "", "packed with zstd: unzstd it first"},
		"7z":              {[]byte("7z\xBC\xAF\x27\x1C\x00\x04"), 2, "", "is an archive: unpack it first"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "export")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, by := range []string{"name", "stdin"} {
				in, arg := devNull(t), path
				if by == "stdin" {
					in, arg = pipeOf(t, c.data), "-"
				}
				got := startIn(t, nil, in, map[string]string{"HOME": t.TempDir(), "CHAT_HOST": ""}, "import", "--dry-run", arg)
				if got.code != c.code || !strings.HasPrefix(got.out, c.says) || !anyOf(got.stderr, c.errs) {
					t.Errorf("by %s: %d, %q, %q; want %d, %q, %q", by, got.code, got.out, got.stderr, c.code, c.says, c.errs)
				}
				if strings.Contains(got.stderr, "Go ") || strings.Contains(got.stderr, "unmarshal") {
					t.Errorf("by %s: %s", by, got.stderr)
				}
			}
		})
	}
}

func anyOf(text, wants string) bool {
	for want := range strings.SplitSeq(wants, "|") {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}

// pipeOf is the reading end of a pipe that data is written to.
func pipeOf(t *testing.T, data []byte) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.Write(data) // whoever reads may have seen enough
		_ = w.Close()        // as above
	}()
	t.Cleanup(func() {
		_ = r.Close() // the program may have closed it
		<-done
	})
	return r
}
