// Package completion completes the words of a command line for a shell.
package completion

import (
	"cmp"
	"context"
	"embed"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/connect"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// filesDirective makes the shell complete file names itself.
const filesDirective = ":files"

// Completer completes the words of a command line.
type Completer struct {
	*connect.Connector
	app *cli.App
}

// New returns a completer for the commands of app.
func New(server *connect.Connector, app *cli.App) *Completer { return &Completer{server, app} }

// candidate is a completion with its description.
type candidate struct{ Text, About string }

// Complete returns the candidates for the last of words. It omits what it cannot find
// out, because a completion cannot report errors.
func (p *Completer) Complete(ctx context.Context, words []string) []candidate {
	before, typed := words[:len(words)-1], words[len(words)-1]
	at := locate(p.app, before)
	if at.closed {
		return nil
	}
	var all []candidate
	switch name, _, given := strings.Cut(typed, "="); {
	case at.wants != "":
		all = p.values(ctx, at, at.wants)
	case given && strings.HasPrefix(name, "-"):
		spec, known := at.table[strings.TrimLeft(name, "-")]
		if !known {
			return nil
		}
		all = p.values(ctx, at, spec.Name)
		if !isFiles(all) {
			for i := range all {
				all[i].Text = name + "=" + all[i].Text
			}
		}
	case strings.HasPrefix(typed, "-"):
		all = at.flags()
	default:
		all = p.arguments(ctx, at)
	}
	if isFiles(all) {
		return all
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.Text, typed) })
}

func isFiles(all []candidate) bool { return len(all) == 1 && all[0].Text == filesDirective }

// wordContext describes the place of a word on a command line.
type wordContext struct {
	path     []string // the names of the command; empty without one
	command  *cli.Command
	commands []*cli.Command // the possible subcommands
	list     []cli.Flag
	table    arguments.FlagTable
	args     []string // the arguments so far
	wants    string   // the flag whose value the word is, or ""
	host     string   // the value of --host, or ""
	closed   bool     // after "--"
}

// locate parses the words before the current one, as Reorder does.
func locate(app *cli.App, before []string) wordContext {
	at := wordContext{commands: app.Commands, list: app.Flags}
	at.table = arguments.TableOf(at.list, arguments.CommonFlags())
	rest := before
	for {
		words := arguments.Split(rest, at.table, false)
		at.args, at.closed = words.Positional, slices.Contains(rest, "--")
		for _, f := range words.Flags {
			if host, ok := strings.CutPrefix(f, "--host="); ok {
				at.host = host
			}
		}
		if len(words.Positional) == 0 || at.closed {
			break
		}
		c := arguments.FindCommand(at.commands, words.Positional[0])
		if c == nil {
			break
		}
		rest = arguments.Without(rest, words.Indexes[0])
		at.path, at.command, at.commands, at.list = append(at.path, c.Name), c, c.Subcommands, c.Flags
		at.table = arguments.TableOf(c.Flags, arguments.CommonFlags())
	}
	if len(at.args) > 0 && at.command == nil {
		at.commands = nil // it is a prompt
	}
	if len(before) > 0 {
		lastWord := before[len(before)-1]
		spec, known := at.table[strings.TrimLeft(lastWord, "-")]
		if known && strings.HasPrefix(lastWord, "-") && lastWord != "-" && spec.TakesValue() {
			at.wants = spec.Name
		}
	}
	return at
}

