package screen

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// The measures of a picture, in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 18
	margin     = 16
	titleBar   = 34
	fontSize   = 14
)

// The colours of a picture.
const (
	paper = "#1b1e28"
	bar   = "#262a36"
	ink   = "#d5d9e6"
)

// palette are the sixteen colours.
var palette = [16]string{
	"#2a2e3b", "#f0717b", "#8fd08a", "#e8c07a", "#7aa8f0", "#c493e6", "#6fc9d2", "#c3c8d6",
	"#7d8498", "#ff8b94", "#a8e4a3", "#f5d493", "#96bdff", "#d8b0f5", "#8ce0e8", "#f2f4fa",
}

// textStyle is the appearance of characters.
type textStyle struct {
	fg, bg                               string
	bold, dim, italic, underline, struck bool
	reverse                              bool
}

var sgr = regexp.MustCompile(`\x1b\[([0-9;:]*)m`)

// svg draws rows, which contain colour sequences, as a window.
func svg(title string, rows []string) string {
	columns := 96
	for _, row := range rows {
		columns = max(columns, ansi.StringWidth(row))
	}
	width := float64(columns)*cellWidth + 2*margin
	height := len(rows)*cellHeight + titleBar + 2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" font-family="ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="%d">`+"\n",
		width, height, width, height, fontSize)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%d" rx="9" fill="%s"/><path d="M0 9a9 9 0 0 1 9-9h%.0fa9 9 0 0 1 9 9v%dH0z" fill="%s"/>`+"\n", width, height, paper, width-18, titleBar-9, bar)
	for i, c := range []string{"#f0717b", "#e8c07a", "#8fd08a"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="5.5" fill="%s"/>`, 20+i*19, titleBar/2, c)
	}
	fmt.Fprintf(&b, `<text x="50%%" y="%d" fill="#8b91a5" font-size="12.5" text-anchor="middle">%s</text>`+"\n", titleBar/2+4, html.EscapeString(title))
	var l textStyle
	for i, row := range rows {
		l = drawRow(&b, l, row, titleBar+margin+i*cellHeight)
	}
	return b.String() + "</svg>\n"
}

// drawRow draws one row from its top, and returns the style at its end.
func drawRow(b *strings.Builder, l textStyle, row string, top int) textStyle {
	column := 0
	for row != "" {
		text := row
		at := sgr.FindStringSubmatchIndex(row)
		if at != nil {
			text = row[:at[0]]
		}
		text = strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1 // tmux shifts between sets of characters
			}
			return r
		}, text)
		l.draw(b, text, column, top)
		column += ansi.StringWidth(text)
		if at == nil {
			break
		}
		l = l.with(row[at[2]:at[3]])
		row = row[at[1]:]
	}
	return l
}

// draw draws a run of characters of one style. A run begins at its cell and is as
// wide as its cells, whatever the reader's font is.
func (l textStyle) draw(b *strings.Builder, text string, column, top int) {
	fg, bg := l.fg, l.bg
	if l.reverse {
		fg, bg = bg, fg
		if fg == "" {
			fg = paper
		}
		if bg == "" {
			bg = ink
		}
	}
	if bg != "" && text != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, margin+float64(column)*cellWidth, top, float64(ansi.StringWidth(text))*cellWidth, cellHeight, bg)
	}
	blank := len(text) - len(strings.TrimLeft(text, " "))
	column += blank
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	if strings.Trim(text, "─") == "" { // fonts leave gaps between these
		x := margin + float64(column)*cellWidth
		fmt.Fprintf(b, `<path d="M%.1f %dh%.1f" stroke="%s"/>`+"\n", x, top+cellHeight/2, float64(ansi.StringWidth(text))*cellWidth, orInk(fg))
		return
	}
	more := ""
	for _, a := range []struct {
		on   bool
		text string
	}{
		{l.bold, ` font-weight="700"`},
		{l.dim, ` opacity=".65"`},
		{l.italic, ` font-style="italic"`},
		{l.underline, ` text-decoration="underline"`},
		{l.struck, ` text-decoration="line-through"`},
	} {
		if a.on {
			more += a.text
		}
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="%s"%s>%s</text>`+"\n",
		margin+float64(column)*cellWidth, top+cellHeight-5, float64(ansi.StringWidth(text))*cellWidth, orInk(fg), more, html.EscapeString(text))
}

func orInk(colour string) string {
	if colour == "" {
		return ink
	}
	return colour
}

// with returns the style after a sequence with these parameters.
func (l textStyle) with(parameters string) textStyle {
	list := strings.FieldsFunc(parameters, func(r rune) bool { return r == ';' || r == ':' })
	if len(list) == 0 {
		return textStyle{}
	}
	for i := 0; i < len(list); i++ {
		n, err := strconv.Atoi(list[i])
		if err != nil {
			continue
		}
		switch {
		case n == 38 || n == 48:
			colour, used := extended(list[i+1:])
			i += used
			if n == 38 {
				l.fg = colour
			} else {
				l.bg = colour
			}
		case n >= 30 && n <= 37:
			l.fg = palette[n-30]
		case n >= 40 && n <= 47:
			l.bg = palette[n-40]
		case n >= 90 && n <= 97:
			l.fg = palette[n-82]
		case n >= 100 && n <= 107:
			l.bg = palette[n-92]
		default:
			l = l.attribute(n)
		}
	}
	return l
}

func (l textStyle) attribute(n int) textStyle {
	switch n {
	case 0:
		return textStyle{}
	case 1:
		l.bold = true
	case 2:
		l.dim = true
	case 3:
		l.italic = true
	case 4:
		l.underline = true
	case 7:
		l.reverse = true
	case 9:
		l.struck = true
	case 22:
		l.bold, l.dim = false, false
	case 23:
		l.italic = false
	case 24:
		l.underline = false
	case 27:
		l.reverse = false
	case 29:
		l.struck = false
	case 39:
		l.fg = ""
	case 49:
		l.bg = ""
	}
	return l
}

// extended returns the colour after a 38 or 48, and the number of its parameters.
func extended(list []string) (string, int) {
	at := func(i int) int {
		if i >= len(list) {
			return 0
		}
		n, err := strconv.Atoi(list[i])
		if err != nil {
			return 0
		}
		return n
	}
	if at(0) == 2 {
		return fmt.Sprintf("#%02x%02x%02x", at(1), at(2), at(3)), 4
	}
	switch n := at(1); {
	case n < 16:
		return palette[n], 2
	case n >= 232:
		grey := 8 + 10*(n-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey), 2
	default:
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		n -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6)), 2
	}
}

func TestPicturesAreDrawnByCells(t *testing.T) {
	got := svg("a <title>", []string{"\x1b[1;38;5;196mred\x1b[0m <&> \x1b[7mturned\x1b[27m日本", "──"})
	for _, want := range []string{
		"a &lt;title&gt;",
		`<text x="16.0" y="63" textLength="25.2" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="#ff0000" font-weight="700">red</text>`,
		`<text x="49.6" y="63" textLength="25.2" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="` + ink + `">&lt;&amp;&gt;</text>`,
		`fill="` + paper + `">turned</text>`, `textLength="33.6" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="` + ink + `">日本</text>`,
		`<path d="M16.0 77h16.8"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
}
