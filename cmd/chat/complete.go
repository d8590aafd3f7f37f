package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// filesDirective stands for the names of files, which the shell knows better.
const filesDirective = ":files"

// candidate is what a word may be completed to.
type candidate struct{ text, about string }

// complete are the candidates for the last of words. What cannot be found out is
// not offered; a completion has nobody to complain to.
func (p *program) complete(c *cli.Context, words []string) []candidate {
	before, typed := words[:len(words)-1], words[len(words)-1]
	at := locate(c.App, before)
	if at.closed {
		return nil
	}
	var all []candidate
	switch name, _, given := strings.Cut(typed, "="); {
	case at.wants != "":
		all = p.values(c, at, at.wants)
	case given && strings.HasPrefix(name, "-"):
		spec, known := at.table[strings.TrimLeft(name, "-")]
		if !known {
			return nil
		}
		all = p.values(c, at, spec.name)
		if !files(all) {
			for i := range all {
				all[i].text = name + "=" + all[i].text
			}
		}
	case strings.HasPrefix(typed, "-"):
		all = at.flags()
	default:
		all = p.arguments(c, at)
	}
	if files(all) {
		return all
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.text, typed) })
}

func files(all []candidate) bool { return len(all) == 1 && all[0].text == filesDirective }

// spot is where on a command line a word stands.
type spot struct {
	path     []string // the names of the command, none for chat alone
	command  *cli.Command
	commands []*cli.Command // that may follow
	list     []cli.Flag
	table    flagTable
	args     []string // the arguments so far
	wants    string   // the flag whose value it is, "" for none
	host     string   // the value of --host, "" for none
	closed   bool     // behind "--"
}

// locate reads the words before the one that is being typed, as arrange does.
func locate(app *cli.App, before []string) spot {
	at := spot{commands: app.Commands, list: app.Flags}
	at.table = tableOf(at.list, commonFlags())
	rest := before
	for {
		words := split(rest, at.table, false)
		at.args, at.closed = words.positional, slices.Contains(rest, "--")
		for _, f := range words.flags {
			if host, ok := strings.CutPrefix(f, "--host="); ok {
				at.host = host
			}
		}
		if len(words.positional) == 0 || at.closed {
			break
		}
		c := find(at.commands, words.positional[0])
		if c == nil {
			break
		}
		rest = without(rest, words.at[0])
		at.path, at.command, at.commands, at.list = append(at.path, c.Name), c, c.Subcommands, c.Flags
		at.table = tableOf(c.Flags, commonFlags())
	}
	if len(at.args) > 0 && at.command == nil {
		at.commands = nil // it is a prompt
	}
	if len(before) > 0 {
		lastWord := before[len(before)-1]
		spec, known := at.table[strings.TrimLeft(lastWord, "-")]
		if known && strings.HasPrefix(lastWord, "-") && lastWord != "-" && (spec.kind != switchKind || spec.bare != "") {
			at.wants = spec.name
		}
	}
	return at
}

// flags are those of the command, by their long names.
func (at spot) flags() []candidate {
	all := []candidate{{"--help", "show help"}}
	for _, f := range at.list {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		about := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		if name := "--" + f.Names()[0]; name != "--help" {
			all = append(all, candidate{name, sanitize.Line(about)})
		}
	}
	return all
}

// plainly are candidates without a description.
func plainly(words ...string) []candidate {
	var all []candidate
	for _, w := range words {
		all = append(all, candidate{text: w})
	}
	return all
}

// values are what a flag takes.
func (p *program) values(c *cli.Context, at spot, flag string) []candidate {
	switch flag {
	case "model":
		return p.offer(c.Context, at.host, modelNames)
	case "conversation", "resume":
		return p.offer(c.Context, at.host, conversationIDs)
	case "role":
		return p.roleNames()
	case "file", "output":
		return plainly(filesDirective)
	case "format":
		return plainly("json", "md")
	case "priority":
		return plainly("urgent", "normal", "background")
	case "color":
		return plainly("auto", "always", "never")
	case "reasoning":
		return plainly("hide", "show", "only")
	case "extract":
		return plainly("first", "last")
	case "host":
		return plainly("unix:///", "http://", "https://")
	}
	return nil
}

