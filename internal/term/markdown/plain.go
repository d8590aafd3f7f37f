package markdown

import "strings"

// Plain lays out a text that is not Markdown. It keeps lines and runs of spaces,
// and wraps lines that are too wide.
func Plain(text string, width int, sgr string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		for _, r := range wrap([]span{{untab(line), sgr}}, max(width, MinWidth), true) {
			out = append(out, r.text)
		}
	}
	return out
}
