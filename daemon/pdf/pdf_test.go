package pdf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/pdf/pdftest"
	"chat/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

// reader returns a Reader that shares the compiled code with other runs, because compiling takes seconds.
func reader(t testing.TB) *Reader {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	r := New(filepath.Join(dir, "chat", "pdf"))
	r.timeout = 2 * time.Minute // the machine may be busy
	return r
}

func readData(t testing.TB, r *Reader, data []byte) (chat.Attachment, error) {
	t.Helper()
	a, err := chat.NewAttachment(data)
	if err != nil {
		t.Fatal(err)
	}
	return r.Read(t.Context(), a)
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTextIsReadPageByPage(t *testing.T) {
	a, err := readData(t, reader(t), pdftest.Pages("Hello (world)", "", "The end"))
	want := "[page 1]\nHello (world)\n\n[page 2]\n\n\n[page 3]\nThe end"
	if err != nil || a.Pages != 3 || a.Text != want || a.MediaType != chat.PDFType {
		t.Errorf("%d pages, %q, %v; want %q", a.Pages, a.Text, err, want)
	}
}

func TestFilesOfOtherPrograms(t *testing.T) {
	r := reader(t)
	for name, want := range map[string]string{"ghostscript": "shows them in a terminal", "encrypted": "shows them in a terminal", "scanned": ""} {
		a, err := readData(t, r, sample(t, name))
		if err != nil || a.Pages != 3 || !strings.Contains(a.Text, want) || want == "" && a.Text != "" {
			t.Errorf("%s: %d pages, %.200q, %v", name, a.Pages, a.Text, err)
		}
	}
}

func TestFilesThatCannotBeReadAreRefused(t *testing.T) {
	r := reader(t)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"password":  {sample(t, "password"), "protected with a password"},
		"header":    {[]byte("%PDF-1.7\n"), "damaged"},
		"noise":     {[]byte("%PDF-1.4\n" + strings.Repeat("\x00\xff<</Kids[1 0 R]>>", 5000)), "damaged"},
		"truncated": {sample(t, "ghostscript")[:600], "damaged"},
		"no pages":  {pdftest.Pages(), "damaged"},
	} {
		_, err := readData(t, r, tc.data)
		if !chat.IsCode(err, chat.CodeUnsupported) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What exceeds a limit ends soon: with an error, or with the text until then.
func TestHostileFiles(t *testing.T) {
	r := reader(t)
	r.timeout = 5 * time.Second
	for name, data := range map[string][]byte{
		"cycle": pdftest.Cycle(),
		"bomb":  pdftest.Bomb(300 << 20),
	} {
		begin := time.Now()
		a, err := readData(t, r, data)
		if err != nil && !chat.IsCode(err, chat.CodeUnsupported) || len(a.Text) > chat.MaxDocumentText {
			t.Errorf("%s: %d bytes, %v", name, len(a.Text), err)
		}
		if spent := time.Since(begin); spent > 2*time.Minute {
			t.Errorf("%s took %s", name, spent)
		}
		if a, err := readData(t, r, pdftest.Pages("next")); err != nil || !strings.Contains(a.Text, "next") {
			t.Errorf("after %s: %q, %v", name, a.Text, err)
		}
	}
}

func TestTextAndPagesAreLimited(t *testing.T) {
	many := make([]string, maxPages+5)
	for i := range many {
		many[i] = "x"
	}
	a, err := readData(t, reader(t), pdftest.Pages(many...))
	if err != nil || a.Pages != len(many) || !strings.HasSuffix(a.Text, "[the text of 3000 of 3005 pages was read; the rest is left out]") {
		t.Errorf("%d pages, …%q, %v", a.Pages, a.Text[max(0, len(a.Text)-100):], err)
	}
	for i := range many[:30] {
		many[i] = strings.Repeat("word ", 6000) // 30 KB
	}
	a, err = readData(t, reader(t), pdftest.Pages(many[:30]...))
	if err != nil || a.Pages != 30 || len(a.Text) > chat.MaxDocumentText || !strings.HasSuffix(a.Text, "[the text of 17 of 30 pages was read; the rest is left out]") {
		t.Errorf("%d pages, %d bytes, …%q, %v", a.Pages, len(a.Text), a.Text[max(0, len(a.Text)-100):], err)
	}
}

// A file that takes too long is refused, or its text ends with the pages that were read in time.
func TestTheTimeIsLimited(t *testing.T) {
	r := reader(t)
	r.timeout = 20 * time.Millisecond
	many := make([]string, maxPages)
	for i := range many {
		many[i] = strings.Repeat("x", 100)
	}
	a, err := readData(t, r, pdftest.Pages(many...))
	refused := chat.IsCode(err, chat.CodeUnsupported) && strings.Contains(err.Error(), "seconds")
	if !refused && (err != nil || a.Pages != maxPages || a.Text != "" && !strings.HasSuffix(a.Text, "the rest is left out]")) {
		t.Errorf("%d pages, …%q, %v", a.Pages, a.Text[max(0, len(a.Text)-100):], err)
	}
}

func TestTheCallerCanStop(t *testing.T) {
	r := reader(t)
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	a, err := chat.NewAttachment(sample(t, "ghostscript"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(ctx, a); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	r.turn <- struct{}{} // another file is read
	if _, err := r.Read(ctx, a); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	for range maxWaiting + 1 {
		r.waiting <- struct{}{}
	}
	if _, err := r.Read(t.Context(), a); !chat.IsCode(err, chat.CodeTooMany) || !chat.AsError(err).Retryable {
		t.Errorf("%v", err)
	}
}

// Code is loaded from the directory, so that it must be the user's own.
func TestADirectoryOfOthersIsNotUsed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pdf")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	link := dir + "-link"
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, link, ""} {
		if cache, err := New(dir).cache(); err == nil {
			t.Errorf("%q is used: %v", dir, cache.Close(t.Context()))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(pdftest.Pages("Hello"))
	f.Add(pdftest.Cycle())
	f.Add(pdftest.Bomb(1 << 20))
	f.Add([]byte("%PDF-1.7\ntrailer<</Root 1 0 R>>"))
	r := reader(f)
	r.timeout = 2 * time.Second
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := chat.NewAttachment(append([]byte("%PDF-1.7\n"), data...))
		if err != nil {
			return // too large
		}
		a, err = r.Read(t.Context(), a)
		switch {
		case err != nil && !chat.IsCode(err, chat.CodeUnsupported):
			t.Errorf("%v", err)
		case err == nil && (a.Pages < 1 || len(a.Text) > chat.MaxDocumentText || chat.NormalizeText(a.Text) != a.Text):
			t.Errorf("%d pages, %d bytes", a.Pages, len(a.Text))
		}
	})
}
