package transcript

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/term/theme"
)

// block is an item of numbered rows; at half the width it is twice as high.
type block struct {
	name   string
	rows   int
	height int
	calls  *int
}

func (b *block) Height(width int) int {
	*b.calls++
	b.height = b.rows
	if width < 50 {
		b.height *= 2
	}
	return b.height
}
func (b *block) Row(i int) string { return fmt.Sprintf("%s:%d/%d", b.name, i, b.height) }
func (b *block) Drop()            {}

func blocks(n int, calls *int) (*List, []*block) {
	l := NewList()
	var all []*block
	var items []Item
	for i := range n {
		b := &block{name: fmt.Sprint(i), rows: 1 + i%7, calls: calls}
		all, items = append(all, b), append(items, b)
	}
	l.Set(items)
	return l, all
}

func TestCostOfAFrameDoesNotGrowWithTheLength(t *testing.T) {
	cost := func(n int) int {
		calls := 0
		l, _ := blocks(n, &calls)
		l.Resize(80, 40)
		l.Settle()
		for range 20 {
			l.ScrollUp(13)
		}
		for range 5 {
			l.ScrollDown(7)
			l.Resize(40, 30)
			l.Settle()
			l.Resize(80, 40)
			l.Settle()
		}
		return calls
	}
	if short, long := cost(200), cost(100_000); long > short+10 {
		t.Fatalf("%d layouts for 200 items, %d for 100,000", short, long)
	}
}

func TestScrollingReachesEveryRowOnce(t *testing.T) {
	calls := 0
	l, all := blocks(100, &calls)
	l.Resize(80, 10)
	var want []string
	for _, b := range all {
		for i := range b.Height(80) {
			want = append(want, b.Row(i))
		}
	}
	for _, step := range []int{1, 3, 10} {
		l.Top()
		got := slices.Clone(l.Rows())
		for !l.AtEnd() {
			before := l.Rows()[len(l.Rows())-1]
			l.ScrollDown(step)
			i := slices.Index(l.Rows(), before)
			got = append(got, l.Rows()[i+1:]...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in steps of %d: %d rows, want %d", step, len(got), len(want))
		}
	}
}

func TestUpAndDownReturnToSameRow(t *testing.T) {
	calls := 0
	l, _ := blocks(100, &calls)
	l.Resize(80, 10)
	l.Settle()
	l.ScrollUp(100)
	before := slices.Clone(l.Rows())
	for _, n := range []int{1, 5, 37} {
		l.ScrollUp(n)
		l.ScrollDown(n)
	}
	if !slices.Equal(l.Rows(), before) {
		t.Fatalf("from %q to %q", before, l.Rows())
	}
}

func TestResizesDoNotAccumulate(t *testing.T) {
	calls := 0
	l, _ := blocks(200, &calls)
	l.Resize(80, 10)
	l.Settle()
	l.ScrollUp(200)
	before := slices.Clone(l.Rows())
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		l.Resize(20+r.IntN(100), 5+r.IntN(10))
		l.Settle()
	}
	l.Resize(80, 10)
	l.Settle()
	if !slices.Equal(l.Rows(), before) {
		t.Fatalf("from %q to %q", before, l.Rows())
	}
}

func TestEndIsFollowedOnlyWhileInSight(t *testing.T) {
	calls := 0
	l, all := blocks(20, &calls)
	l.Resize(80, 10)
	l.Settle()
	last := all[len(all)-1]
	last.rows += 4
	l.Settle()
	if got := l.Rows()[9]; got != last.Row(last.height-1) || !l.AtEnd() {
		t.Fatalf("the last row in sight is %q", got)
	}
	l.ScrollUp(1)
	before := slices.Clone(l.Rows())[:5]
	last.rows += 3
	l.Append(&block{name: "new", rows: 2, calls: &calls})
	l.Settle()
	if l.AtEnd() || l.Unread() != 5 || l.Rows()[0] != before[0] {
		t.Fatalf("at end %v, unread %d, first row %q, was %q", l.AtEnd(), l.Unread(), l.Rows()[0], before[0])
	}
	l.Resize(40, 10)
	l.Settle()
	if l.Unread() != 5 {
		t.Fatalf("a resize made %d unread rows of 5", l.Unread())
	}
	l.Bottom()
	l.Settle()
	if !l.AtEnd() || l.Unread() != 0 {
		t.Fatalf("at end %v, unread %d", l.AtEnd(), l.Unread())
	}
}

