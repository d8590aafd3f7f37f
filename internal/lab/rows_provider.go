package lab

import (
	"context"
	"errors"
	"strings"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
)

// lieCase is one way in which a provider can be wrong, and what must come of it.
type lieCase struct {
	directive string
	want      Want
}

// providerRows are everything that a provider can do; each row is one kind of it.
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
			return w.during(ctx, w.Chance.between(500*time.Millisecond, 1500*time.Millisecond), providerEdge, func(e *Edge) error { e.Cut(); return nil })
		}, Allow: Allow{Unfinished: true}},
		Row{Name: "provider/reset", On: both(), Allow: Allow{Unfinished: true}, Fault: func(ctx context.Context, w *World) error {
			return w.repeat(ctx, 2, time.Second, func() error { return w.each(providerEdge, func(e *Edge) error { return e.Reset() }) })
		}},
		// Mending cuts, with what a slow proxy still holds of answers that were sent whole.
		Row{Name: "provider/slow-and-sliced", On: both(), Allow: Allow{Repurchase: true, RepurchaseFull: true}, Fault: func(ctx context.Context, w *World) error {
			return w.during(ctx, 4*time.Second, providerEdge, func(e *Edge) error { return errors.Join(e.Delay(80*time.Millisecond, 60*time.Millisecond), e.Slice(7)) })
		}},
		// Longer than every lease, heartbeat and half a dozen sweeps; -long 40m makes it longer than most.
		Row{Name: "provider/long-answer", On: both(), Alone: true, Load: func(l *Load) {
			l.Asks, l.Cancels, l.Chains, l.Pace = 4, 0, 0, 250*time.Millisecond
			tokens := int(l.Long / l.Pace)
			l.Tokens, l.Patience = [2]int{tokens, tokens}, l.Patience+l.Long
		}},
	)
	return rows
}

func providerEdge(n *Node) *Edge { return n.Provider }

// lies asks for each case three times, beside honest answers.
func lies(name string, core bool, cases []lieCase) Row {
	return Row{Name: "provider/" + name, On: both(), Core: core, Load: func(l *Load) {
		l.Asks, l.Every, l.Chains, l.Cancels, l.Drops = 3*len(cases)+4, 60*time.Millisecond, 0, 0, 0
		l.Tokens, l.Pace = [2]int{20, 60}, 10*time.Millisecond
		l.Direct = func(i int, _ chance) (string, Want) {
			if i >= 3*len(cases) {
				return "", Want{}
			}
			k := cases[i%len(cases)]
			return k.directive, k.want
		}
	}}
}

func failed(code chat.Code, calls int) Want {
	return Want{State: chat.TaskFailed, Code: code, Calls: calls}
}

