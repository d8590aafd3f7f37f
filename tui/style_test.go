package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/term/theme"
	"chat/tui/terminal"
)

func TestThemes(t *testing.T) {
	for _, name := range []string{theme.Dark, theme.Light, theme.ANSI16, theme.None} {
		t.Run(name, func(t *testing.T) {
			backend := newFake()
			id := backend.add("Looks", "a question", essay+"\n`code` and > quote\n", "more", "")
			backend.messages[id][3].State, backend.messages[id][3].Error = chat.TaskFailed, chat.Errorf(chat.CodeProviderServer, "503")
			backend.messages[id][3].Reasoning = "First I *think*."
			s := start(t, backend, 80, 40, func(o *Options) { o.ConversationID, o.NoColor, o.Theme = id, false, name })
			s.untilShown("503")
			s.press("ctrl+t")
			s.goldenOf("theme_"+name, strings.ReplaceAll(s.m.View(), "\x1b", "␛")+"\n")
		})
	}
}

// Views in colour, at three widths in two themes: the escape sequences stand in the
// golden files as ␛.
func TestViewsInColour(t *testing.T) {
	for _, name := range []string{theme.Dark, theme.Light} {
		for _, size := range sizes {
			at := fmt.Sprintf("%s_%dx%d", name, size.width, size.height)
			t.Run(at, func(t *testing.T) {
				backend := newFake()
				backend.add("An older question", "hi", "hello")
				s := start(t, backend, size.width, size.height, func(o *Options) { o.NoColor, o.Theme = false, name })
				inColour := func(view string) {
					t.Helper()
					s.wellFormed()
					s.goldenOf("colour_"+view+"_"+at, strings.ReplaceAll(s.m.View(), "\x1b", "␛")+"\n")
				}
				task := s.ask("Why does my worker starve?")
				task.chunk(chat.ChunkReasoning, "Let me *think* about queues.")
				s.untilShown("thinking")
				s.now = s.now.Add(12 * time.Second)
				task.chunk(chat.ChunkContent, essay[:strings.Index(essay, "\treturn")])
				s.untilShown("func steal")
				inColour("streaming")
				s.backend.finish(task, chat.TaskDone, essay, nil)
				s.untilQuiet()
				s.press("tab")
				inColour("done")
				s.press("?")
				inColour("help")
				s.press("esc", "ctrl+k")
				s.untilShown("older")
				inColour("conversations")
			})
		}
	}
}

func TestTheThemeFollowsTheBackground(t *testing.T) {
	s := start(t, newFake(), 80, 24, func(o *Options) { o.NoColor, o.Env = false, []string{"TERM=xterm"} })
	s.ask("hello")
	for background, name := range map[terminal.BackgroundMsg]string{{20, 20, 40}: theme.Dark, {253, 246, 227}: theme.Light} {
		s.send(background)
		want, _ := theme.Named(name)
		if !strings.Contains(s.m.View(), "\x1b["+want.You+"mYou") {
			t.Errorf("%v is not %s", background, name)
		}
	}
}

// goldenOf compares a text with testdata/<name>.golden.
func (s *screenTest) goldenOf(name, got string) {
	s.t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s: the screen is\n%s\nwant\n%s", name, got, want)
	}
}
