package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/arguments"
	"chat/internal/cli/listing"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

func (p *program) usageCommand() *cli.Command {
	return &cli.Command{
		Name: "usage", Usage: "count answers, tokens and costs", ArgsUsage: arguments.NoArguments,
		Description: `Counts answers and tokens by model, as reported by the providers. If a provider reports no
tokens, only the answers are counted. Deleted conversations are not counted. Costs are shown
for models with prices, from the provider or from the config file (chat config --help).

Examples:
  chat usage
  chat usage --days 1 --json`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "days", Value: 30, Usage: "count the last `N` days; 0 counts all time"},
			arguments.JSONFlag("the counts"),
		},
		Action: p.usage,
	}
}

// usageReport is the output of --json.
type usageReport struct {
	Since  *time.Time           `json:"since,omitempty"`
	Models []listing.ModelUsage `json:"models"`
	Total  listing.ModelUsage   `json:"total"`
}

const maxDays = 36500

func (p *program) usage(c *cli.Context) error {
	days, err := arguments.IntInRange(c, "days", 0, maxDays)
	if err != nil {
		return err
	}
	var since time.Time
	if days > 0 {
		since = time.Now().AddDate(0, 0, -days).UTC()
	}
	config, err := settings.ReadScreen(p.Lookup)
	if err != nil {
		return err
	}
	if p.storeIsEmpty(c) {
		return p.printUsage(c, since, nil)
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		models, err := cl.Usage(ctx, since)
		if err != nil {
			return err
		}
		prices, err := listing.Prices(ctx, cl)
		if err != nil {
			p.Debugf("no prices: %s", chat.AsError(err).Message)
		}
		counts := make([]listing.ModelUsage, len(models))
		for i := range counts {
			counts[i].ModelUsage = models[i]
			f := config.Models.Info(counts[i].Model)
			if f.InputPrice == 0 && f.OutputPrice == 0 {
				f = prices[counts[i].Model]
			}
			counts[i].SetCost(f)
		}
		return p.printUsage(c, since, counts)
	})
}

func (p *program) printUsage(c *cli.Context, since time.Time, counts []listing.ModelUsage) error {
	total := listing.ModelUsage{ModelUsage: chat.ModelUsage{Model: "total"}}
	for _, u := range counts {
		total.Answers += u.Answers
		total.Reported += u.Reported
		total.PromptTokens += u.PromptTokens
		total.CompletionTokens += u.CompletionTokens
		total.TotalTokens += u.TotalTokens
		total.AddCost(u)
	}
	if c.Bool("json") {
		r := usageReport{Models: counts, Total: total}
		if r.Models == nil {
			r.Models = []listing.ModelUsage{}
		}
		if !since.IsZero() {
			r.Since = &since
		}
		return output.WriteJSON(p.Out, r)
	}
	if len(counts) == 0 {
		p.Infof("there are no answers in this period")
		return nil
	}
	columns := []output.Column{{Head: "MODEL", MinWidth: 8}, {Head: "ANSWERS", DropOrder: 2}, {Head: "PROMPT", DropOrder: 1}, {Head: "COMPLETION", DropOrder: 1}, {Head: "TOKENS"}}
	if total.CostDollars != nil {
		columns = append(columns, output.Column{Head: "COST"})
	}
	var rows [][]string
	for _, u := range append(counts, total) {
		row := []string{u.Model, fmt.Sprint(u.Answers), fmt.Sprint(u.PromptTokens), fmt.Sprint(u.CompletionTokens), fmt.Sprint(u.TotalTokens)}
		switch {
		case u.CostDollars != nil:
			row = append(row, fmt.Sprintf("$%.4f", *u.CostDollars))
		case total.CostDollars != nil:
			row = append(row, "")
		}
		rows = append(rows, row)
	}
	return output.WriteTable(p.Out, columns, rows)
}
