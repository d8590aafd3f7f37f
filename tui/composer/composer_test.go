package composer

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestTypingAndMoving(t *testing.T) {
	steps := []struct {
		name string
		do   func(*Composer)
		want string // | is the caret
	}{
		{"insert", func(c *Composer) { c.Insert("hello") }, "hello|"},
		{"newline", func(c *Composer) { c.Insert("\n"); c.Insert("wörld") }, "hello\nwörld|"},
		{"left by a character", func(c *Composer) { c.Left(); c.Left(); c.Left(); c.Left() }, "hello\nw|örld"},
		{"delete", func(c *Composer) { c.Delete() }, "hello\nw|rld"},
		{"home", func(c *Composer) { c.Home() }, "hello\n|wrld"},
		{"up", func(c *Composer) { c.Up(20) }, "|hello\nwrld"},
		{"end", func(c *Composer) { c.End() }, "hello|\nwrld"},
		{"down keeps the column as far as it can", func(c *Composer) { c.Down(20) }, "hello\nwrld|"},
		{"and finds it again", func(c *Composer) { c.Up(20) }, "hello|\nwrld"},
		{"word left", func(c *Composer) { c.WordLeft() }, "|hello\nwrld"},
		{"word right", func(c *Composer) { c.WordRight(); c.WordRight() }, "hello\nwrld|"},
		{"delete word", func(c *Composer) { c.DeleteWord() }, "hello\n|"},
		{"backspace joins lines", func(c *Composer) { c.Backspace() }, "hello|"},
		{"delete to home", func(c *Composer) { c.DeleteToHome() }, "|"},
		{"nothing left to delete", func(c *Composer) { c.Backspace(); c.Delete(); c.DeleteWord() }, "|"},
		{"an emoji is one character", func(c *Composer) { c.Insert("a👩‍👩‍👧b"); c.Left(); c.Backspace() }, "a|b"},
		{"so is a letter with an accent", func(c *Composer) { c.Insert("e\u0301"); c.Left() }, "a|e\u0301b"},
	}
	var c Composer
	for _, s := range steps {
		s.do(&c)
		if got := c.text[:c.caret] + "|" + c.text[c.caret:]; got != s.want {
			t.Fatalf("%s: %q, want %q", s.name, got, s.want)
		}
	}
}

func TestPasteIsSanitizedAndKeepsItsLines(t *testing.T) {
	var c Composer
	c.Insert("a\r\nb\rc\x1b[31md\x1b]0;t\x07e\u202E")
	if want := "a\nb\ncde⟦U+202E⟧"; c.Value() != want {
		t.Fatalf("%q, want %q", c.Value(), want)
	}
}

func TestTextIsBounded(t *testing.T) {
	var c Composer
	if !c.Insert(strings.Repeat("x", MaxBytes)) || c.Insert("y") {
		t.Fatal("the bound does not hold")
	}
}

func TestLongLinesWrapAtWords(t *testing.T) {
	var c Composer
	c.Insert("one two three four")
	rows, row, col := c.View(10, 5)
	if got, want := fmt.Sprint(rows, row, col), "[one two three four] 2 4"; got != want || rows[1] != "three" {
		t.Fatalf("%q caret %d,%d", rows, row, col)
	}
}

func TestViewScrollsToTheCaret(t *testing.T) {
	var c Composer
	c.Insert("1\n2\n3\n4\n5")
	rows, row, _ := c.View(10, 3)
	if strings.Join(rows, "") != "345" || row != 2 {
		t.Fatalf("%q, caret on row %d", rows, row)
	}
	for range 4 {
		c.Up(10)
	}
	rows, row, _ = c.View(10, 3)
	if strings.Join(rows, "") != "123" || row != 0 {
		t.Fatalf("%q, caret on row %d", rows, row)
	}
}

func TestAnyEditingKeepsCaretAndRowsInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	pieces := []string{"a", "word ", "\n", "日本", "👩‍👩‍👧", "e\u0301", "\t", "averyveryverylongword", " ", "🇩🇪"}
	for range 300 {
		var c Composer
		width := 5 + r.IntN(40)
		for range 60 {
			switch r.IntN(9) {
			case 0:
				c.Left()
			case 1:
				c.Right()
			case 2:
				c.Up(width)
			case 3:
				c.Down(width)
			case 4:
				c.Backspace()
			case 5:
				c.WordLeft()
			default:
				c.Insert(pieces[r.IntN(len(pieces))])
			}
			rows, row, col := c.View(width, 6)
			if row < 0 || row >= len(rows) || col < 0 || col >= width {
				t.Fatalf("caret at %d,%d in %d rows of width %d: %q", row, col, len(rows), width, c.text)
			}
			if !utf8.ValidString(c.text[:c.caret]) {
				t.Fatalf("the caret stands inside a character: %q at %d", c.text, c.caret)
			}
			for _, line := range rows {
				if ansi.StringWidth(line) >= width {
					t.Fatalf("row %q is too wide for %d", line, width)
				}
			}
		}
	}
}

func TestLongPastesAreFolded(t *testing.T) {
	var c Composer
	long := strings.TrimSuffix(strings.Repeat("a pasted line\n", 34), "\n")
	c.Insert("see ")
	if !c.Paste(long) {
		t.Fatal("there was no room")
	}
	c.Insert(" and ")
	c.Paste("short\npaste")
	if want := "see " + long + " and short\npaste"; c.Value() != want {
		t.Fatalf("the value is %q", c.Value())
	}
	rows, _, _ := c.View(60, 5)
	if got := strings.Join(rows, "|"); got != "see [pasted · 34 lines] and short|paste" {
		t.Fatalf("shown as %q", got)
	}
	for width := 2; width < 40; width++ {
		for _, row := range firstRows(c.View(width, 50)) {
			if w := ansi.StringWidth(row); w > width-1 {
				t.Fatalf("width %d: %q", width, row)
			}
		}
	}
	c.Begin()
	for range len("see ") + 1 {
		c.Right()
	}
	if _, _, column := c.View(60, 5); column != len("see [pasted * 34 lines]") {
		t.Fatalf("the caret stands at %d", column)
	}
	c.Backspace()
	if c.Value() != "see  and short\npaste" {
		t.Fatalf("after it is deleted: %q", c.Value())
	}
}

func firstRows(rows []string, _, _ int) []string { return rows }

func TestAFoldedPasteIsUnfolded(t *testing.T) {
	var c Composer
	long := strings.Repeat("x\n", 9)
	c.Paste(long)
	if !c.Unfold() || c.Unfold() || c.Value() != long || c.Height(40) != 10 {
		t.Fatalf("%q in %d rows", c.Value(), c.Height(40))
	}
	c.Set("")
	c.Insert("\U0010F000")
	if c.Value() != "\uFFFD" {
		t.Fatalf("a character of ours came from outside: %q", c.Value())
	}
	for range 300 {
		c.Paste(long)
	}
	if c.Value() != "\uFFFD"+strings.Repeat(long, 300) {
		t.Fatal("many pastes got lost")
	}
	if c.Paste(strings.Repeat(strings.Repeat("x", 1000)+"\n", MaxBytes/1000)) {
		t.Fatal("a paste beyond the limit was taken")
	}
}
