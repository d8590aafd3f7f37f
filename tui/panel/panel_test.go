package panel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/theme"
)

func titles(p *Panel) string {
	var out []string
	for _, it := range p.Shown() {
		out = append(out, it.Title)
	}
	return strings.Join(out, ",")
}

func fruit() *Panel {
	p := &Panel{Title: "Fruit", Field: "find"}
	p.SetItems([]Item{{ID: "1", Title: "Green apple"}, {ID: "2", Title: "Banana", Hidden: "yellow"}, {ID: "3", Title: "Red apple"}})
	return p
}

func TestTypingFilters(t *testing.T) {
	for query, want := range map[string]string{
		"": "Green apple,Banana,Red apple", "APPLE": "Green apple,Red apple", "apple red": "Red apple",
		"yel": "Banana", " ": "Green apple,Banana,Red apple", "x": "",
	} {
		p := fruit()
		if p.SetQuery(query); titles(p) != want {
			t.Errorf("%q shows %s", query, titles(p))
		}
	}
}

func TestFoundItemsBelongToTheirQuery(t *testing.T) {
	p := fruit()
	p.SetQuery("pie")
	p.SetFound("pi", []Item{{ID: "9", Title: "stale"}})
	if titles(p) != "" {
		t.Fatalf("shows %s", titles(p))
	}
	p.SetFound("pie", []Item{{ID: "3", Title: "Red apple"}})
	if titles(p) != "Red apple" {
		t.Fatalf("shows %s", titles(p))
	}
	p.SetQuery("pie ")
	if titles(p) != "" {
		t.Fatalf("shows %s", titles(p))
	}
}

func TestChoiceStaysOnItem(t *testing.T) {
	p := fruit()
	p.Move(2)
	p.SetItems(append([]Item{{ID: "0", Title: "new"}}, p.items...))
	if it, _ := p.Current(); it.ID != "3" {
		t.Fatalf("selected %+v", it)
	}
	p.SetItems(nil)
	if _, ok := p.Current(); ok {
		t.Fatal("an empty list has a selected item")
	}
	p.Move(5)
	p.Move(-5)
}

func TestViewFitsEverySize(t *testing.T) {
	p := &Panel{Title: "Conversations 日本語", Field: "find", Loading: false}
	var items []Item
	for i := range 50 {
		items = append(items, Item{ID: fmt.Sprint(i), Title: fmt.Sprintf("日本語 conversation %d", i), Detail: "3 min", Mark: Mark(i % 5)})
	}
	p.SetItems(items)
	for width := 1; width < 90; width++ {
		for height := 1; height < 20; height++ {
			p.Move(7)
			if width%3 == 0 {
				p.Move(-50)
			}
			rows, row, column := p.View(plainTheme(), width, height)
			if len(rows) != height || row >= height || column > width {
				t.Fatalf("%dx%d: %d rows, the caret at %d,%d", width, height, len(rows), row, column)
			}
			for _, r := range rows {
				if w := ansi.StringWidth(r); w > width && width >= 8 {
					t.Fatalf("%dx%d: %d wide: %q", width, height, w, r)
				}
			}
			if it, _ := p.Current(); height > 2 && width > 40 && !strings.Contains(ansi.Strip(strings.Join(rows, "\n")), " > "+signOf(it)+" "+it.Title) {
				t.Fatalf("%dx%d: the selected row is out of sight:\n%s", width, height, strings.Join(rows, "\n"))
			}
		}
	}
}

func signOf(it Item) string {
	s, _ := sign(plainTheme(), it.Mark)
	return s
}

func plainTheme() theme.Theme {
	th, err := theme.Named(theme.ANSI16)
	if err != nil {
		panic(err)
	}
	return th
}
