package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/theme"
	"chat/tui/conversation"
	"chat/tui/follow"
	"chat/tui/jobs"
)

// The load: an answer of 16 KB at 100 tokens a second, four bytes each, on a
// screen of 120×40.
const (
	answerBytes = 16 << 10
	bytesASec   = 4 * 100
	longTalk    = 5000 // messages
)

// answers are what is streamed, each by its scenario.
func answers() map[string]string {
	var list, table, mixed strings.Builder
	for i := range 240 {
		fmt.Fprintf(&list, "%d. item with **some** words, `code` and a [link](http://example.com/%d)\n", i+1, i)
	}
	table.WriteString("| a | b | c |\n|---|--:|---|\n")
	for i := range 400 {
		fmt.Fprintf(&table, "| row %d | `%d` | 日本語の文章 |\n", i, i*i)
	}
	for i := 0; mixed.Len() < answerBytes; i++ {
		fmt.Fprintf(&mixed, "## Part %d\n\n%s\n> A quotation with https://example.com/%s in it.\n\n", i, essay, strings.Repeat("path/", 20))
	}
	return map[string]string{
		"stream-mixed": mixed.String(),
		"stream-fence": "```go\n" + strings.Repeat("\tif n := len(queue); n > 0 { return steal(queue, n/2) } // half of it\n", 300),
		"stream-list":  list.String(),
		"stream-table": table.String(),
		"stream-cjk":   strings.Repeat("日本語の文章は空白なしで折り返される。**強調**も`コード`も絵文字👩‍👩‍👧‍👦もある。\n\n", 200),
	}
}

// BenchmarkScreen of this package measures what runs on the goroutine of the
// screen, Update and View, as it would follow each other 30 times a second, but
// without the waiting in between. The baseline of a stream is the same screen when
// it lays the whole answer out again for each frame; that of a conversation of
// 5,000 messages is one of 20.
func BenchmarkScreen(b *testing.B) {
	for name, text := range answers() {
		text = strings.ToValidUTF8(text[:min(len(text), answerBytes)], "")
		for _, target := range []string{"chat", "baseline"} {
			b.Run(name+"/"+target, func(b *testing.B) {
				for b.Loop() {
					s := benchScreen(b, 2)
					s.stream(text, target == "baseline").report(b, "frame")
					b.ReportMetric(s.busy(len(text)), "busy-%")
				}
			})
		}
	}
	for target, messages := range map[string]int{"chat": longTalk, "baseline": 20} {
		b.Run("long-screen/"+target, func(b *testing.B) {
			for b.Loop() {
				s := benchScreen(b, messages)
				s.spent.report(b, "open")
				s.keys("x", 200).report(b, "key")
				s.keys("pgup", 200).report(b, "page")
				s = benchScreen(b, messages)
				s.stream(essay, false).report(b, "frame_of_a_stream")
			}
		})
	}
}

// costs are how long Update and View took for each message.
type costs []time.Duration

// report reports quantiles.
func (c costs) report(b *testing.B, what string) {
	sorted := slices.Sorted(slices.Values(c))
	at := func(q float64) float64 {
		return float64(sorted[int(q*float64(len(sorted)-1))]) / float64(time.Millisecond)
	}
	if len(c) == 1 {
		b.ReportMetric(at(0), what+"-ms")
		return
	}
	b.ReportMetric(at(0.5), what+",_p50-ms")
	b.ReportMetric(at(0.99), what+",_p99-ms")
}

// timedScreen is a Model whose commands do not run: what they would ask a server
// for is given to it.
type timedScreen struct {
	m     *Model
	now   time.Time
	spent costs
}

// benchScreen opens a conversation whose last answer is being made, its second
// one if there are two messages.
func benchScreen(t testing.TB, messages int) *timedScreen {
	t.Helper()
	th, err := theme.Named(theme.Dark)
	if err != nil {
		t.Fatal(err)
	}
	s := &timedScreen{now: noon}
	s.m = newModel(Options{Backend: newFake(), Host: "local"}, jobs.New(t.Context()), th, false, func() time.Time { return s.now })
	s.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	c := chat.Conversation{ID: "c", Title: "A talk"}
	var list []chat.Message
	for i := range messages {
		m := chat.Message{ID: fmt.Sprint("m", i), ConversationID: c.ID, Role: chat.RoleUser, Content: "a question", CreatedAt: noon}
		if i%2 == 1 {
			m.Role, m.State, m.Model, m.Content = chat.RoleAssistant, chat.TaskDone, "demo", essay
		}
		if i > 0 {
			m.ParentID = list[i-1].ID
		}
		if i == messages-1 {
			m.State, m.TaskID, m.Content = chat.TaskRunning, "t", ""
		}
		list = append(list, m)
	}
	s.spent = nil
	s.send(conversation.OpenedMsg{Session: s.m.conversation.Session(), Conversation: c, Messages: list})
	return s
}

func (s *timedScreen) send(msg tea.Msg) {
	began := time.Now()
	s.m.Update(msg)
	if s.m.View() == "" {
		panic("nothing is shown")
	}
	s.spent = append(s.spent, time.Since(began))
}

// stream gives the answer frame by frame, and a tick of the clock each second.
// With naive, everything is laid out again each time.
func (s *timedScreen) stream(text string, naive bool) costs {
	s.spent = nil
	perFrame := bytesASec * int(follow.Frame/time.Millisecond) / 1000
	for from, frame := 0, 0; from < len(text); frame++ {
		to := min(from+perFrame, len(text))
		for to < len(text) && !utf8.RuneStart(text[to]) {
			to++
		}
		if naive {
			s.m.conversation.Shown()[len(s.m.conversation.Shown())-1].Drop()
		}
		s.now = s.now.Add(follow.Frame)
		s.send(conversation.BatchesMsg{{ID: s.m.conversation.LastStream(), Chunks: []chat.Chunk{{Type: chat.ChunkContent, Content: text[from:to]}}}})
		if frame%30 == 0 {
			s.send(tickMsg{})
		}
		from = to
	}
	return s.spent
}

// busy is the part of the time, in percent, for which a stream of so many bytes
// keeps the screen's goroutine busy.
func (s *timedScreen) busy(bytes int) float64 {
	var sum time.Duration
	for _, d := range s.spent {
		sum += d
	}
	return 100 * sum.Seconds() / (float64(bytes) / bytesASec)
}

func (s *timedScreen) keys(key string, n int) costs {
	s.spent = nil
	for range n {
		msg, ok := keyTypes[key]
		if !ok {
			msg = tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)}
		}
		s.send(msg)
	}
	return s.spent
}
