package faults

import (
	"context"
	"errors"
	"strings"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// lieCase is one defect of a provider, and the expected result.
type lieCase struct {
	directive string
	want      history.Want
}

// providerRows are defects of providers; each row is one kind of them.
func providerRows() []Row {
	limits := func(w *World) {
		w.Env = append(w.Env, "CHATD_HEADERS_TIMEOUT=1s", "CHATD_FIRST_TOKEN_TIMEOUT=1500ms", "CHATD_TOKEN_TIMEOUT=1200ms", "CHATD_DEADLINE=4s")
	}
	rows := []Row{
		lies("refusals", true, refusals()), lies("rate-limits-and-errors", true, hiccups()), lies("cuts", true, cuts()),
		lies("wire", true, wire()), lies("errors-inside-a-stream", false, inside()), lies("sizes", false, sizes()),
	}
	timeouts := lies("time-limits", true, timeouts())
	timeouts.Setup = limits
	rows = append(rows, timeouts,
		Row{Name: "provider/refused", On: both(), Fault: func(ctx context.Context, w *World) error {
			return w.during(ctx, w.Chance.Between(500*time.Millisecond, 1500*time.Millisecond), providerEdges, func(e *world.Edge) error { e.Cut(); return nil })
		}, Allow: judge.Allow{Unfinished: true}},
		Row{Name: "provider/reset", On: both(), Allow: judge.Allow{Unfinished: true}, Fault: func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 2, time.Second, func() error { return w.each(providerEdges, func(e *world.Edge) error { return e.Reset() }) })
		}},
		// Repairing cuts the connections, with the data of complete answers that a
		// slow proxy still holds.
		Row{Name: "provider/slow-and-sliced", On: both(), Allow: judge.Allow{Repurchase: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			return w.during(ctx, 4*time.Second, providerEdges, func(e *world.Edge) error {
				return errors.Join(e.Delay(80*time.Millisecond, 60*time.Millisecond), e.Slice(7))
			})
		}},
		// Longer than every lease, heartbeat and half a dozen sweeps; -long 40m makes it longer than most.
		Row{Name: "provider/long-answer", On: both(), Alone: true, Load: func(l *load.Load) {
			l.Asks, l.Cancels, l.Chains, l.Pace = 4, 0, 0, 250*time.Millisecond
			tokens := int(l.Long / l.Pace)
			l.Tokens, l.Timeout = [2]int{tokens, tokens}, l.Timeout+l.Long
		}},
	)
	return rows
}

func providerEdges(w *World) []*world.Edge {
	return ofNodes(w, func(n *world.Node) *world.Edge { return n.Provider })
}

// lies sends a message three times for each case, and messages with honest answers.
func lies(name string, core bool, cases []lieCase) Row {
	return Row{Name: "provider/" + name, On: both(), Core: core, Load: func(l *load.Load) {
		l.Asks, l.Every, l.Chains, l.Cancels, l.Drops = 3*len(cases)+4, 60*time.Millisecond, 0, 0, 0
		l.Tokens, l.Pace = [2]int{20, 60}, 10*time.Millisecond
		l.Direct = func(i int, _ world.Chance) (string, history.Want) {
			if i >= 3*len(cases) {
				return "", history.Want{}
			}
			k := cases[i%len(cases)]
			return k.directive, k.want
		}
	}}
}

func failed(code chat.Code, calls int) history.Want {
	return history.Want{State: chat.TaskFailed, Code: code, Calls: calls}
}

func interrupted(code chat.Code) history.Want {
	return history.Want{State: chat.TaskInterrupted, Code: code, Calls: 3}
}

// refusals are never repeated.
func refusals() []lieCase {
	return []lieCase{
		{"status=400", failed(chat.CodeProviderRefused, 1)},
		{"status=401", failed(chat.CodeProviderAuth, 1)},
		{"status=403", failed(chat.CodeProviderAuth, 1)},
		{"status=404", failed(chat.CodeProviderModel, 1)},
		{"status=422", failed(chat.CodeProviderRefused, 1)},
		{"status=429 kind=insufficient_quota", failed(chat.CodeProviderQuota, 1)},
		{"status=401 shape=html", failed(chat.CodeProviderAuth, 1)},
		{"status=400 shape=detail", failed(chat.CodeProviderRefused, 1)},
		{"status=400 shape=empty", failed(chat.CodeProviderRefused, 1)},
	}
}

// hiccups succeed when they are repeated, or end with their code after three
// attempts.
func hiccups() []lieCase {
	return []lieCase{
		{"status=429 fail=1", history.Want{Calls: 2}},
		{"status=429 fail=1 retry=1", history.Want{Calls: 2}},
		{"status=429 fail=1 retry=Mon%2C%2002%20Jan%202006%2015:04:05%20GMT", history.Want{Calls: 2}},
		{"status=429 fail=1 retry=nonsense", history.Want{Calls: 2}},
		{"status=429 fail=1 retry=-5", history.Want{Calls: 2}},
		{"status=500 fail=2", history.Want{Calls: 3}},
		{"status=503 fail=1 retry=1", history.Want{Calls: 2}},
		{"status=408 fail=1", history.Want{Calls: 2}},
		{"status=409 fail=1", history.Want{Calls: 2}},
		{"status=500", failed(chat.CodeProviderServer, 3)},
		{"status=429", failed(chat.CodeProviderRateLimit, 3)},
	}
}

