package history

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"

	"chat"
)

// PageEvent is what a page has to change (docs/protocol.md).
type PageEvent struct {
	Reset  bool        `json:"reset"`
	Parts  []PagePart  `json:"parts"`
	Blocks []PageBlock `json:"blocks"`
	End    *chat.Chunk `json:"end"`
}

// PagePart is a part of an answer without its text.
type PagePart struct {
	Part       int           `json:"part"`
	Type       chat.PartType `json:"type"`
	Name       string        `json:"name,omitempty"`
	CallID     string        `json:"call_id,omitempty"`
	DurationMS int64         `json:"duration_ms,omitempty"`
	IsError    bool          `json:"is_error,omitempty"`
}

// PageBlock is a piece of a part as HTML.
type PageBlock struct {
	Part  int    `json:"part"`
	Block int    `json:"block"`
	HTML  string `json:"html"`
	More  bool   `json:"more,omitempty"`
}

// Page is an answer as a page shows it.
type Page struct {
	parts  []PagePart
	blocks [][]PageBlock // by part
}

// Apply changes a page as an event says. The error says what a page that has all earlier events
// cannot be asked to change: a part or a block after a missing one, or a block that has ended.
func (p *Page) Apply(e PageEvent) error {
	if e.Reset {
		*p = Page{}
	}
	last := len(p.parts) - 1
	ended := 0 // blocks of the last part
	if last >= 0 {
		ended = max(0, len(p.blocks[last])-1)
	}
	for _, part := range e.Parts {
		switch n := len(p.parts); {
		case part.Part > n:
			return fmt.Errorf("part %d comes after %d parts", part.Part, n)
		case part.Part == n:
			p.parts, p.blocks = append(p.parts, part), append(p.blocks, nil)
		case part.Part < last:
			return fmt.Errorf("part %d changes after part %d", part.Part, last)
		default:
			p.parts[part.Part] = part
		}
	}
	for _, b := range e.Blocks {
		if b.Part >= len(p.parts) {
			return fmt.Errorf("a block of part %d comes before the part", b.Part)
		}
		switch n := len(p.blocks[b.Part]); {
		case b.Block > n:
			return fmt.Errorf("block %d of part %d comes after %d blocks", b.Block, b.Part, n)
		case b.Part < last || b.Part == last && b.Block < ended:
			return fmt.Errorf("block %d of part %d changes after its end", b.Block, b.Part)
		case b.Block == n:
			p.blocks[b.Part] = append(p.blocks[b.Part], b)
		default:
			p.blocks[b.Part][b.Block] = b
		}
	}
	return nil
}

// String writes everything that the page shows.
func (p *Page) String() string {
	data, _ := json.Marshal(map[string]any{"parts": p.parts, "blocks": p.blocks}) // strings and numbers can be encoded
	return string(data)
}

// Plain returns the text of the page without white space.
func (p *Page) Plain() string {
	var b strings.Builder
	for _, blocks := range p.blocks {
		for _, block := range blocks {
			for piece := range strings.SplitSeq(">"+block.HTML, "<") { // sanitized HTML has < and > in tags only
				_, text, _ := strings.Cut(piece, ">")
				b.WriteString(text)
			}
		}
	}
	return Dense(html.UnescapeString(b.String()))
}

// Dense returns a text without its white space.
func Dense(s string) string { return strings.Join(strings.Fields(s), "") }
