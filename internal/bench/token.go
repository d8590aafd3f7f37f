package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Script describes the provider's answer. It is sent in the prompt.
type Script struct {
	Tokens int
	// Pace is the time between two tokens; 0: as fast as they are taken.
	Pace time.Duration
	// Start is when the pace begins; the first token is sent immediately. Zero: now.
	Start time.Time
	// Words makes the tokens words of English, without times: to measure memory.
	Words bool
}

// prefix marks a prompt that holds a script.
const prefix = "bench:"

// Prompt is the message that asks for the script.
func (s Script) Prompt() string {
	var start int64
	if !s.Start.IsZero() {
		start = s.Start.UnixNano()
	}
	return fmt.Sprintf("%s %d %s %d %t", prefix, s.Tokens, s.Pace, start, s.Words)
}

// parseScript finds the script in a request's body.
func parseScript(body []byte) (s Script, err error) {
	_, rest, ok := bytes.Cut(body, []byte(prefix))
	if !ok {
		return s, fmt.Errorf("the request holds no %q", prefix)
	}
	text, _, _ := strings.Cut(string(rest), `"`)
	var pace string
	var start int64
	if _, err := fmt.Sscan(text, &s.Tokens, &pace, &start, &s.Words); err != nil {
		return s, fmt.Errorf("the script %q: %w", text, err)
	}
	if start != 0 {
		s.Start = time.Unix(0, start)
	}
	s.Pace, err = time.ParseDuration(pace)
	return s, err
}

// appendToken writes token n as of now. Its bytes mean the same in JSON as
// outside, so that a reader needs to decode nothing.
func appendToken(dst []byte, n int, now time.Time) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, now.UnixNano(), 10)
	return append(dst, '>')
}

// tokens calls f for each token in a line, whether the line is JSON whose writer
// escapes < and > (as encoding/json does) or not.
func tokens(line []byte, f func(n int, emitted int64)) {
	for {
		i := bytes.IndexByte(line, '<')
		size := 1
		if e := bytes.Index(line, []byte(`\u003c`)); e >= 0 && (i < 0 || e < i) {
			i, size = e, 6
		}
		if i < 0 {
			return
		}
		line = line[i+size:]
		n, rest := number(line)
		if len(rest) == len(line) || len(rest) == 0 || rest[0] != ' ' {
			continue
		}
		emitted, rest := number(rest[1:])
		line = rest
		f(int(n), emitted)
	}
}

func number(b []byte) (n int64, rest []byte) {
	i := 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + int64(b[i]-'0')
	}
	return n, b[i:]
}

// words are what an answer in English is made of, as a tokenizer splits it.
var words = strings.Split("The| schedul|er| keeps| a| queue| per| processor|,| so| a| work|er| that| has| nothing| to| do| looks| at| the| queues| of| others|.| It| takes| half| of| what| it| finds|,| from| the| end| that| the| own|er| does| not| use|.\\n", "|") //nolint:gochecknoglobals // constant
