// Package theme defines the colours of the screen: SGR parameters by meaning. Long
// text always has the terminal's own foreground.
//
// Dark and Light use fixed colours of xterm's 256, chosen for a contrast of at
// least 4.5:1 (WCAG 2.2, 1.4.3) on common backgrounds. ANSI16 uses the terminal's
// own sixteen, which the user may have changed; it is the theme for an unknown
// background.
package theme

import (
	"chat"
	"chat/internal/term/highlight"
	"chat/internal/term/markdown"
)

// Theme holds the SGR parameters of each part, "" for the terminal's own.
type Theme struct {
	Title    string // the program's and the conversation's name
	Dim      string // secondary text
	Rule     string
	You      string
	Answerer string
	Good     string
	Warn     string
	Bad      string
	Prompt   string
	Selected string
	Key      string

	Answer    markdown.Style
	Reasoning markdown.Style
}

// The names of themes. Auto is Dark or Light by the terminal's background, and
// ANSI16 while that is unknown.
const (
	Auto   = "auto"
	Dark   = "dark"
	Light  = "light"
	ANSI16 = "ansi16"
	None   = "none"
)

// Names lists all themes.
func Names() []string { return []string{Auto, Dark, Light, ANSI16, None} }

// Named returns a theme by its name; "" is Auto.
func Named(name string) (Theme, error) {
	switch name {
	case "", Auto, ANSI16:
		return ansi16(), nil
	case Dark:
		return dark(), nil
	case Light:
		return light(), nil
	case None:
		return none(), nil
	}
	return Theme{}, chat.Errorf(chat.CodeInvalid, "there is no theme %q: use auto, dark, light, ansi16 or none", name)
}

// none has weight, slant and underline, but no colour.
func none() Theme {
	return Theme{
		Title: "1", Dim: "2", Rule: "2", You: "1", Answerer: "1", Warn: "1", Bad: "1",
		Prompt: "1", Selected: "7", Key: "1",
		Answer: markdown.Monochrome(), Reasoning: markdown.Dim(),
	}
}

func ansi16() Theme {
	return Theme{
		Title: "1", Dim: "90", Rule: "90", You: "1;36", Answerer: "1;35",
		Good: "32", Warn: "33", Bad: "31", Prompt: "1;36", Selected: "7", Key: "1",
		Answer: markdown.ANSI16(), Reasoning: markdown.Dim(),
	}
}

// palette is a theme's colours, as parameters that select one of the 256.
type palette struct {
	dim, rule, you, answerer, good, warn, bad        string
	heading, code, marker, keyword, kind, name, text string
	number                                           string
}

func dark() Theme {
	return of(palette{
		dim: "38;5;247", rule: "38;5;240", you: "38;5;80", answerer: "38;5;177", good: "38;5;114", warn: "38;5;221", bad: "38;5;210",
		heading: "38;5;117", code: "38;5;152", marker: "38;5;117", keyword: "38;5;177", kind: "38;5;80", name: "38;5;117", text: "38;5;150",
		number: "38;5;215",
	})
}

func light() Theme {
	return of(palette{
		dim: "38;5;241", rule: "38;5;250", you: "38;5;24", answerer: "38;5;90", good: "38;5;22", warn: "38;5;94", bad: "38;5;124",
		heading: "38;5;25", code: "38;5;23", marker: "38;5;25", keyword: "38;5;90", kind: "38;5;24", name: "38;5;25", text: "38;5;22",
		number: "38;5;94",
	})
}

func of(p palette) Theme {
	var syntax [highlight.Kinds]string
	for kind, sgr := range map[highlight.Kind]string{
		highlight.Keyword: p.keyword, highlight.Type: p.kind, highlight.Name: p.name, highlight.String: p.text,
		highlight.Number: p.number, highlight.Comment: p.dim, highlight.Added: p.good, highlight.Removed: p.bad,
	} {
		syntax[kind] = sgr
	}
	reasoning := markdown.Style{
		Strong: "1", Emphasis: "3", Strike: "9", Link: "4", Body: p.dim, Fence: p.dim, Raw: p.dim, Heading: "1",
	}
	return Theme{
		Title: "1", Dim: p.dim, Rule: p.rule, You: "1;" + p.you, Answerer: "1;" + p.answerer,
		Good: p.good, Warn: p.warn, Bad: p.bad, Prompt: "1;" + p.you, Selected: "7", Key: "1",
		Answer: markdown.Style{
			Heading: "1;" + p.heading, Strong: "1", Emphasis: "3", Strike: "9",
			Code: p.code, Rule: p.rule, Label: p.dim, Link: "4", URL: p.dim,
			Quote: p.dim, Marker: p.marker, Raw: p.dim, Syntax: syntax,
		},
		Reasoning: reasoning,
	}
}

// Paint writes text in the given SGR parameters and ends with a reset.
func Paint(text, sgr string) string {
	if sgr == "" || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
