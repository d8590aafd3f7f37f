package main

import (
	"context"
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

CACHED and WRITTEN are the parts of PROMPT that a provider read from its cache and wrote to
it, and REASONING is a part of COMPLETION. They are shown if a provider reports them. Without
a price of their own, cached tokens cost as much as others.

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
			counts[i].SetCost(config.Models.Info(counts[i].Model).Or(prices[counts[i].Model]))
		}
		return p.printUsage(c, since, counts)
	})
}

func (p *program) printUsage(c *cli.Context, since time.Time, counts []listing.ModelUsage) error {
	total := listing.ModelUsage{ModelUsage: chat.ModelUsage{Model: "total"}}
	for _, u := range counts {
		total.Add(u)
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
	columns, rows := listing.Usage(counts, total)
	return output.WriteTable(p.Out, columns, rows)
}
