package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/deletion"
	"chat/tui/terminal"
)

func (f *fakeBackend) titles() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, c := range f.conversations {
		all = append(all, c.Title)
	}
	return strings.Join(all, ",")
}

func listing(t *testing.T) *screenTest {
	t.Helper()
	backend := newFake()
	id := backend.add("Alpha", "alpha question", "yes")
	backend.add("Beta", "beta question", "no")
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("alpha question")
	s.press("ctrl+k")
	s.untilShown("Beta")
	return s
}

func TestConversationsAreRenamedFromTheList(t *testing.T) {
	s := listing(t)
	s.press("ctrl+r")
	s.shows("title > Alpha")
	s.golden("rename_80x24")
	s.press("ctrl+u")
	s.typeText("  Omega \x1b[31m")
	s.press("enter")
	s.until("it is renamed", func() bool { return s.backend.titles() == "Omega [31m,Beta" || s.backend.titles() == "Omega,Beta" })
	s.untilShown("Conversations")
	s.press("esc")
	s.untilShown("chat  Omega")

	s.press("ctrl+p")
	s.typeText("rename")
	s.press("enter")
	s.shows("title > Omega")
	s.press("esc")
	s.shows("!title >")
}

func TestDeletedConversationCanBeRestored(t *testing.T) {
	s := listing(t)
	s.press("ctrl+d")
	s.shows("deleted “Alpha”; ctrl+z brings it back", "!alpha question", "Beta")
	if s.m.conversation.ID() != "" {
		t.Fatal("the deleted conversation is still open")
	}
	s.poll()
	s.press("ctrl+z")
	s.untilShown("“Alpha” is back")
	s.send(deletion.DueMsg{Seq: 1})
	if got := s.backend.titles(); got != "Alpha,Beta" {
		t.Fatalf("conversations %s", got)
	}
	s.press("down", "ctrl+d")
	s.send(deletion.DueMsg{Seq: 2})
	s.run(s.m.deletions.Due(deletion.DueMsg{Seq: 2}))
	s.until("it is deleted", func() bool { return s.backend.titles() == "Alpha" })
	s.press("ctrl+z") // nothing to bring back: it suspends, as ever
}

func TestLeavingCompletesDeletions(t *testing.T) {
	s := listing(t)
	s.press("ctrl+d")
	if err := s.m.deletions.Finish(t.Context()); err != nil || s.backend.titles() != "Beta" {
		t.Fatalf("%v, conversations %s", err, s.backend.titles())
	}
}

func TestRenameAndDeleteNeedBackendSupport(t *testing.T) {
	backend := newFake()
	backend.add("Alpha", "alpha question", "yes")
	s := start(t, backend, 80, 24)
	s.press("ctrl+k")
	s.untilShown("Alpha")
	s.shows("!rename", "!delete")
	s.press("ctrl+d", "esc", "ctrl+p")
	s.typeText("rename")
	s.shows("nothing fits")
}

func TestPaletteRunsTheActionsOfKeys(t *testing.T) {
	s := start(t, newFake(), 80, 24, full)
	s.press("ctrl+p")
	s.golden("palette_80x24")
	s.typeText("choose model")
	s.press("enter")
	s.untilShown("qwen3:8b")
	s.press("esc", "ctrl+p")
	s.typeText("mouse")
	s.press("enter")
	if s.m.terminal.Resume() == nil {
		t.Fatal("the mouse is still off")
	}
}

func TestEarlierPromptsAreSearched(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	for _, text := range []string{"explain tides", "write a poem\nabout tides", "explain tides"} {
		s.ask(text)
		s.press("ctrl+n")
		s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	}
	s.typeText("being written")
	s.press("ctrl+r")
	s.golden("history_80x24")
	s.typeText("poem")
	s.press("enter")
	s.untilDraft("write a poem\nabout tides")
	s.press("down")
	if got := s.m.input.Value(); got != "explain tides" {
		t.Fatalf("after the found one comes %q", got)
	}
	s.press("down")
	s.untilDraft("being written")
}