// cuts are streams without a proper end.
func cuts() []lieCase {
	return []lieCase{
		{"cut=7 fail=1", history.Want{Calls: 2}},
		{"abort=7 fail=1", history.Want{Calls: 2}},
		{"rst=7 fail=1", history.Want{Calls: 2}},
		{"rst=0 fail=2", history.Want{Calls: 3}},
		{"nofinish nodone fail=0 cut=9", interrupted(chat.CodeProviderCut)},
		{"abort=5", interrupted(chat.CodeProviderCut)},
		{"rst=5", interrupted(chat.CodeProviderCut)},
		{"nofinish", history.Want{Calls: 1}},
		{"nodone", history.Want{Calls: 1}},
		{"extra=beyond", history.Want{Calls: 1}},
		{"redirect=http://127.0.0.1:1/elsewhere", history.Want{State: chat.TaskFailed, Calls: 3}},
		{"html", history.Want{State: chat.TaskFailed, Code: chat.CodeProviderProtocol, Calls: 3}},
		{"json", history.Want{Calls: 1}},
	}
}

// wire are the valid forms of an answer.
func wire() []lieCase {
	normal := func(calls []modeltest.Call) string { return chat.NormalizeText(calls[len(calls)-1].Sent) }
	return []lieCase{
		{"eol=cr", history.Want{Calls: 1}},
		{"eol=crlf", history.Want{Calls: 1}},
		{"bom", history.Want{Calls: 1}},
		{"comments=3", history.Want{Calls: 1}},
		{"oneline", history.Want{Calls: 1}},
		{"bytes pace=1ms", history.Want{Calls: 1}},
		{"split", history.Want{Calls: 1}},
		{"surrogates", history.Want{Calls: 1}},
		{"invalid", history.Want{Calls: 1, Text: normal}},
		{"nul", history.Want{Calls: 1, Text: normal}},
		{"text=%0D%0A%E2%80%A8data:%20x%0A%0A%00id:%209%0A%20", history.Want{Calls: 1, Text: normal}},
		{"reasoning=12", history.Want{Calls: 1}},
		{"reasoning=12 names=reasoning", history.Want{Calls: 1}},
		{"reasoning=12 names=both", history.Want{Calls: 1}},
		{"finish=length", history.Want{Calls: 1}},
		{"nousage", history.Want{Calls: 1}},
		{"usage=absurd", history.Want{Calls: 1}},
		{"gzip", history.Want{Calls: 1}},
		{"strict", history.Want{Calls: 2}},
		{"type=text/plain", history.Want{Calls: 1}},
	}
}

// inside are errors in the middle of a stream.
func inside() []lieCase {
	var out []lieCase
	for _, style := range strings.Fields("plain chunk event comment space string") {
		out = append(out, lieCase{"error=6 style=" + style, history.Want{State: chat.TaskInterrupted, Calls: 3}})
	}
	for _, style := range strings.Fields("object typed detail code nested") { // each followed by [DONE]
		out = append(out,
			lieCase{"error=0 style=" + style, history.Want{State: chat.TaskFailed, Calls: 3}},
			lieCase{"error=1 style=" + style, history.Want{State: chat.TaskInterrupted, Calls: 3}},
			lieCase{"error=11 style=" + style, history.Want{State: chat.TaskInterrupted, Calls: 3}})
	}
	return append(out, lieCase{"malformed=6", history.Want{State: chat.TaskInterrupted, Code: chat.CodeProviderProtocol, Calls: 3}})
}

// sizes are answers that are too large, or too small.
func sizes() []lieCase {
	return []lieCase{
		{"huge=10000000", history.Want{State: chat.TaskFailed, Code: chat.CodeAnswerTooLarge, Calls: 1}},
		{"huge=500000", history.Want{Calls: 1}},
		{"endless pace=0s text=" + strings.Repeat("x", 3000), history.Want{State: chat.TaskInterrupted, Code: chat.CodeAnswerTooLarge, Calls: 1}},
		{"bomb gzip", history.Want{State: chat.TaskFailed, Calls: 3}},
		{"empty", failed(chat.CodeProviderEmpty, 3)},
	}
}

// timeouts each have a limit and a code of their own.
func timeouts() []lieCase {
	return []lieCase{
		{"noheaders", failed(chat.CodeProviderHeaders, 3)},
		{"nofirst", failed(chat.CodeProviderFirstToken, 3)},
		{"hang=5", interrupted(chat.CodeProviderIdle)},
		{"noheaders fail=1", history.Want{Calls: 2}},
		{"nofirst fail=1", history.Want{Calls: 2}},
		{"hang=5 fail=1", history.Want{Calls: 2}},
		{"endless pace=20ms", interrupted(chat.CodeDeadline)},
	}
}
