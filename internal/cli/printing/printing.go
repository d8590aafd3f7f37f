// Package printing prints a conversation as Markdown.
package printing

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/term"

	"chat"
	"chat/internal/cli/codeblock"
	"chat/internal/cli/ids"
	"chat/internal/cli/listing"
	"chat/internal/cli/output"
	"chat/internal/report"
	"chat/internal/term/markdown/contain"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
	"chat/internal/thread"
)

// heading returns the heading of a message.
func heading(m chat.Message, tree *thread.Tree, o Options) string {
	head, model := string(m.Role), m.Model
	if listing.LacksModel(m) {
		model = o.DefaultModel
	}
	if model != "" {
		head += " · " + model
	}
	head += " · " + m.CreatedAt.Local().Format("2006-01-02 15:04")
	if siblings, at := tree.Siblings(m.ID); len(siblings) > 1 {
		head += fmt.Sprintf(" · ‹%d/%d›", at+1, len(siblings))
	}
	if own := m.Parameters.String(); own != "" && own != o.inherited {
		head += " · " + own
	}
	if m.State != "" && m.State != chat.TaskDone {
		head += fmt.Sprintf(" · %s (chat attach %s)", cmp.Or(m.Waiting.String(), string(m.State)), ids.Short(m.TaskID))
	}
	if o.IDs {
		head += " · " + ids.Short(m.ID)
	}
	return sanitize.Line(head)
}

func printMessage(p *output.Console, m chat.Message, head string, o Options) error {
	asWritten := func(text string) string { return text }
	if m.Role == chat.RoleUser { // text after an image starts with an empty line
		asWritten = trimEmptyLines
	}
	text, problem := m.AllParts().Show(asWritten, quoteLine), m.Shortfall()
	if m.Error != nil {
		problem = m.Error.Message
	}
	if problem != "" && !o.Part && m.Continuable() == nil {
		problem += " (chat continue " + ids.Short(m.TaskID) + ")"
	}
	if problem != "" {
		problem = "[" + sanitize.Line(problem) + "]"
	}
	if o.Part {
		head, problem = contain.Literal(head), contain.Literal(problem)
		text = documentText(m.AllParts(), o.Attachments)
	}
	if _, err := fmt.Fprintf(p.Out, "\n## %s\n\n", head); err != nil {
		return err
	}
	if err := p.PrintText(text, o.Raw); err != nil {
		return err
	}
	if problem != "" {
		if strings.TrimSpace(text) != "" {
			problem = "\n" + problem // a paragraph of its own
		}
		if _, err := fmt.Fprintln(p.Out, problem); err != nil {
			return err
		}
	}
	below := m.Notices
	if o.Tokens && m.Usage != nil {
		below = append(slices.Clip(below), output.Tokens(*m.Usage))
	}
	return printNotices(p, below, o)
}

// quoteLine returns a note about a message as a quotation.
func quoteLine(line string) string { return "> " + sanitize.Line(line) }

// printNotices prints the notices of an answer as quotations.
func printNotices(p *output.Console, notices []string, o Options) error {
	sgr := ""
	if term.IsTerminal(p.Out.Fd()) && p.Colors(p.Out.Fd()) != output.NoColor {
		sgr = "2"
	}
	for _, notice := range notices {
		line := sanitize.Line(notice)
		if o.Part {
			line = contain.Literal(line)
		}
		if _, err := fmt.Fprintf(p.Out, "\n%s\n", theme.Paint("> "+line, sgr)); err != nil {
			return err
		}
	}
	return nil
}

// trimEmptyLines removes empty lines around a text.
func trimEmptyLines(text string) string { return strings.Trim(text, "\n") }

// documentText returns a message for a Markdown document: its text, its text files as code
// blocks, and a line for each other part.
func documentText(parts chat.Parts, attachments []chat.Attachment) string {
	files := map[string]string{}
	for _, a := range attachments {
		if a.MediaType == chat.TextType {
			files[a.Digest] = string(a.Data)
		}
	}
	var pieces []string
	for i := range parts {
		piece := parts[i:i+1].Show(func(text string) string { return contain.Markdown(trimEmptyLines(text)) }, func(line string) string { return quoteLine(contain.Literal(line)) })
		if text, ok := files[parts[i].Digest]; ok && parts[i].Type == chat.PartFile {
			piece = contain.Literal(sanitize.Line(parts[i].Name)) + ":\n\n" + codeblock.Fence("", text)
		}
		if piece != "" {
			pieces = append(pieces, piece)
		}
	}
	return strings.Join(pieces, "\n\n")
}

// Options says how a conversation is printed.
type Options struct {
	Raw bool // without formatting
	// Part contains each message in a Markdown document, so that its markup cannot affect
	// the rest.
	Part bool
	All  bool // all branches, not only the newest
	IDs  bool // also print the ids of messages
	// Tokens also prints the tokens of answers.
	Tokens bool
	// Task selects the branch of a task instead of the newest branch.
	Task string
	// Attachments, with their data, are those of the messages. Part needs them.
	Attachments []chat.Attachment
	// Use, if not nil, is how full the context is, and which messages a summary stands for.
	Use *report.ContextUse
	// DefaultModel is the model of messages that do not name one yet.
	DefaultModel string

	inherited string // the parameters of the conversation
}

// Conversation prints a conversation and returns the number of messages that it left out.
func Conversation(p *output.Console, conv chat.Conversation, messages []chat.Message, o Options) (left int, err error) {
	title, system := sanitize.Line(conv.Title), conv.System
	if o.Part {
		title, system = contain.Literal(title), contain.Markdown(system)
	}
	if title != "" {
		if _, err := fmt.Fprintf(p.Out, "# %s\n", title); err != nil {
			return 0, err
		}
	}
	if o.inherited = conv.Parameters.String(); o.inherited != "" {
		line := sanitize.Line(o.inherited)
		if o.Part {
			line = contain.Literal(line)
		}
		if _, err := fmt.Fprintf(p.Out, "\nParameters: %s\n", line); err != nil {
			return 0, err
		}
	}
	if err := printUse(p, o.Use); err != nil {
		return 0, err
	}
	if conv.System != "" {
		text := "\n> " + strings.ReplaceAll(system, "\n", "\n> ") + "\n"
		if term.IsTerminal(p.Out.Fd()) {
			text = sanitize.String(text)
		}
		if _, err := io.WriteString(p.Out, text); err != nil {
			return 0, err
		}
	}
	tree := thread.New(messages)
	shown := messages
	if !o.All {
		shown = tree.Path(choicesToTask(o.Task, messages, tree))
	}
	for _, m := range shown {
		if err := printMessage(p, m, heading(m, tree, o), o); err != nil {
			return 0, err
		}
		if err := printSummaryEnd(p, m, o.Use); err != nil {
			return 0, err
		}
	}
	return len(messages) - len(shown), nil
}

// choicesToTask returns the children to choose on the path to the answer of a task.
func choicesToTask(task string, messages []chat.Message, tree *thread.Tree) map[string]string {
	choices := map[string]string{}
	for _, m := range messages {
		if task == "" || m.TaskID == "" || !ids.Matches(m.TaskID, task) {
			continue
		}
		for id := m.ID; id != ""; id = tree.Parent(id) {
			choices[tree.Parent(id)] = id
		}
	}
	return choices
}
