package main

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

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
	return p.with(c, func(ctx context.Context, cl *client.Client) error {
		list, _, err := cl.Conversations(ctx, chat.ConversationQuery{Search: strings.Join(words, " "), Limit: limit})
		if err != nil {
			return err
		}
		var places []string
		if !c.Bool("json") && !p.quiet {
			if places, err = p.places(ctx, cl, list, words); err != nil {
				return err
			}
		}
		return p.printFound(c, withDefaults(ctx, cl, list), places)
	})
}

// places are the lines that have most of the words, one for each conversation.
func (p *program) places(ctx context.Context, cl *client.Client, list []chat.Conversation, words []string) ([]string, error) {
	places := make([]string, len(list))
	for i, conv := range list {
		messages, err := cl.Messages(ctx, conv.ID)
		if chat.IsCode(err, chat.CodeNotFound) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		best := 0
		for _, m := range messages {
			if line, n := place(chat.WithoutImages(m.Content), words); n > best {
				places[i], best = line, n
			}
		}
	}
	return places, nil
}

// Around a word that was found, so many characters are shown.
const (
	placeBefore = 20
	placeAfter  = 60
)

// place is the part of a line that has most of the words, and how many they are.
func place(text string, words []string) (best string, most int) {
	for line := range strings.Lines(text) {
		runes := []rune(strings.TrimSpace(line))
		// Letter by letter, so that positions stay those of the text as written.
		lower := make([]rune, len(runes))
		for i, r := range runes {
			lower[i] = unicode.ToLower(r)
		}
		folded, first, n := string(lower), len(runes), 0
		for _, word := range words {
			if before, _, found := strings.Cut(folded, strings.ToLower(word)); found {
				n++
				first = min(first, utf8.RuneCountInString(before))
			}
		}
		if n > most {
			best, most = excerpt(runes, first), n
		}
	}
	return best, most
}

func excerpt(line []rune, at int) string {
	from, to := max(0, at-placeBefore), min(len(line), at+placeAfter)
	out := string(line[from:to])
	if from > 0 {
		out = "…" + out
	}
	if to < len(line) {
		out += "…"
	}
	return out
}

func (p *program) printFound(c *cli.Context, list []listedConversation, places []string) error {
	switch {
	case c.Bool("json"), p.quiet:
		return p.printConversations(c, list)
	case len(list) == 0:
		p.note("nothing is found")
		return nil
	}
	columns := []column{{head: "ID"}, {head: "UPDATED", drop: 1}, {head: "TITLE", least: 12}, {head: "MATCH", least: 12, drop: 2}}
	var rows [][]string
	for i, conv := range list {
		rows = append(rows, []string{short(conv.ID), age(conv.UpdatedAt), conv.Title, places[i]})
	}
	return table(p.out, columns, rows)
}
