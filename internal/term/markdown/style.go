package markdown

import "chat/internal/term/highlight"

// Style defines the appearance of each part of a document: the parameters of an SGR
// sequence, such as "1;34" (bold, blue), or "" for the terminal's own. The zero
// Style writes no escape sequences.
type Style struct {
	Heading  string
	Strong   string
	Emphasis string
	Strike   string
	Code     string // inline code
	Fence    string // the text of code blocks
	Rule     string // rules, and the lines around code and in tables
	Label    string // the language of a code block
	Link     string // a link's text
	URL      string // a link's target
	Quote    string // the bar of a block quote
	Marker   string // bullets, numbers, boxes
	Raw      string // HTML, which is shown as it is written
	Body     string // for all text

	// Syntax has the parameters of code by highlight.Kind.
	Syntax [highlight.Kinds]string

	// Number is the text before the number of a code block; "" omits both.
	Number string
}

// ANSI16 uses the terminal's own sixteen colours and its own foreground.
func ANSI16() Style {
	return Style{
		Heading: "1;34", Strong: "1", Emphasis: "3", Strike: "9",
		Code: "36", Rule: "90", Label: "90", Link: "4", URL: "90",
		Quote: "90", Marker: "34", Raw: "90",
		Syntax: [highlight.Kinds]string{
			highlight.Keyword: "35", highlight.Type: "36", highlight.Name: "34", highlight.String: "32",
			highlight.Number: "33", highlight.Comment: "90", highlight.Added: "32", highlight.Removed: "31",
		},
	}
}

// Monochrome uses weight, slant and underline, but no colour (NO_COLOR).
func Monochrome() Style {
	return Style{
		Heading: "1", Strong: "1", Emphasis: "3", Strike: "9",
		Code: "1", Link: "4", Raw: "2", Rule: "2", Label: "2", URL: "2", Quote: "2",
		Syntax: [highlight.Kinds]string{highlight.Keyword: "1", highlight.Comment: "2", highlight.Added: "1", highlight.Removed: "2"},
	}
}

// Dim is Monochrome in faint print, for secondary text.
func Dim() Style {
	s := Monochrome()
	s.Body = "2"
	return s
}
