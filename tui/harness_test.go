package tui

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"chat/tui/jobs"
	"chat/tui/terminal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// screenTest drives a Model as Bubble Tea does, with its commands in goroutines,
// but takes messages only when the test waits for something.
type screenTest struct {
	t       *testing.T
	m       *Model
	backend *fakeBackend
	msgs    chan tea.Msg
	now     time.Time
	quit    bool
	dir     string // of the files
}

func start(t *testing.T, backend *fakeBackend, width, height int, change ...func(*Options)) *screenTest {
	t.Helper()
	o := Options{Backend: backend, Host: "local", NoColor: true}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	j := jobs.New(ctx)
	s := &screenTest{t: t, backend: backend, msgs: make(chan tea.Msg), now: noon, dir: o.Dir}
	th, ask, err := terminal.Theme(o.Theme, o.NoColor, o.Env)
	if err != nil {
		t.Fatal(err)
	}
	s.m = newModel(o, j, th, ask, func() time.Time { return s.now })
	s.m.style.Zone = time.UTC
	t.Cleanup(func() {
		cancel()
		done := make(chan struct{})
		go func() { j.Wait(); close(done) }()
		for {
			select {
			case <-s.msgs:
			case <-done:
				return
			}
		}
	})
	s.run(s.m.Init())
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	s.until("the server is reached", func() bool {
		return (s.m.server.Contacted() || s.m.server.Failures() > 0) && s.m.defaultModel != ""
	})
	return s
}

// run starts a command. Batches are slices of commands.
func (s *screenTest) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		if msg == nil {
			return
		}
		select {
		case s.msgs <- msg:
		case <-s.t.Context().Done():
		}
	}()
}

func (s *screenTest) send(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			s.run(cmd)
		}
		return
	case tea.QuitMsg:
		s.quit = true
		return
	}
	_, cmd := s.m.Update(msg)
	s.run(cmd)
}

// until takes messages until ok, for at most ten seconds.
func (s *screenTest) until(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case msg := <-s.msgs:
			s.send(msg)
		case <-deadline:
			s.t.Fatalf("timed out waiting until %s; the screen:\n%s", what, s.screen())
		}
	}
}

func (s *screenTest) untilShown(text string) {
	s.t.Helper()
	s.until("the screen shows "+text, func() bool { return strings.Contains(s.screen(), text) })
}

// untilQuiet waits until all answers have ended and are as recorded.
func (s *screenTest) untilQuiet() {
	s.t.Helper()
	s.until("all is quiet", func() bool {
		last := s.m.conversation.Shown()[len(s.m.conversation.Shown())-1]
		return len(s.m.server.Running()) == 0 && !s.m.conversation.Following() && !s.m.conversation.Refreshing() && last.Model() != ""
	})
}

var keyTypes = map[string]tea.KeyMsg{
	"enter": {Type: tea.KeyEnter}, "alt+enter": {Type: tea.KeyEnter, Alt: true}, "esc": {Type: tea.KeyEsc},
	"tab": {Type: tea.KeyTab}, "up": {Type: tea.KeyUp}, "down": {Type: tea.KeyDown},
	"pgup": {Type: tea.KeyPgUp}, "pgdown": {Type: tea.KeyPgDown}, "end": {Type: tea.KeyEnd}, "home": {Type: tea.KeyHome},
	"backspace": {Type: tea.KeyBackspace}, "left": {Type: tea.KeyLeft},
	"ctrl+b": {Type: tea.KeyCtrlB}, "ctrl+c": {Type: tea.KeyCtrlC}, "ctrl+d": {Type: tea.KeyCtrlD},
	"ctrl+e": {Type: tea.KeyCtrlE}, "ctrl+j": {Type: tea.KeyCtrlJ}, "ctrl+k": {Type: tea.KeyCtrlK}, "ctrl+l": {Type: tea.KeyCtrlL},
	"ctrl+o": {Type: tea.KeyCtrlO}, "ctrl+p": {Type: tea.KeyCtrlP}, "ctrl+r": {Type: tea.KeyCtrlR}, "ctrl+u": {Type: tea.KeyCtrlU},
	"ctrl+x": {Type: tea.KeyCtrlX}, "ctrl+y": {Type: tea.KeyCtrlY}, "ctrl+z": {Type: tea.KeyCtrlZ},
	"ctrl+n": {Type: tea.KeyCtrlN}, "ctrl+t": {Type: tea.KeyCtrlT}, "ctrl+g": {Type: tea.KeyCtrlG}, "f2": {Type: tea.KeyF2},
}

// press presses named keys.
func (s *screenTest) press(keys ...string) {
	for _, k := range keys {
		msg, ok := keyTypes[k]
		if !ok {
			msg = tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		}
		s.send(msg)
	}
}

// typeText types a text, character by character.
func (s *screenTest) typeText(text string) {
	for _, r := range text {
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
}

// ask sends a message and waits until its task is followed.
func (s *screenTest) ask(text string) *fakeTask {
	s.t.Helper()
	before := s.backend.newest()
	s.typeText(text)
	s.press("enter")
	s.until("the message is accepted and followed", func() bool {
		task := s.backend.newest()
		return task != before && task.following() > 0 && len(s.m.server.Running()) > 0
	})
	return s.backend.newest()
}

// screen is what can be seen: the view without sequences, and without the spaces
// at the end of rows.
func (s *screenTest) screen() string {
	rows := strings.Split(ansi.Strip(s.m.View()), "\n")
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return strings.Join(rows, "\n") + "\n"
}

// golden compares the screen with testdata/<name>.golden, and checks what holds
// for every screen.
func (s *screenTest) golden(name string) {
	s.t.Helper()
	s.wellFormed()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(s.screen()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := s.screen(); got != string(want) {
		s.t.Errorf("%s: the screen is\n%s\nwant\n%s", name, got, want)
	}
}

// wellFormed checks that the view has exactly the screen's rows, none too wide.
func (s *screenTest) wellFormed() {
	s.t.Helper()
	rows := strings.Split(s.m.View(), "\n")
	if len(rows) != s.m.height {
		s.t.Fatalf("%d rows on a screen of %d:\n%s", len(rows), s.m.height, s.screen())
	}
	for i, row := range rows {
		if w := ansi.StringWidth(row); w > s.m.width {
			s.t.Fatalf("row %d is %d wide on a screen of %d: %q", i, w, s.m.width, row)
		}
	}
}

// syncBuffer collects what is written to the terminal besides frames.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *syncBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Reset()
}
