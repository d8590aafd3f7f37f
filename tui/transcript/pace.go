package transcript

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// tokens estimates the number of tokens of a text. No provider reports it while it
// streams, or for reasoning at all. Four ASCII characters count as one token, as do
// two others.
func tokens(text string) float64 {
	ascii := 0
	for i := range len(text) {
		if text[i] < utf8.RuneSelf {
			ascii++
		}
	}
	others := utf8.RuneCountInString(text) - ascii
	return float64(ascii)/4 + float64(others)/2
}

// about formats an estimated number of tokens.
func about(n float64) string {
	switch {
	case n >= 10_000:
		return fmt.Sprintf("~%d k tokens", int(n/1000))
	case n >= 1000:
		return fmt.Sprintf("~%.1f k tokens", n/1000)
	}
	return fmt.Sprintf("~%d tokens", int(n+0.5))
}

// pace measures the speed of an answer. It ignores the first frame: a stream that
// is attached later receives its whole text in one piece.
type pace struct {
	began time.Time
	base  float64 // tokens of the first frame
	total float64
}

// minMeasured is how long a pace must be measured before it is shown.
const minMeasured = 2 * time.Second

func (p *pace) add(text string, now time.Time) {
	p.total += tokens(text)
	if p.began.IsZero() {
		p.began = now
	}
	if p.began.Equal(now) {
		p.base = p.total
	}
}

// label returns the pace as text, "" while it is unknown.
func (p *pace) label(now time.Time) string {
	d := now.Sub(p.began)
	if p.began.IsZero() || d < minMeasured || p.total <= p.base {
		return ""
	}
	if rate := int((p.total-p.base)/d.Seconds() + 0.5); rate > 0 {
		return fmt.Sprintf("~%d tok/s", rate)
	}
	return ""
}
