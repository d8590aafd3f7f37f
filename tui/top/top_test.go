package top

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"go.uber.org/goleak"

	"chat"
	"chat/internal/report"
	"chat/internal/term/theme"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// busy is a server with n answers, which have run for some seconds.
func busy(n int, at time.Time) report.Stats {
	st := report.Stats{
		At: at, Queued: map[chat.Priority]int{chat.PriorityUrgent: 1, chat.PriorityNormal: 10_000, chat.PriorityBackground: 3},
		Running: n, Workers: 2, Streams: 4, Redis: "ok", SQL: "ok", Engine: "postgres",
		WorkerList: []chat.Worker{
			{ID: "alpha-123-0199", Host: "alpha", PID: 123, Version: "v1.2", Concurrency: 256, Running: n, StartedAt: noon.Add(-5 * time.Hour), SeenAt: at.Add(-2 * time.Second)},
			{ID: "beta-9-0199", Host: "beta", PID: 9, Version: "v1.2", Concurrency: 8, StartedAt: noon.Add(-70 * time.Hour), SeenAt: at.Add(-25 * time.Second)},
		},
		Failures: []report.FailedAnswer{{
			TaskID: "01999999-0000-7000-8000-0000deadbeef", ConversationID: "c-failed", Title: "Ein langer Titel über Schläuche", Model: "gpt-4o", State: chat.TaskFailed,
			Attempt: 3, FinishedAt: at.Add(-90 * time.Second), Error: &chat.Error{Code: chat.CodeProviderAuth, Message: "the provider refused the key\x1b]0;x\x07"},
		}},
		Memory: &report.MemoryStats{QueueLengths: map[chat.Priority]int{chat.PriorityNormal: 2}, Keys: 48, KeysWithoutTTL: 1, UsedBytes: 1_400_000, LimitBytes: 64 << 20},
	}
	for i := range n {
		st.Answers = append(st.Answers, report.RunningAnswer{
			TaskID: fmt.Sprintf("01999999-0000-7000-8000-0000%08x", i), ConversationID: fmt.Sprintf("c-%d", i),
			Title: []string{"Tuning the scheduler", "今日の天気と明日の予定について", "👩‍👩‍👧‍👦 family\x1b[31m red", ""}[i%4], Model: "qwen3:8b", Priority: chat.PriorityNormal,
			Attempt: 1 + i%2, Worker: "alpha-123-0199", CreatedAt: noon.Add(-time.Duration(10+i) * time.Second), StartedAt: noon, TTLSeconds: 3600,
			Chunks: int(at.Sub(noon).Seconds() * float64(10*(i+1))),
		})
	}
	return st
}

// server plays the part of one.
type server struct {
	mu      sync.Mutex
	answers int
	polls   int
	err     error
	stopped []string
}

func (s *server) Stats(context.Context) (report.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	return busy(s.answers, noon.Add(time.Duration(s.polls)*time.Second)), s.err
}

func (s *server) Stop(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = append(s.stopped, id)
	return true, s.err
}

func screenOf(t *testing.T, s *server, width, height int) *Model {
	t.Helper()
	th, err := theme.Named(theme.None)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(t.Context(), Options{Source: s, Host: "local"}, th)
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	m.Update(m.refresh()())
	m.Update(m.refresh()())
	return m
}

func press(m *Model, keys ...string) tea.Cmd {
	var cmd tea.Cmd
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		switch k {
		case "enter":
			msg = tea.KeyMsg{Type: tea.KeyEnter}
		case "down":
			msg = tea.KeyMsg{Type: tea.KeyDown}
		}
		_, cmd = m.Update(msg)
	}
	return cmd
}

func TestViewAtThreeSizes(t *testing.T) {
	for _, size := range [][2]int{{40, 10}, {80, 24}, {200, 24}} {
		m := screenOf(t, &server{answers: 4}, size[0], size[1])
		got := ansi.Strip(m.View()) + "\n"
		path := filepath.Join("testdata", fmt.Sprintf("%dx%d.txt", size[0], size[1]))
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || got != string(want) {
			t.Errorf("%s (%v):\n%s", path, err, got)
		}
	}
}