// arguments are what may stand where no flag does.
func (p *program) arguments(c *cli.Context, at spot) []candidate {
	var all []candidate
	for _, sub := range at.commands {
		if !sub.Hidden && len(at.args) == 0 {
			all = append(all, candidate{sub.Name, sub.Usage})
		}
	}
	switch strings.Join(at.path, " ") {
	case "attach":
		return p.offer(c.Context, at.host, taskIDs)
	case "stop", "wait":
		return p.offer(c.Context, at.host, activeIDs)
	case "config get", "config set":
		return p.settings(at)
	case "show", "rm", "export", "fork", "rename", "edit":
		if len(at.args) > 0 && at.path[0] != "rm" && at.path[0] != "export" {
			return nil
		}
		return p.offer(c.Context, at.host, conversationIDs)
	case "retry":
		if len(at.args) > 0 {
			return nil
		}
		return p.offer(c.Context, at.host, taskIDs)
	case "import":
		return plainly(filesDirective)
	case "roles":
		return p.roleNames()
	case "help":
		inner := locate(c.App, at.args)
		all = p.arguments(c, spot{commands: inner.commands})
		if len(at.args) == 0 {
			all = append(all, candidate{"exit-codes", "what the exit codes mean"}, candidate{"keys", "the screen's keys, and what they are called"})
		}
		return all
	case "completion":
		return plainly(shells()...)
	}
	return all
}

// settings are the names of the config file's settings, and of what they can be
// where that is a choice.
func (p *program) settings(at spot) []candidate {
	var all []candidate
	switch {
	case len(at.args) == 0:
		for _, s := range fileSettings() {
			all = append(all, candidate{settingKey(s.Name), s.Usage})
		}
	case len(at.args) == 1 && at.path[1] == "set" && at.args[0] == themeSetting:
		return plainly(theme.Names()...)
	}
	return all
}

// completeTimeout is how long somebody who has pressed tab may wait.
const completeTimeout = time.Second

// offer asks a server that is there already.
func (p *program) offer(ctx context.Context, host string, ask func(context.Context, *client.Client) ([]candidate, error)) []candidate {
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	at, err := p.running(ctx, host)
	if err != nil {
		return nil // see complete
	}
	own, err := p.ownProvider()
	if err != nil {
		return nil
	}
	own.CallTimeout, own.Tries = completeTimeout, 1
	cl := client.New(client.At(at), own)
	defer cl.Close()
	all, err := ask(ctx, cl)
	if err != nil {
		return nil
	}
	return all
}

// running is where the server listens that host or the environment names, or the
// local daemon; it starts none.
func (p *program) running(ctx context.Context, host string) (client.Endpoint, error) {
	if host = cmp.Or(host, p.env("CHAT_HOST")); host != "" {
		return parseHost(host, p.env("CHAT_TOKEN"))
	}
	s, err := p.starter()
	if err != nil {
		return client.Endpoint{}, err
	}
	return s.Find(ctx)
}

func modelNames(ctx context.Context, cl *client.Client) ([]candidate, error) {
	models, err := cl.Models(ctx)
	var all []candidate
	for _, m := range models {
		all = append(all, candidate{sanitize.Line(m.ID), sanitize.Line(m.Provider)})
	}
	return all, err
}

func conversationIDs(ctx context.Context, cl *client.Client) ([]candidate, error) {
	list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Limit: maxListed})
	all := []candidate{{last, "the newest conversation"}}
	for _, conv := range list {
		all = append(all, candidate{short(conv.ID), sanitize.Line(conv.Title)})
	}
	return all, err
}

func taskIDs(ctx context.Context, cl *client.Client) ([]candidate, error) {
	return listTasks(ctx, cl, chat.TaskQuery{Limit: maxListed})
}

// activeIDs are those of tasks that can still be stopped or waited for.
func activeIDs(ctx context.Context, cl *client.Client) ([]candidate, error) {
	return listTasks(ctx, cl, chat.TaskQuery{States: []chat.TaskState{client.StateActive}, Limit: maxListed})
}

func listTasks(ctx context.Context, cl *client.Client, q chat.TaskQuery) ([]candidate, error) {
	tasks, err := cl.Tasks(ctx, q)
	all := []candidate{{last, "the newest task"}}
	for _, t := range tasks {
		all = append(all, candidate{short(t.ID), string(t.State) + ", " + age(t.CreatedAt)})
	}
	return all, err
}
