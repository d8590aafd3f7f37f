package drafts

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const conversation = "0199aaaa-0000-7000-8000-000000000001"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *Store, conversation string) string {
	t.Helper()
	text, err := s.Get(conversation)
	must(t, err)
	return text
}

func TestNextScreenFindsDrafts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	s := Open(dir)
	s.Put(conversation, "ünfinished\nwords")
	s.Put("other", "something else")
	if got := get(t, s, conversation); got != "ünfinished\nwords" {
		t.Errorf("before it is written: %q", got)
	}
	must(t, s.Flush())
	next := Open(dir)
	if got := get(t, next, conversation); got != "ünfinished\nwords" {
		t.Errorf("the next screen finds %q", got)
	}
	next.Put(conversation, "")
	must(t, next.Flush())
	if got := get(t, s, conversation); got != "" {
		t.Errorf("a draft that was sent is still there: %q", got)
	}
	if got := get(t, s, "other"); got != "something else" {
		t.Errorf("the other conversation's draft is %q", got)
	}
}

func TestDraftsAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "drafts")
	s := Open(dir)
	s.Put(conversation, "secret")
	must(t, s.Flush())
	for name, want := range map[string]os.FileMode{dir: 0o700, s.file(conversation): 0o600} {
		info, err := os.Stat(name)
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o", name, got)
		}
	}
}

func TestHostileIdsStayInTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	for _, id := range []string{"../../evil", "/etc/passwd", "a\x00b", strings.Repeat("x", 500), "..", "new-0.lock"} {
		s.Put(id, "text")
		must(t, s.Flush())
		if got := get(t, Open(dir), id); got != "text" {
			t.Errorf("%q: %q", id, got)
		}
		if name := s.file(id); filepath.Dir(name) != dir || !strings.HasSuffix(name, suffix) {
			t.Errorf("%q is kept in %s", id, name)
		}
	}
}

func TestDraftsAreBounded(t *testing.T) {
	s := Open(t.TempDir())
	begin := time.Now().Add(-time.Hour)
	for i := range maxFiles + 20 {
		id := fmt.Sprintf("c-%d", i)
		s.Put(id, "text")
		must(t, s.Flush())
		at := begin.Add(time.Duration(i) * time.Second)
		must(t, os.Chtimes(s.file(id), at, at))
	}
	names, err := filepath.Glob(filepath.Join(s.dir, "*"+suffix))
	must(t, err)
	if len(names) != maxFiles {
		t.Errorf("%d files", len(names))
	}
	if get(t, s, "c-0") != "" || get(t, s, fmt.Sprintf("c-%d", maxFiles+19)) == "" {
		t.Error("newer drafts were removed")
	}
	s.Put("big", strings.Repeat("ü", MaxBytes))
	must(t, s.Flush())
	if got := get(t, Open(s.dir), "big"); len(got) > MaxBytes || !strings.HasPrefix(got, "üü") || strings.Contains(got, "\uFFFD") {
		t.Errorf("a draft of %d bytes", len(got))
	}
}

func TestFailedWriteIsReportedAndRetried(t *testing.T) {
	parent := t.TempDir()
	s := Open(filepath.Join(parent, "drafts"))
	must(t, os.WriteFile(s.dir, nil, 0o600)) // a file instead of the directory
	s.Put(conversation, "words")
	if err := s.Flush(); err == nil || !strings.Contains(err.Error(), "cannot keep the draft") {
		t.Fatalf("Flush returned %v", err)
	}
	must(t, os.Remove(s.dir))
	must(t, s.Flush())
	if got := get(t, Open(s.dir), conversation); got != "words" {
		t.Errorf("kept %q", got)
	}
}

func TestNewConversationsHaveADraftPerScreen(t *testing.T) {
	dir := t.TempDir()
	claim := func(s *Store) string {
		key, err := s.Claim()
		must(t, err)
		return key
	}
	first, second := Open(dir), Open(dir)
	one, two := claim(first), claim(second)
	if one == "" || two == "" || one == two || claim(first) != one {
		t.Fatalf("claimed %q and %q", one, two)
	}
	second.Put(two, "words of the second")
	must(t, second.Flush())
	if key := claim(Open(dir)); get(t, Open(dir), key) != "" {
		t.Error("a third screen shows a running screen's draft")
	}
	must(t, second.slot.close()) // as when the second is killed
	heir := Open(dir)
	if got := get(t, heir, claim(heir)); got != "words of the second" {
		t.Errorf("the next screen finds %q", got)
	}
	must(t, first.Close())
	must(t, heir.Close())
}

func TestWithoutADirectoryDraftsLiveAsLongAsTheScreen(t *testing.T) {
	s := Open("")
	if key, err := s.Claim(); key == "" || err != nil || s.Put(key, "x") || get(t, s, key) != "x" {
		t.Errorf("%q, %v", key, err)
	}
	for i := range 2 * maxFiles {
		s.Put(fmt.Sprint(i), "x")
	}
	if len(s.pending) > maxFiles {
		t.Errorf("%d drafts in memory", len(s.pending))
	}
	must(t, s.Close())
	h := OpenHistory("")
	must(t, h.Add("x"))
	if all, err := h.Load(); len(all) != 0 || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}

func TestHistoryIsSharedAndSurvivesDamage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "history")
	a, b := OpenHistory(file), OpenHistory(file)
	must(t, a.Add("first\nwith two lines"))
	must(t, b.Add("second <b>"))
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("\"half a li\n")
	must(t, err)
	must(t, f.Close())
	must(t, a.Add("third"))
	must(t, a.Add(strings.Repeat("x", maxPrompt+1)))
	all, err := b.Load()
	must(t, err)
	if want := []string{"first\nwith two lines", "second <b>", "third"}; !slices.Equal(all, want) {
		t.Errorf("%q", all)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestHistoryIsCut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	var lines []string
	for i := range 2*MaxHistory + 1 {
		lines = append(lines, fmt.Sprintf("prompt %d", i))
	}
	must(t, os.WriteFile(file, encode(lines...), 0o600))
	for range 2 {
		all, err := OpenHistory(file).Load()
		must(t, err)
		if len(all) != MaxHistory || all[MaxHistory-1] != lines[2*MaxHistory] {
			t.Fatalf("%d prompts, the last is %q", len(all), all[len(all)-1])
		}
	}
	data, err := os.ReadFile(file)
	must(t, err)
	if n := strings.Count(string(data), "\n"); n != MaxHistory {
		t.Errorf("the file has %d lines", n)
	}
}