// flags returns the long flags of the command.
func (at wordContext) flags() []candidate {
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

// withoutAbout returns candidates without descriptions.
func withoutAbout(words ...string) []candidate {
	var all []candidate
	for _, w := range words {
		all = append(all, candidate{Text: w})
	}
	return all
}

// values returns the candidates for the value of a flag.
func (p *Completer) values(ctx context.Context, at wordContext, flag string) []candidate {
	switch flag {
	case "model":
		return p.fromServer(ctx, at.host, modelNames)
	case "conversation", "resume":
		return p.fromServer(ctx, at.host, conversationIDs)
	case "role":
		return p.roleNames()
	case "file", "output", "schema":
		return withoutAbout(filesDirective)
	case "format":
		return withoutAbout("json", "md")
	case "priority":
		return withoutAbout("urgent", "normal", "background")
	case "color":
		return withoutAbout("auto", "always", "never")
	case "reasoning":
		return withoutAbout("hide", "show", "only")
	case "effort":
		return withoutAbout(chat.Efforts()...)
	case "extract":
		return withoutAbout("first", "last")
	case "host":
		return withoutAbout("unix:///", "http://", "https://")
	}
	return nil
}

// arguments returns the candidates for an argument.
func (p *Completer) arguments(ctx context.Context, at wordContext) []candidate {
	var all []candidate
	for _, sub := range at.commands {
		if !sub.Hidden && len(at.args) == 0 {
			all = append(all, candidate{sub.Name, sub.Usage})
		}
	}
	switch strings.Join(at.path, " ") {
	case "attach":
		return p.fromServer(ctx, at.host, taskIDs)
	case "stop", "wait":
		return p.fromServer(ctx, at.host, activeIDs)
	case "config get", "config set":
		return p.settings(at)
	case "show", "rm", "export", "fork", "rename", "edit", "compact":
		if len(at.args) > 0 && at.path[0] != "rm" && at.path[0] != "export" {
			return nil
		}
		return p.fromServer(ctx, at.host, conversationIDs)
	case "retry", "continue":
		if len(at.args) > 0 {
			return nil
		}
		return p.fromServer(ctx, at.host, taskIDs)
	case "import":
		return withoutAbout(filesDirective)
	case "roles":
		return p.roleNames()
	case "help":
		inner := locate(p.app, at.args)
		all = p.arguments(ctx, wordContext{commands: inner.commands})
		if len(at.args) == 0 {
			all = append(all, candidate{"exit-codes", "what the exit codes mean"}, candidate{"keys", "the screen's actions and their keys"})
		}
		return all
	case "completion":
		return withoutAbout(Shells()...)
	}
	return all
}

// settings returns the names of the settings, or the values of the theme.
func (p *Completer) settings(at wordContext) []candidate {
	var all []candidate
	switch {
	case len(at.args) == 0:
		for _, s := range settings.All() {
			all = append(all, candidate{settings.Key(s.Name), s.Usage})
		}
	case len(at.args) == 1 && at.path[1] == "set" && at.args[0] == settings.ThemeKey:
		return withoutAbout(theme.Names()...)
	}
	return all
}

// completeTimeout limits how long a completion waits for the server.
const completeTimeout = time.Second

// fromServer returns candidates from a running server.
func (p *Completer) fromServer(ctx context.Context, host string, ask func(context.Context, *client.Client) ([]candidate, error)) []candidate {
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	at, err := p.findServer(ctx, host)
	if err != nil {
		return nil // as Complete explains
	}
	own, err := p.ClientOptions()
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

// findServer returns the endpoint of the server that host or CHAT_HOST names, or of the
// local daemon. It never starts a daemon.
func (p *Completer) findServer(ctx context.Context, host string) (client.Endpoint, error) {
	if host = cmp.Or(host, p.Env("CHAT_HOST")); host != "" {
		return connect.ParseHost(host, p.Env("CHAT_TOKEN"))
	}
	s, err := p.Starter()
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
	list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Limit: ids.MaxListed})
	all := []candidate{{ids.Last, "the newest conversation"}}
	for _, conv := range list {
		all = append(all, candidate{ids.Short(conv.ID), sanitize.Line(conv.Title)})
	}
	return all, err
}

func taskIDs(ctx context.Context, cl *client.Client) ([]candidate, error) {
	return listTasks(ctx, cl, chat.TaskQuery{Limit: ids.MaxListed})
}

// activeIDs returns the tasks that have not ended.
func activeIDs(ctx context.Context, cl *client.Client) ([]candidate, error) {
	return listTasks(ctx, cl, chat.TaskQuery{States: []chat.TaskState{client.StateActive}, Limit: ids.MaxListed})
}

func listTasks(ctx context.Context, cl *client.Client, q chat.TaskQuery) ([]candidate, error) {
	tasks, err := cl.Tasks(ctx, q)
	all := []candidate{{ids.Last, "the newest task"}}
	for _, t := range tasks {
		all = append(all, candidate{ids.Short(t.ID), string(t.State) + ", " + output.Age(t.CreatedAt)})
	}
	return all, err
}

//go:embed scripts
var completionScripts embed.FS

func Shells() []string { return []string{"bash", "zsh", "fish"} }

// roleNames returns the candidates for --role.
func (p *Completer) roleNames() []candidate {
	roles, _, _, err := settings.Roles(p.Lookup)
	if err != nil {
		return nil // a completion cannot report errors
	}
	var all []candidate
	for _, r := range roles {
		all = append(all, candidate{sanitize.Line(r.Name), sanitize.Line(output.FirstLine(r.System))})
	}
	return all
}

// Script returns the completion script of a shell.
func Script(shell string) ([]byte, error) { return completionScripts.ReadFile("scripts/chat." + shell) }
