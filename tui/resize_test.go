package tui

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// broad has texts that break the width of rows.
const broad = "日本語の文章は空白なしで折り返される必要があります。 👩‍👩‍👧‍👦👨🏽‍🚀🏳️‍🌈 🇩🇪🇯🇵 é ｆｕｌｌ ﷽ ก็็็ " +
	"https://example.com/a/very/long/path/that/never/ends/and/goes/on/for/more/than/any/screen/is/wide/?q=0123456789#日本語のアンカー\n\n"

// broadTalk is a conversation of such texts in every construct, each message with
// its number.
func broadTalk(messages int) []string {
	line := strings.ReplaceAll(strings.TrimSpace(broad), "\n", " ")
	long := "" // no two rows of it are the same
	for i := range 100 {
		long += fmt.Sprint(i, "+")
	}
	constructs := []string{
		broad, "# " + line, "- " + line + "\n  1. " + line, "> > " + line, "```go\n" + line + " x := " + long + "\n```",
		"| " + line + " | b |\n|---|--:|\n| `code` | " + line + " |", "**" + line + "** `" + line + "`", long, "\t" + line,
	}
	var texts []string
	for i := range messages {
		texts = append(texts, fmt.Sprintf("mark%dend\n\n%s", i, constructs[i%len(constructs)]))
	}
	return texts
}

func broadScreen(t *testing.T, messages int) *screenTest {
	t.Helper()
	backend := newFake()
	id := backend.add(broad, broadTalk(messages)...)
	s := start(t, backend, 80, 24, func(o *Options) { o.ConversationID = id })
	s.until("the conversation is there", func() bool { return len(s.m.conversation.Shown()) == messages })
	return s
}

func TestEveryRowFitsAtEveryWidth(t *testing.T) {
	s := broadScreen(t, 9)
	s.typeText(strings.TrimSpace(broad))
	for width := minWidth; width <= 200; width += 1 + 2*min(width/40, 1) { // each narrow one, and every third of the others
		// High enough for all messages, so that none of their rows goes unseen.
		s.send(tea.WindowSizeMsg{Width: width, Height: 1500})
		s.wellFormed()
		if s.m.conversation.Unread() != 0 || !s.m.conversation.AtEnd() || !strings.Contains(s.m.View(), "mark0end") {
			t.Fatalf("not all is in sight at width %d", width)
		}
	}
}

var mark = regexp.MustCompile(`mark(\d+)end`)

// marks are the numbers of the messages whose first row is in sight.
func (s *screenTest) marks() []string {
	var found []string
	for _, m := range mark.FindAllStringSubmatch(ansi.Strip(s.m.View()), -1) {
		found = append(found, m[1])
	}
	return found
}

// reached walks from one end to the other and returns the messages it has seen.
func (s *screenTest) reached(begin, key string) []string {
	var seen []string
	s.press(begin)
	for {
		view := s.m.View()
		for _, m := range s.marks() {
			if !slices.Contains(seen, m) {
				seen = append(seen, m)
			}
		}
		s.wellFormed()
		if s.press(key); s.m.View() == view {
			return seen
		}
	}
}

// After any resizes, every message can be reached in either direction, and the view
// equals that of a screen that always had this size.
func TestEveryMessageIsReachableAfterAnyResizes(t *testing.T) {
	const messages = 18 // two of each construct
	var all []string
	for i := range messages {
		all = append(all, fmt.Sprint(i))
	}
	s := broadScreen(t, messages)
	s.press("tab")
	r := rand.New(rand.NewPCG(3, 9))
	keys := []string{"pgup", "pgdown", "[", "]", "g", "G", "up", "down"}
	for range 200 {
		s.send(tea.WindowSizeMsg{Width: 1 + r.IntN(200), Height: 1 + r.IntN(60)})
		if s.m.tiny() {
			continue
		}
		s.wellFormed()
		s.press(keys[r.IntN(len(keys))])
		s.wellFormed()
	}
	for _, size := range []tea.WindowSizeMsg{{Width: minWidth, Height: minHeight + 4}, {Width: 80, Height: 24}, {Width: 200, Height: 60}} {
		s.send(size)
		if seen := s.reached("g", "pgdown"); !slices.Equal(seen, all) {
			t.Errorf("%d×%d, downwards: seen %v", size.Width, size.Height, seen)
		}
		if seen := s.reached("G", "pgup"); len(seen) != messages { // several in sight at the same time have their own order
			t.Errorf("%d×%d, upwards: seen %v", size.Width, size.Height, seen)
		}
		s.press("g")
		fresh := broadScreen(t, messages)
		fresh.send(size)
		fresh.press("tab", "g")
		if s.m.View() != fresh.m.View() {
			t.Errorf("%d×%d, at the top:\n%s\na fresh render:\n%s", size.Width, size.Height, s.screen(), fresh.screen())
		}
	}
}
