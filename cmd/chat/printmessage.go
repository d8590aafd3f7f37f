package main

import (
	"fmt"
	"slices"
	"strings"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/markdown"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
	"chat/internal/thread"

	"github.com/charmbracelet/x/term"
)

// heading is the line above a message.
func heading(m chat.Message, tree *thread.Tree, o printing) string {
	head, model := string(m.Role), m.Model
	if unnamed(m) {
		model = o.defaultModel
	}
	if model != "" {
		head += " · " + model
	}
	head += " · " + m.CreatedAt.Local().Format("2006-01-02 15:04")
	if siblings, at := tree.Siblings(m.ID); len(siblings) > 1 {
		head += fmt.Sprintf(" · ‹%d/%d›", at+1, len(siblings))
	}
	if m.State != "" && m.State != chat.TaskDone {
		head += fmt.Sprintf(" · %s (chat attach %s)", m.State, short(m.TaskID))
	}
	if o.ids {
		head += " · " + short(m.ID)
	}
	return sanitize.Line(head)
}

func (p *program) printMessage(m chat.Message, head string, o printing) error {
	text, problem := m.AllParts().Show(chat.WithoutImages, quoted), m.Shortfall()
	if m.Error != nil {
		problem = m.Error.Message
	}
	if problem != "" {
		problem = "[" + sanitize.Line(problem) + "]"
	}
	if o.part {
		head, problem = markdown.Literal(head), markdown.Literal(problem)
		text = m.AllParts().Show(partText, func(line string) string { return quoted(markdown.Literal(line)) })
	}
	if _, err := fmt.Fprintf(p.out, "\n## %s\n\n", head); err != nil {
		return err
	}
	if err := p.printText(text, o.raw); err != nil {
		return err
	}
	if problem != "" {
		if strings.TrimSpace(text) != "" {
			problem = "\n" + problem // a paragraph of its own
		}
		if _, err := fmt.Fprintln(p.out, problem); err != nil {
			return err
		}
	}
	return p.printNotices(m.Notices, o)
}

// quoted is a line about a message, between its texts.
func quoted(line string) string { return "> " + sanitize.Line(line) }

// printNotices quotes what an answer was made without.
func (p *program) printNotices(notices []string, o printing) error {
	sgr := ""
	if term.IsTerminal(p.out.Fd()) && p.colors(p.out.Fd()) != noColor {
		sgr = "2"
	}
	for _, notice := range notices {
		line := sanitize.Line(notice)
		if o.part {
			line = markdown.Literal(line)
		}
		if _, err := fmt.Fprintf(p.out, "\n%s\n", theme.Paint("> "+line, sgr)); err != nil {
			return err
		}
	}
	return nil
}

// partText is a message as a part of a document: its words, and the texts of its
// files as code.
func partText(content string) string {
	var parts []string
	for _, part := range attach.Split(content) {
		switch {
		case part.Image:
			parts = append(parts, markdown.Literal(strings.TrimSpace(chat.WithoutImages(part.Source))))
		case part.Name != "":
			parts = append(parts, markdown.Literal(sanitize.Line(part.Name))+":\n\n"+fenced("", part.Text()))
		default:
			parts = append(parts, markdown.Contain(strings.Trim(part.Source, "\n")))
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n\n")
}

func (p *program) printText(text string, raw bool) error {
	var out sink
	switch {
	case !term.IsTerminal(p.out.Fd()):
		out = &replaySafeSink{w: p.out}
	case raw:
		out = &terminalSink{w: p.out}
	default:
		out = p.rendered()
	}
	if err := out.Write(text); err != nil {
		return err
	}
	return out.Close()
}