func TestTheWheelScrollsOnceTheMouseIsOn(t *testing.T) {
	backend := newFake()
	id := backend.add("Long", "question", strings.Repeat(essay, 5))
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID = id })
	s.untilShown("日本語")
	s.press("ctrl+y")
	before := s.screen()
	s.send(tea.MouseMsg{Button: tea.MouseButtonWheelUp, Action: tea.MouseActionPress})
	if s.screen() == before {
		t.Fatal("nothing scrolled")
	}
	s.send(tea.MouseMsg{Button: tea.MouseButtonWheelDown, Action: tea.MouseActionPress})
	s.send(tea.MouseMsg{Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
	if s.screen() != before {
		t.Fatalf("not back:\n%s", s.screen())
	}
}

func TestTheEditorEditsTheDraft(t *testing.T) {
	x := newTerminal(t, 80, 24)
	dir := t.TempDir()
	script := filepath.Join(dir, "editor")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntest -t 1 && tr a-z A-Z < \"$2\" > \"$2.new\" && mv \"$2.new\" \"$2\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	backend := newFake()
	done := make(chan outcome, 1)
	go func() {
		e, err := Run(t.Context(), Options{
			Backend: backend, In: x.tty, Out: x.tty,
			Env: []string{"TERM=xterm-256color", "EDITOR=" + script + " --wait", "PATH=/bin:/usr/bin", "TMPDIR=" + dir},
		})
		done <- outcome{e, err}
	}()
	x.until("live")
	x.typeKeys("quiet words")
	x.until("quiet words")
	x.typeKeys("\x0f") // ctrl+o
	x.until("QUIET WORDS")
	x.typeKeys("\r")
	x.until("1 running")
	x.typeKeys("\x04")
	if got := <-done; got.err != nil {
		t.Fatal(got.err)
	}
	if got := backend.contents(); len(got) != 1 || got[0] != "QUIET WORDS" {
		t.Fatalf("sent %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "chat-draft-*")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestAFailedEditorLeavesTheDraft(t *testing.T) {
	s := start(t, newFake(), 100, 24)
	s.typeText("my words")
	s.send(terminal.EditedMsg{Session: s.m.conversation.Session(), Text: "half", Err: chat.Errorf(chat.CodeInvalid, "exit status 1")})
	s.shows("the edited text was not used: exit status 1", "> my words")
	s.send(terminal.EditedMsg{Session: s.m.conversation.Session() - 1, Text: "text", Err: nil})
	s.shows("another conversation is open", "> my words")
	s.send(terminal.EditorMsg{Err: chat.Errorf(chat.CodeStorage, "no space left")})
	s.shows("cannot open an editor: no space left")
}

// A conversation that was open when it was deleted is opened again when it is
// restored, unless the user has opened another one.
func TestUndoReopensConversation(t *testing.T) {
	backend := newFake()
	other := backend.add("Other", "hello", "you")
	id := backend.add("Tides", "a question", "an answer")
	remove := func(s *screenTest) {
		s.press("ctrl+p")
		s.typeText("delete the conversation")
		s.press("enter")
		s.shows("deleted “Tides”", "!an answer")
	}
	s := start(t, backend, 100, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("an answer")
	s.typeText("a draft")
	remove(s)
	s.press("ctrl+z")
	s.untilShown("an answer")
	s.untilDraft("a draft")
	s.press("ctrl+c")

	remove(s) // with the list open
	s.press("ctrl+k", "ctrl+z", "esc")
	s.untilShown("an answer")

	remove(s)
	s.run(s.m.openAt(other, ""))
	s.untilShown("hello")
	s.press("ctrl+z")
	s.shows("“Tides” is back", "hello")
	if s.m.conversation.ID() != other {
		t.Error("another conversation is open")
	}
}

func TestRunningDeletionCannotBeUndone(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "a question", "an answer")
	s := start(t, backend, 100, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("an answer")
	s.run(s.m.deleteConversation())
	cmd := s.m.deletions.Due(deletion.DueMsg{Seq: 1})
	if canUndo(s.m) {
		t.Error("it can be brought back")
	}
	s.run(cmd)
	s.until("it is gone", func() bool { return !s.m.deletions.Hidden(id) })
}
