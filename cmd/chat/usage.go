package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) usageCommand() *cli.Command {
	return &cli.Command{
		Name: "usage", Usage: "count answers, tokens and what they cost", ArgsUsage: noArguments,
		Description: `Counts what the providers have reported, by model. Answers whose provider reports no
tokens are counted as answers only; those of deleted conversations are gone. What they have
cost is told of models whose provider lists prices, or that have them in the config file
(chat config --help).

Examples:
  chat usage
  chat usage --days 1 --json`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "days", Value: 30, Usage: "the last `N` days, 0 for all time"},
			jsonFlag("the counts"),
		},
		Action: p.usage,
	}
}

// modelUsage is what one model has been asked for.
type modelUsage struct {
	chat.ModelUsage
	// CostDollars is by the prices in the config file or of the provider, nil where there are none.
	CostDollars *float64 `json:"cost_dollars,omitempty"`
}

// usageReport is what --json prints.
type usageReport struct {
	Since  *time.Time   `json:"since,omitempty"`
	Models []modelUsage `json:"models"`
	Total  modelUsage   `json:"total"`
}

const maxDays = 36500

func (p *program) usage(c *cli.Context) error {
	days, err := numberIn(c, "days", 0, maxDays)
	if err != nil {
		return err
	}
	var since time.Time
	if days > 0 {
		since = time.Now().AddDate(0, 0, -days).UTC()
	}
	settings, err := p.screenConfig()
	if err != nil {
		return err
	}
	if p.nothingYet(c) {
		return p.printUsage(c, since, nil)
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		models, err := cl.Usage(ctx, since)
		if err != nil {
			return err
		}
		told := p.prices(ctx, cl)
		counts := make([]modelUsage, len(models))
		for i := range counts {
			counts[i].ModelUsage = models[i]
			f := settings.facts(counts[i].Model)
			if f.InputPrice == 0 && f.OutputPrice == 0 {
				f = told[counts[i].Model]
			}
			counts[i].price(f)
		}
		return p.printUsage(c, since, counts)
	})
}

// pricesTimeout is how long the providers' prices are waited for: usage can do
// without.
const pricesTimeout = 2 * time.Second

// prices are what providers tell of their models.
func (p *program) prices(ctx context.Context, cl *client.Client) map[string]chat.ModelInfo {
	ctx, cancel := context.WithTimeout(ctx, pricesTimeout)
	defer cancel()
	list, err := cl.Models(ctx)
	if err != nil {
		p.debugf("no prices: %s", chat.AsError(err).Message)
	}
	told := map[string]chat.ModelInfo{}
	for _, m := range list {
		told[m.ID] = m.ModelInfo
	}
	return told
}

// price says what the tokens have cost, if that is known.
func (u *modelUsage) price(f chat.ModelInfo) {
	if f.InputPrice == 0 && f.OutputPrice == 0 {
		return
	}
	sum := (float64(u.PromptTokens)*f.InputPrice + float64(u.CompletionTokens)*f.OutputPrice) / 1e6
	u.CostDollars = &sum
}

// addCost adds the cost of one model to that of all.
func (u *modelUsage) addCost(other modelUsage) {
	if other.CostDollars == nil {
		return
	}
	sum := *other.CostDollars
	if u.CostDollars != nil {
		sum += *u.CostDollars
	}
	u.CostDollars = &sum
}

func (p *program) printUsage(c *cli.Context, since time.Time, counts []modelUsage) error {
	total := modelUsage{ModelUsage: chat.ModelUsage{Model: "total"}}
	for _, u := range counts {
		total.Answers += u.Answers
		total.Reported += u.Reported
		total.PromptTokens += u.PromptTokens
		total.CompletionTokens += u.CompletionTokens
		total.TotalTokens += u.TotalTokens
		total.addCost(u)
	}
	if c.Bool("json") {
		r := usageReport{Models: counts, Total: total}
		if r.Models == nil {
			r.Models = []modelUsage{}
		}
		if !since.IsZero() {
			r.Since = &since
		}
		return writeJSON(p.out, r)
	}
	if len(counts) == 0 {
		p.infof("nothing has been answered in this time")
		return nil
	}
	columns := []column{{head: "MODEL", least: 8}, {head: "ANSWERS", drop: 2}, {head: "PROMPT", drop: 1}, {head: "COMPLETION", drop: 1}, {head: "TOKENS"}}
	if total.CostDollars != nil {
		columns = append(columns, column{head: "COST"})
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
	return table(p.out, columns, rows)
}
