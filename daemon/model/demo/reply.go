package demo

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"chat/daemon/model"
)

// output is the text of an answer.
type output struct{ reasoning, content string }

// maxCount is how far the demo counts.
const maxCount = 10000

var (
	countTo = regexp.MustCompile(`(?i)\bcount\s+(?:up\s+)?to\s+(\d[\d_,.]*)`)
	askLong = regexp.MustCompile(`(?i)\b(long|longer|tour)\b`)
)

// reply answers the last message of a user.
func reply(messages []message) output {
	last, n, images, system := "", 0, 0, false
	for _, m := range messages {
		switch m.Role {
		case "user":
			last, n, images = m.Content, n+1, m.Images
		case "system":
			system = true
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The message has %s", plural(utf8.RuneCountInString(last), "character", "characters"))
	if images > 0 {
		fmt.Fprintf(&b, " and %s, which I cannot see", plural(images, "image", "images"))
	}
	if n > 1 {
		fmt.Fprintf(&b, " and is number %d of this conversation", n)
	}
	b.WriteString(". I am the built-in demo, not a model, so there is nothing I could work out about it. ")
	if system {
		b.WriteString("There is a system prompt too, which a real model would follow. ")
	}
	if m := countTo.FindStringSubmatch(last); m != nil {
		b.WriteString("It asks me to count, and that I can do.")
		return output{b.String(), count(m[1])}
	}
	if askLong.MatchString(last) {
		b.WriteString("It asks for something long: the tour, then, which leaves time to disconnect.")
		return output{b.String(), opening(last, n) + tour + setup}
	}
	b.WriteString("I will say so, show what an answer looks like, and name a few things to try.")
	if n > 1 {
		return output{b.String(), opening(last, n) + next(n) + setup}
	}
	return output{b.String(), opening(last, n) + tryThis + setup}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// opening says what this is and what was asked.
func opening(last string, n int) string {
	which := "You wrote"
	if n > 1 {
		which = fmt.Sprintf("This is message %d of our conversation. You wrote", n)
	}
	return "**This is chat's built-in demo, not an AI model.** It cannot answer questions, " +
		"but it streams like a model does.\n\n" + which + ":\n\n> " + quote(last) + "\n\n"
}

// maxQuote bounds what is quoted of the user's message, in characters.
const maxQuote = 80

// quote returns the beginning of s on one line, as plain text for Markdown.
func quote(s string) string {
	if s = model.OneLine(s, maxQuote); s == "" {
		return "(nothing)"
	}
	return markdown.Replace(s)
}

var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "<", `\<`, "#", `\#`, "|", `\|`) //nolint:gochecknoglobals // a constant in all but type

// count counts to what was asked for, ten numbers a line.
func count(asked string) string {
	to, err := strconv.Atoi(strings.NewReplacer(",", "", ".", "", "_", "").Replace(asked))
	var b strings.Builder
	b.WriteString("This is chat's built-in demo, not an AI model, but it can count.")
	if err != nil || to > maxCount {
		to = maxCount
		fmt.Fprintf(&b, " %d is as far as it goes.", maxCount)
	}
	b.WriteString(" Close the terminal whenever you like: `chat attach last` continues where you left off.\n\n")
	for i := 1; i <= to; i++ {
		b.WriteString(strconv.Itoa(i))
		switch {
		case i == to:
		case i%10 == 0:
			b.WriteString("\n\n")
		default:
			b.WriteString(" ")
		}
	}
	fmt.Fprintf(&b, "\n\nThat was %s.\n", plural(to, "number", "numbers"))
	return b.String()
}

// next varies the advice from message to message.
func next(n int) string {
	advice := []string{
		"Since the whole conversation is sent along each time, a real model would know the earlier messages. " +
			"Try `chat -c` to continue this conversation later, or `chat fork` to try another direction.",
		"Try something that takes a while: send `count to 2000`, close the terminal in the middle, " +
			"open another one and type `chat attach last`.",
		"Try it from a script: `chat send -d \"a long tour, please\"` prints a task id and returns immediately; " +
			"`chat wait` waits for it, and its exit code says how it ended.",
		"Try several at the same time: send a few with `chat send -d`, watch them with `chat ps`, and end one with `chat stop`.",
	}
	return advice[(n-2)%len(advice)] + "\n\n```sh\nchat send -d \"count to 500\"\nchat ps\nchat attach last\n```\n\n"
}

// tokens cuts s into pieces of the size that models use: words with the space before them,
// long words in parts. Joined, they are s.
func tokens(s string) []string {
	const longest = 8
	var out []string
	from, runes := 0, 0
	for i, r := range s {
		space := r == ' ' || r == '\n'
		if i > from && (space && !isSpace(s[i-1]) || runes >= longest) {
			out = append(out, s[from:i])
			from, runes = i, 0
		}
		runes++
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' }
