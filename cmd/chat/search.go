package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) searchCommand() *cli.Command {
	return &cli.Command{
		Name: "search", Usage: "find conversations by what was said in them", ArgsUsage: "WORDS…",
		Description: `Finds the conversations that have all the words, in the title or in messages, newest
first, and shows a line that has most of them. Upper and lower case are the same.
Nothing found is no error.

Examples:
  chat search lock order
  chat search -n 5 "run queue"
  chat show $(chat search -q -n 1 zebra)`,
		Flags:  []cli.Flag{limitFlag(), jsonFlag("the conversations")},
		Action: p.search,
	}
}

func (p *program) search(c *cli.Context) error {
	limit, err := numberIn(c, "limit", 1, maxListed)
	if err != nil {
		return err
	}
	words := strings.Fields(strings.Join(c.Args().Slice(), " "))
	if len(words) == 0 {
		return chat.Errorf(chat.CodeInvalid, "search takes words to look for (`chat ls` lists all conversations)")
	}
	if p.nothingYet(c) {
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
		return p.printFound(c, withDefaults(ctx, cl, list), matches)
	})
}

func (p *program) printFound(c *cli.Context, list []listedConversation, matches []chat.Match) error {
	switch {
	case c.Bool("json"), p.quiet:
		return p.printConversations(c, list)
	case len(list) == 0:
		p.infof("nothing is found")
		return nil
	}
	columns := []column{{head: "ID"}, {head: "UPDATED", drop: 1}, {head: "TITLE", least: 12}, {head: "MATCH", least: 12, drop: 2}}
	var rows [][]string
	for i, conv := range list {
		rows = append(rows, []string{short(conv.ID), age(conv.UpdatedAt), conv.Title, matches[i].Snippet})
	}
	return table(p.out, columns, rows)
}