func interrupted(code chat.Code) Want {
	return Want{State: chat.TaskInterrupted, Code: code, Calls: 3}
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

// hiccups pass when they are asked again, or end with their code after three
// attempts.
func hiccups() []lieCase {
	return []lieCase{
		{"status=429 fail=1", Want{Calls: 2}},
		{"status=429 fail=1 retry=1", Want{Calls: 2}},
		{"status=429 fail=1 retry=Mon%2C%2002%20Jan%202006%2015:04:05%20GMT", Want{Calls: 2}},
		{"status=429 fail=1 retry=nonsense", Want{Calls: 2}},
		{"status=429 fail=1 retry=-5", Want{Calls: 2}},
		{"status=500 fail=2", Want{Calls: 3}},
		{"status=503 fail=1 retry=1", Want{Calls: 2}},
		{"status=408 fail=1", Want{Calls: 2}},
		{"status=409 fail=1", Want{Calls: 2}},
		{"status=500", failed(chat.CodeProviderServer, 3)},
		{"status=429", failed(chat.CodeProviderRateLimit, 3)},
	}
}

// cuts are streams without a proper end.
func cuts() []lieCase {
	return []lieCase{
		{"cut=7 fail=1", Want{Calls: 2}},
		{"abort=7 fail=1", Want{Calls: 2}},
		{"rst=7 fail=1", Want{Calls: 2}},
		{"rst=0 fail=2", Want{Calls: 3}},
		{"nofinish nodone fail=0 cut=9", interrupted(chat.CodeProviderCut)},
		{"abort=5", interrupted(chat.CodeProviderCut)},
		{"rst=5", interrupted(chat.CodeProviderCut)},
		{"nofinish", Want{Calls: 1}},
		{"nodone", Want{Calls: 1}},
		{"extra=beyond", Want{Calls: 1}},
		{"redirect=http://127.0.0.1:1/elsewhere", Want{State: chat.TaskFailed, Calls: 3}},
		{"html", Want{State: chat.TaskFailed, Code: chat.CodeProviderProtocol, Calls: 3}},
		{"json", Want{Calls: 1}},
	}
}

// wire are the shapes that a right answer can have.
func wire() []lieCase {
	normal := func(calls []providertest.Call) string { return chat.NormalizeText(calls[len(calls)-1].Sent) }
	return []lieCase{
		{"eol=cr", Want{Calls: 1}},
		{"eol=crlf", Want{Calls: 1}},
		{"bom", Want{Calls: 1}},
		{"comments=3", Want{Calls: 1}},
		{"oneline", Want{Calls: 1}},
		{"bytes pace=1ms", Want{Calls: 1}},
		{"split", Want{Calls: 1}},
		{"surrogates", Want{Calls: 1}},
		{"invalid", Want{Calls: 1, Text: normal}},
		{"nul", Want{Calls: 1, Text: normal}},
		{"text=%0D%0A%E2%80%A8data:%20x%0A%0A%00id:%209%0A%20", Want{Calls: 1, Text: normal}},
		{"reasoning=12", Want{Calls: 1}},
		{"reasoning=12 names=reasoning", Want{Calls: 1}},
		{"reasoning=12 names=both", Want{Calls: 1}},
		{"finish=length", Want{Calls: 1}},
		{"nousage", Want{Calls: 1}},
		{"usage=absurd", Want{Calls: 1}},
		{"gzip", Want{Calls: 1}},
		{"strict", Want{Calls: 2}},
		{"type=text/plain", Want{Calls: 1}},
	}
}

// inside are errors in the middle of a stream that began well.
func inside() []lieCase {
	var out []lieCase
	for _, style := range strings.Fields("plain chunk event comment space string") {
		out = append(out, lieCase{"error=6 style=" + style, Want{State: chat.TaskInterrupted, Calls: 3}})
	}
	for _, style := range strings.Fields("object typed detail code nested") { // each followed by [DONE]
		out = append(out,
			lieCase{"error=0 style=" + style, Want{State: chat.TaskFailed, Calls: 3}},
			lieCase{"error=1 style=" + style, Want{State: chat.TaskInterrupted, Calls: 3}},
			lieCase{"error=11 style=" + style, Want{State: chat.TaskInterrupted, Calls: 3}})
	}
	return append(out, lieCase{"malformed=6", Want{State: chat.TaskInterrupted, Code: chat.CodeProviderProtocol, Calls: 3}})
}

// sizes are answers that are too large, or too small.
func sizes() []lieCase {
	return []lieCase{
		{"huge=10000000", Want{State: chat.TaskFailed, Code: chat.CodeAnswerTooLarge, Calls: 1}},
		{"huge=500000", Want{Calls: 1}},
		{"endless pace=0s text=" + strings.Repeat("x", 3000), Want{State: chat.TaskInterrupted, Code: chat.CodeAnswerTooLarge, Calls: 1}},
		{"bomb gzip", Want{State: chat.TaskFailed, Calls: 3}},
		{"empty", failed(chat.CodeProviderEmpty, 3)},
	}
}

// timeouts each have a limit and a code of their own.
func timeouts() []lieCase {
	return []lieCase{
		{"noheaders", failed(chat.CodeProviderHeaders, 3)},
		{"nofirst", failed(chat.CodeProviderFirstToken, 3)},
		{"hang=5", interrupted(chat.CodeProviderIdle)},
		{"noheaders fail=1", Want{Calls: 2}},
		{"nofirst fail=1", Want{Calls: 2}},
		{"hang=5 fail=1", Want{Calls: 2}},
		{"endless pace=20ms", interrupted(chat.CodeDeadline)},
	}
}
