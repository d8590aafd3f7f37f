// Package theme says how the screen looks: SGR parameters by meaning. It uses the
// terminal's own foreground and its own sixteen colours, so that what the user
// has set up stays readable.
package theme

import "chat/tui/markdown"

// Theme holds the SGR parameters of each part, "" for the terminal's own.
type Theme struct {
	Title    string // the program's and the conversation's name
	Dim      string // what is there but not asked for
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

// New returns the theme with or without colours. Without them, weight and
// underline remain.
func New(color bool) Theme {
	if !color {
		return Theme{
			Title: "1", Dim: "2", Rule: "2", You: "1", Answerer: "1", Warn: "1", Bad: "1",
			Prompt: "1", Selected: "7", Key: "1",
			Answer: markdown.Monochrome(), Reasoning: markdown.Dim(),
		}
	}
	return Theme{
		Title: "1", Dim: "90", Rule: "90", You: "1;36", Answerer: "1;35",
		Good: "32", Warn: "33", Bad: "31", Prompt: "1;36", Selected: "7", Key: "1",
		Answer: markdown.ANSI16(), Reasoning: markdown.Dim(),
	}
}

// Paint writes text in the given SGR parameters and ends with a reset.
func Paint(text, sgr string) string {
	if sgr == "" || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