func TestEveryRowFitsAndEveryScreenIsFull(t *testing.T) {
	for _, n := range []int{0, 1, 4, 100} {
		for width := 20; width <= 210; width += 7 {
			for _, height := range []int{6, 10, 24, 60} {
				m := screenOf(t, &server{answers: n}, width, height)
				press(m, "G")
				for _, view := range []string{m.View(), func() string { press(m, "?"); return m.View() }()} {
					rows := strings.Split(view, "\n")
					if len(rows) != height {
						t.Fatalf("%d×%d: %d rows", width, height, len(rows))
					}
					for _, r := range rows {
						if ansi.StringWidth(r) > width || strings.Contains(r, "\x1b]") || strings.Contains(r, "\x1b[31m") {
							t.Fatalf("%d×%d: %q", width, height, r)
						}
					}
				}
			}
		}
	}
}

func TestEachRowCanBeReachedOnASmallScreen(t *testing.T) {
	m := screenOf(t, &server{answers: 100}, 40, 10)
	seen := map[string]bool{}
	for range 110 {
		for _, r := range strings.Split(m.View(), "\n") {
			if strings.HasPrefix(ansi.Strip(r), " > ") {
				seen[m.id] = true
			}
		}
		press(m, "j")
	}
	if len(seen) != 103 {
		t.Errorf("%d rows of 103 were selected in sight", len(seen))
	}
}

func TestTheSelectedAnswerStaysSelectedWhileOthersCome(t *testing.T) {
	s := &server{answers: 3}
	m := screenOf(t, s, 80, 24)
	press(m, "j", "down")
	m.View()
	selected := m.id
	s.answers = 60
	m.Update(m.refresh()())
	if m.View(); m.id != selected || selected != busy(3, noon).Answers[2].TaskID {
		t.Errorf("%s, not %s", m.id, selected)
	}
	s.answers = 1 // it has ended
	m.Update(m.refresh()())
	if view := m.View(); m.id == selected || !strings.Contains(view, " > ") {
		t.Errorf("%s is selected:\n%s", m.id, view)
	}
}

func TestStoppingAsksOnce(t *testing.T) {
	s := &server{answers: 2}
	m := screenOf(t, s, 80, 24)
	if cmd := press(m, "s", "x"); cmd != nil || len(s.stopped) != 0 {
		t.Fatalf("stopped %v", s.stopped)
	}
	cmd := press(m, "s", "s")
	if cmd == nil {
		t.Fatal("nothing is stopped")
	}
	m.Update(cmd())
	if len(s.stopped) != 1 || s.stopped[0] != busy(1, noon).Answers[0].TaskID || !strings.Contains(m.View(), "stopped 00000000") {
		t.Errorf("%v:\n%s", s.stopped, m.View())
	}
	for range 5 {
		press(m, "j")
	}
	if cmd := press(m, "s", "s"); cmd != nil || !strings.Contains(m.View(), "only answers can be stopped") {
		t.Errorf("a worker:\n%s", m.View())
	}
}

func TestUnreachableServerIsReportedAndStateStays(t *testing.T) {
	s := &server{answers: 1}
	m := screenOf(t, s, 80, 24)
	s.err = errors.New("connection refused")
	m.Update(m.refresh()())
	if view := m.View(); !strings.Contains(view, "no reply, retrying: connection refused") || !strings.Contains(view, "Tuning") {
		t.Errorf("%s", view)
	}
	s.err = nil
	m.Update(m.refresh()())
	if view := m.View(); strings.Contains(view, "no answer") {
		t.Errorf("%s", view)
	}
}

func TestRateUsesSamplesOfOneAttempt(t *testing.T) {
	var m Meter
	at := func(second, chunks, attempt int) {
		m.See(report.Stats{At: noon.Add(time.Duration(second) * time.Second), Answers: []report.RunningAnswer{{TaskID: "t", Chunks: chunks, Attempt: attempt}}})
	}
	want := func(rate float64, known bool) {
		t.Helper()
		if got, ok := m.Rate("t"); got != rate || ok != known {
			t.Errorf("%v %v, want %v %v", got, ok, rate, known)
		}
	}
	at(0, 100, 1)
	want(0, false) // what was there before says nothing
	at(1, 120, 1)
	want(20, true)
	for s := 2; s <= 30; s++ {
		at(s, 120+40*(s-1), 1)
	}
	want(40, true) // the beginning is forgotten
	at(31, 1300, 2)
	want(0, false)
	at(32, 1310, 2)
	want(10, true)
	at(33, 5, 2) // the list was lost
	want(0, false)
	m.See(report.Stats{At: noon})
	if len(m.samples) != 0 {
		t.Error("an ended answer is still known")
	}
}

