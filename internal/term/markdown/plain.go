package markdown

import "strings"

// Plain lays out a text that is no Markdown: lines and runs of spaces stay as
// they are, and what is too wide wraps.
func Plain(text string, width int, sgr string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		for _, r := range wrap([]span{{untab(line), sgr}}, max(width, MinWidth), true) {
			out = append(out, r.text)
		}
	}
	return out
}