func TestShortConversationIsAtTop(t *testing.T) {
	calls := 0
	l, _ := blocks(2, &calls)
	l.Resize(80, 10)
	l.ScrollUp(5)
	l.ScrollDown(5)
	l.Previous()
	l.Next()
	if got := strings.Join(l.Rows(), " "); got != "0:0/1 1:0/2 1:1/2" || !l.AtEnd() {
		t.Fatalf("%q", got)
	}
}

func TestEmptyListAllowsAllCalls(t *testing.T) {
	l := NewList()
	l.Resize(80, 10)
	for _, f := range []func(){l.Top, l.Bottom, l.Previous, l.Next, l.Settle, func() { l.ScrollUp(3) }, func() { l.ScrollDown(3) }} {
		f()
	}
	if len(l.Rows()) != 0 || l.Unread() != 0 {
		t.Fatalf("%q", l.Rows())
	}
}

// BenchmarkOpenFiveThousandMessages builds and shows a long conversation.
func BenchmarkOpenFiveThousandMessages(b *testing.B) {
	rec := chat.Message{Role: chat.RoleAssistant, State: chat.TaskDone, Content: strings.Repeat("Some *text* of an answer.\n\n", 40), CreatedAt: time.Now()}
	for b.Loop() {
		style := &Style{Theme: plainTheme(), Now: time.Now(), Zone: time.UTC}
		items := make([]Item, 5000)
		for i := range items {
			items[i] = NewMessage(rec, style)
		}
		l := NewList()
		l.Set(items)
		l.Resize(120, 40)
		l.Settle()
	}
}

func TestReplaceKeepsPosition(t *testing.T) {
	calls := 0
	l, all := blocks(100, &calls)
	l.Resize(80, 10)
	l.Settle()
	l.ScrollUp(100)
	before := slices.Clone(l.Rows())
	items := []Item{}
	for _, b := range all[10:] { // what stood before is gone, and more has come
		items = append(items, b)
	}
	l.Replace(append(items, &block{name: "new", rows: 4, calls: &calls}))
	l.Settle()
	if !slices.Equal(l.Rows(), before) || l.Unread() != 4 {
		t.Fatalf("%d unread; from %q to %q", l.Unread(), before, l.Rows())
	}
	l.Replace([]Item{&block{name: "other", rows: 30, calls: &calls}})
	l.Settle()
	if !l.AtEnd() || l.Rows()[9] != "other:29/30" {
		t.Fatalf("at the end %v: %q", l.AtEnd(), l.Rows())
	}
}

func plainTheme() theme.Theme {
	th, err := theme.Named(theme.ANSI16)
	if err != nil {
		panic(err)
	}
	return th
}

func TestReasoningTimeOfStoredMessageIsShown(t *testing.T) {
	rec := chat.Message{Role: chat.RoleAssistant, State: chat.TaskDone, Content: "yes", Reasoning: "hm", ReasoningMS: 12_300, CreatedAt: time.Now()}
	l := NewList()
	l.Set([]Item{NewMessage(rec, &Style{Theme: plainTheme(), Now: time.Now(), Zone: time.UTC})})
	l.Resize(60, 10)
	l.Settle()
	if rows := strings.Join(l.Rows(), "\n"); !strings.Contains(rows, "thought for 12 s") {
		t.Errorf("%s", rows)
	}
}
