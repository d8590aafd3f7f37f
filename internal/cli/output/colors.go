package output

import (
	"github.com/charmbracelet/x/term"

	"chat/internal/term/markdown"
)

// maxWidth is the widest layout: longer lines are hard to read.
const maxWidth = 120

func (p *Console) MarkdownSink() Sink {
	width, _, err := term.GetSize(p.Out.Fd())
	if err != nil || width <= 0 {
		width = 80
	}
	style := markdown.Style{}
	switch p.Colors(p.Out.Fd()) {
	case FullColor:
		style = markdown.ANSI16()
	case BoldOnly:
		style = markdown.Monochrome()
	case NoColor:
	}
	return markdown.NewWriter(p.OutWriter(), min(width, maxWidth), style)
}

// Palette says which styles a terminal's text may use.
type Palette int

const (
	NoColor Palette = iota
	BoldOnly
	FullColor
)

// Colors reads --color, NO_COLOR (no-color.org), CLICOLOR_FORCE (bixense.com/clicolors) and TERM.
func (p *Console) Colors(fd uintptr) Palette {
	switch {
	case p.Color == "never":
		return NoColor
	case p.Color == "always":
		return FullColor
	case p.Env("NO_COLOR") != "":
		if p.Env("TERM") == "dumb" {
			return NoColor
		}
		return BoldOnly
	case Truthy(p.Env("CLICOLOR_FORCE")):
		return FullColor
	case p.Env("TERM") == "dumb", p.Env("TERM") == "", !term.IsTerminal(fd):
		return NoColor
	}
	return FullColor
}
