package printing

import (
	"fmt"

	"chat"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/report"
	"chat/internal/term/sanitize"
)

// Use describes how full the context is: "36,500 of 200,000 tokens, 18 %".
func Use(u report.ContextUse) string {
	if u.Context == 0 {
		return grouped(u.Tokens) + " tokens"
	}
	return fmt.Sprintf("%s of %s tokens, %d %%", grouped(u.Tokens), grouped(u.Context), u.Percent())
}

// grouped formats a number with a comma between thousands.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

// printUse prints how full the context is, if it is known how much there is or a summary is
// used.
func printUse(p *output.Console, u *report.ContextUse) error {
	if u == nil || u.Tokens == 0 || u.Context == 0 && u.Summary == nil {
		return nil
	}
	_, err := fmt.Fprintf(p.Out, "\nContext: %s\n", Use(*u))
	return err
}

// printSummaryEnd marks the end of what a summary stands for.
func printSummaryEnd(p *output.Console, m chat.Message, u *report.ContextUse) error {
	if u == nil || u.Summary == nil || u.Summary.MessageID != m.ID {
		return nil
	}
	task := ids.Short(u.Summary.ID)
	_, err := fmt.Fprintf(p.Out, "\n> The model gets a summary of everything above (chat attach %s prints it, chat compact --undo %s removes it).\n", task, ids.Short(u.ConversationID))
	return err
}

// Sent prints what a model received for an answer, message by message.
func Sent(p *output.Console, s report.SentRequest, raw bool) error {
	head := "# Sent for the task " + ids.Short(s.TaskID)
	if s.Model != "" {
		head += " to " + s.Model
	}
	if _, err := fmt.Fprintln(p.Out, sanitize.Line(head)); err != nil {
		return err
	}
	if own := s.Parameters.String(); own != "" {
		if _, err := fmt.Fprintf(p.Out, "\nParameters: %s\n", sanitize.Line(own)); err != nil {
			return err
		}
	}
	messages := s.Messages
	if s.System != "" {
		messages = append([]chat.Message{{Role: chat.RoleSystem, Parts: chat.TextParts(s.System)}}, messages...)
	}
	for _, m := range messages {
		if _, err := fmt.Fprintf(p.Out, "\n## %s\n\n", m.Role); err != nil {
			return err
		}
		if err := p.PrintText(m.AllParts().Show(func(text string) string { return text }, quoteLine), raw); err != nil {
			return err
		}
	}
	return printNotices(p, s.Notices, Options{})
}
