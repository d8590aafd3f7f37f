package plain

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chat"
	"chat/internal/term/citation"
	"chat/internal/term/sanitize"
)

// table lists the commands.
var table = []struct{ name, args, what string }{ //nolint:gochecknoglobals // constant
	{"help", "", "lists these commands"},
	{"new", "", "begins a new conversation"},
	{"list", "WORDS", "lists the newest conversations, or those that hold the words"},
	{"open", "NUMBER", "opens a conversation of that list"},
	{"read", "", "reads the last answer again"},
	{"continue", "", "continues the last answer, if it was cut"},
	{"models", "", "lists the models"},
	{"model", "NAME", "switches to a model"},
	{"set", "PARAMETER VALUE", "sets a parameter of the conversation, such as temperature 0.2; without a value, clears it"},
	{"stop", "", "stops the answer that is being made"},
	{"quit", "", "leaves; a running answer continues"},
}

// slip matches one word after a slash: an unknown command rather than a message.
var slip = regexp.MustCompile(`^/[a-z]+$`)

// command parses a line as a command. A line that begins with a slash but names no
// command is a message, such as a path, unless it is a slip.
func command(line string) (name, args string, ok bool) {
	rest, slash := strings.CutPrefix(strings.TrimSpace(line), "/")
	name, args, _ = strings.Cut(rest, " ")
	for _, c := range table {
		if slash && c.name == name {
			return name, strings.TrimSpace(args), true
		}
	}
	return "", "", false
}

func (t *talk) sayNoCommand(line string) {
	t.say("There is no command %s: enter /help for the list. With a space in front it is sent as a message.", line)
}

func (t *talk) do(ctx context.Context, name, args string) error {
	switch name {
	case "help":
		for _, c := range table {
			t.say("%s %s.", strings.TrimSpace("/"+c.name+" "+c.args), c.what)
		}
		t.say("A line that ends with a backslash continues on the next line. @ and the path of a file attach it.")
	case "new":
		t.conversation = ""
		t.kept, t.parameters = nil, t.initial
		t.last.Reset()
		t.say("This is a new conversation.")
	case "list":
		return t.list(ctx, args)
	case "open":
		n, err := strconv.Atoi(args)
		if err != nil || n < 1 || n > len(t.listed) {
			t.say("Enter /list first, and then /open and a number of that list.")
			return nil //nolint:nilerr // said to the user
		}
		t.parameters = nil
		return t.open(ctx, t.listed[n-1].ID)
	case "read":
		if t.last.Len() == 0 {
			t.say("There is no answer yet.")
			return nil
		}
		t.say("%s", t.last.String())
	case "continue":
		return t.continueAnswer(ctx)
	case "models":
		return t.models(ctx)
	case "model":
		t.model = args
		t.say("The next messages go to %s.", orDefault(args))
	case "set":
		return t.set(ctx, args)
	case "stop":
		t.say("No answer is being made.")
	case "quit":
		return errLeave
	}
	return nil
}

func orDefault(model string) string {
	if model == "" {
		return "the default model"
	}
	return model
}

// listedAtOnce is how many conversations one list has.
const listedAtOnce = 10

func (t *talk) list(ctx context.Context, search string) error {
	list, err := t.backend.Conversations(ctx, search)
	if err != nil {
		return t.reportError(ctx, "The conversations cannot be listed", err)
	}
	t.listed = list[:min(len(list), listedAtOnce)]
	if len(t.listed) == 0 {
		t.say("There is no such conversation.")
		return nil
	}
	for i, c := range t.listed {
		title := sanitize.Line(c.Title)
		if title == "" {
			title = "without a title"
		}
		t.say("%d: %s.", i+1, title)
	}
	t.say("Enter /open and a number to open one.")
	return nil
}

// open opens a conversation: it reads the last answer, and follows it if it is
// still running.
func (t *talk) open(ctx context.Context, id string) error {
	c, messages, err := t.backend.Messages(ctx, id)
	if err != nil {
		return t.reportError(ctx, "The conversation cannot be opened", err)
	}
	t.conversation, t.kept = c.ID, c.Parameters
	t.last.Reset()
	t.say("The conversation is %s. It has %s.", strconv.Quote(sanitize.Line(c.Title)), count(len(messages), "message"))
	for i := len(messages) - 1; i >= 0; i-- {
		m := messages[i]
		if m.Role != chat.RoleAssistant {
			continue
		}
		if m.State != "" && !m.State.Terminal() {
			return t.follow(ctx, m.TaskID)
		}
		t.last.WriteString(citation.String(sanitize.String(m.Content)))
		t.say("The last answer was:\n%s", t.last.String())
		return nil
	}
	return nil
}

// parameterKeeper is a Backend that can replace the parameters of a conversation.
type parameterKeeper interface {
	SetParameters(ctx context.Context, conversationID string, p *chat.Parameters) error
}

// set sets a parameter of the conversation, or clears it.
func (t *talk) set(ctx context.Context, args string) error {
	name, value, _ := strings.Cut(args, " ")
	name = strings.ReplaceAll(name, "-", "_")
	changed := chat.Parameters{}
	if p := t.parameters.Over(t.kept); p != nil {
		changed = *p
	}
	if value = strings.TrimSpace(value); value == "" && slices.Contains(chat.ParameterNames(), name) {
		changed.Clear(name)
	} else if problem := changed.Set(name, value); problem != "" {
		t.say("%q %s.", name, problem)
		return nil
	}
	if keeper, ok := t.backend.(parameterKeeper); ok && t.conversation != "" {
		if err := keeper.SetParameters(ctx, t.conversation, changed.Lasting()); err != nil {
			return t.reportError(ctx, "The parameters were not changed", err)
		}
		t.kept, t.parameters = changed.Lasting(), nil
	} else {
		t.parameters = changed.Lasting()
	}
	t.say("The parameters are: %s.", cmp.Or(changed.String(), "none"))
	return nil
}

func (t *talk) models(ctx context.Context) error {
	list, err := t.backend.Models(ctx)
	if err != nil {
		return t.reportError(ctx, "The models cannot be listed", err)
	}
	for _, m := range list {
		note := ""
		if m.Default {
			note = ", the default"
		}
		t.say("%s, of %s%s.", m.ID, m.Provider, note)
	}
	return nil
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
