package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/listing"
	"chat/internal/cli/output"
)

func (p *program) searchCommand() *cli.Command {
	return &cli.Command{
		Name: "search", Usage: "find conversations by their text", ArgsUsage: "WORDS…",
		Description: `Finds the conversations that contain all the words in the title or in messages, newest first.
For each, shows the line that contains most of the words. Case does not matter. It is not an
error if nothing matches.

Examples:
  chat search lock order
  chat search -n 5 "run queue"
  chat show $(chat search -q -n 1 zebra)`,
		Flags:  []cli.Flag{arguments.LimitFlag(), arguments.JSONFlag("the conversations")},
		Action: p.search,
	}
}

func (p *program) search(c *cli.Context) error {
	limit, err := arguments.IntInRange(c, "limit", 1, ids.MaxListed)
	if err != nil {
		return err
	}
	words := strings.Fields(strings.Join(c.Args().Slice(), " "))
	if len(words) == 0 {
		return chat.Errorf(chat.CodeInvalid, "search takes the words to search for (`chat ls` lists all conversations)")
	}
	if p.storeIsEmpty(c) {
		return p.printFound(c, nil, nil)
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		matches, _, err := cl.Search(ctx, chat.ConversationQuery{Search: strings.Join(words, " "), Limit: limit})
		if err != nil {
			return err
		}
		list := make([]chat.Conversation, len(matches))
		for i := range matches {
			list[i] = matches[i].Conversation
		}
		return p.printFound(c, listing.WithDefaults(ctx, cl, list), matches)
	})
}

func (p *program) printFound(c *cli.Context, list []listing.Conversation, matches []chat.Match) error {
	switch {
	case c.Bool("json"), p.Quiet:
		return listing.PrintConversations(p.Console, list, c.Args().Slice(), c.Bool("json"))
	case len(list) == 0:
		p.Infof("no conversation matches")
		return nil
	}
	columns := []output.Column{{Head: "ID"}, {Head: "UPDATED", DropOrder: 1}, {Head: "TITLE", MinWidth: 12}, {Head: "MATCH", MinWidth: 12, DropOrder: 2}}
	var rows [][]string
	for i, conv := range list {
		rows = append(rows, []string{ids.Short(conv.ID), output.Age(conv.UpdatedAt), conv.Title, matches[i].Snippet})
	}
	return output.WriteTable(p.Out, columns, rows)
}