func TestRunOnATerminal(t *testing.T) {
	for name, c := range map[string]struct{ keys, opened string }{
		"q leaves": {"q", ""}, "enter opens the selected one": {"j\r", "c-1"},
	} {
		t.Run(name, func(t *testing.T) {
			side, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
				t.Fatal(err)
			}
			out := make(chan string, 1)
			go func() {
				var all strings.Builder
				buf := make([]byte, 4096)
				typed := false
				for {
					n, err := side.Read(buf)
					all.Write(buf[:n])
					if !typed && strings.Contains(all.String(), "Tuning") {
						typed = true
						_, _ = side.WriteString(c.keys)
					}
					if err != nil {
						out <- all.String()
						return
					}
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			opened, err := Run(ctx, Options{Source: &server{answers: 2}, In: tty, Out: tty, Env: []string{"TERM=xterm"}, Every: 20 * time.Millisecond})
			if err != nil || opened != c.opened {
				t.Errorf("%q, %v", opened, err)
			}
			if err := errors.Join(tty.Close(), side.Close()); err != nil {
				t.Error(err)
			}
			written := <-out
			_, frames, _ := strings.Cut(written, ansi.SetModeSynchronizedOutput)
			if strings.Contains(frames, "\x1b[2J") || !strings.Contains(written, "\x1b[?1049l") || strings.Count(frames, ansi.ResetModeSynchronizedOutput) == 0 {
				t.Errorf("cleared, not restored or not bracketed: %q", written)
			}
		})
	}
}

// Any state of Redis other than ok is shown.
func TestRedisProblemsAreShown(t *testing.T) {
	for _, c := range []struct {
		redis     string
		hasMemory bool // Redis reports its memory
		head, row string
	}{
		{"ok", true, "", ""},
		{"", true, "", ""},
		{"down", false, "redis down", "does not answer; answers continue"},
		{"down", true, "redis down", "does not answer; answers continue"},
		{"ok", false, "", "does not answer; answers continue"},
		{"read-only", true, "redis read-only", "read-only; answers continue"},
		{"no subscriptions", true, "redis no subscriptions", "no subscriptions; answers continue"},
		{"no subscriptions", false, "redis no subscriptions", "no subscriptions; answers continue"},
		{"out of\x1b[31m memory", true, "redis out of memory", "out of memory; answers continue"},
		{"loading", false, "redis loading", "loading; answers continue"},
	} {
		st := busy(1, noon)
		if st.Redis = c.redis; !c.hasMemory {
			st.Memory = nil
		}
		for _, width := range []int{80, 120} {
			rows := Snapshot(st, &Meter{}, "local", width)
			head := strings.Contains(rows[0], " · redis ")
			row := strings.Contains(rows[2], "answers continue")
			if head != (c.head != "") || !strings.Contains(rows[0], c.head) || row != (c.row != "") || !strings.Contains(rows[2], c.row) {
				t.Errorf("%q, with numbers %v, %d wide:\n%s", c.redis, c.hasMemory, width, strings.Join(rows[:3], "\n"))
			}
			if keys := strings.Contains(rows[2], "48 keys"); keys != c.hasMemory {
				t.Errorf("%q: the keys are shown: %v", c.redis, keys)
			}
		}
	}
}

// A text in one piece does nothing: "ss" does not even stop an answer.
func TestTextIsNotAKey(t *testing.T) {
	for _, text := range []string{"ss", "esc", "enter", "up", "q", "less", "?s", "ctrl+c", "end", "s s", "pgup", "home", "quit"} {
		s := &server{answers: 3}
		m := screenOf(t, s, 80, 24)
		for _, r := range []tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune(text), Paste: len(text) == 1}} {
			if _, cmd := m.Update(r); cmd != nil && cmd() != nil {
				t.Errorf("%q does something", text)
			}
		}
		if m.help || m.ask != "" || m.toOpen != "" || len(s.stopped) > 0 {
			t.Errorf("%q: help %v, a question %q", text, m.help, m.ask)
		}
	}
	m := screenOf(t, &server{answers: 3}, 80, 24)
	first := m.id
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jj")})
	if m.id == first {
		t.Error("a key that is held down moves nothing")
	}
}
