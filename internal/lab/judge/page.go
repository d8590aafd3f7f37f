package judge

import (
	"encoding/json"
	"errors"
	"net/http"

	"chat"
	"chat/internal/lab/history"
)

// pages judges followers of the page's stream: positions grow; each event changes only what it
// may; what a page shows at a position is the same for all; one end comes, as the last; and
// then the page shows what a page that is opened afterwards does, and the stored message.
func (v *verdict) pages(a *history.Ask) {
	everywhere := map[string]string{} // what a page shows, by position
	shown, from := "", ""
	for _, f := range a.Followers {
		if f.Kind != history.KindPage && f.Kind != history.KindFreshPage || f.Gave != "" {
			continue
		}
		got := v.page(a, f, everywhere)
		if from != "" && got != shown {
			v.found("C11", a, "in the end the %s follower shows %s, the %s follower %s", f.Kind, Short(got), from, Short(shown))
		}
		shown, from = got, f.Kind
		if f.Stored != nil && *f.Stored != got {
			v.found("C4", a, "the %s follower shows %s, the stored message %s", f.Kind, Short(got), Short(*f.Stored))
		}
	}
}

// page judges one follower and returns what it shows in the end.
func (v *verdict) page(a *history.Ask, f *history.Follower, everywhere map[string]string) string {
	var p history.Page
	var ends []*chat.Chunk
	last := chat.Start()
	broken := false // what follows a broken event tells nothing new
	for i, x := range f.Exchanges {
		for n, raw := range x.Events {
			var e history.PageEvent
			at, err := chat.ParsePosition(raw.ID)
			if err == nil && at.IsStart() {
				err = errors.New("it has no position")
			}
			if err == nil {
				err = json.Unmarshal([]byte(raw.Data), &e)
			}
			if err == nil {
				err = p.Apply(e)
			}
			if err != nil && !broken {
				v.found("C1", a, "the %s follower, connection %d, event %q: %v", f.Kind, i, raw.ID, err)
			}
			if broken = broken || err != nil; broken && e.End == nil {
				continue
			}
			if !last.Less(at) {
				v.found("C2", a, "the %s follower: %s came after %s", f.Kind, at, last)
			}
			if at.Attempt != last.Attempt && !last.IsStart() && !e.Reset && e.End == nil {
				v.found("C3", a, "the %s follower: attempt %d begins without a reset after %s", f.Kind, at.Attempt, last)
			}
			last = at
			now := p.String()
			if seen, ok := everywhere[raw.ID]; ok && seen != now {
				v.found("C5", a, "at %s a page shows %s, another one %s", raw.ID, Short(now), Short(seen))
			}
			everywhere[raw.ID] = now
			v.sent(a, f, p.Plain())
			if e.End != nil {
				if ends = append(ends, e.End); n != len(x.Events)-1 || i != len(f.Exchanges)-1 {
					v.found("D1", a, "the end at %s is not the last event of the %s follower", raw.ID, f.Kind)
				}
			}
		}
		if x.Status == http.StatusOK && x.End == history.EndClean {
			v.found("D1", a, "the %s follower: connection %d ended as if the answer were complete", f.Kind, i)
		}
	}
	v.pageEnd(a, f, &p, ends)
	return p.String()
}

// pageEnd judges what a follower has in the end.
func (v *verdict) pageEnd(a *history.Ask, f *history.Follower, p *history.Page, ends []*chat.Chunk) {
	t, _ := v.h.Rows.Task(a.Accepted.TaskID)
	m, _ := v.h.Rows.Message(a.Accepted.MessageID)
	v.readAfterwards(a, f, m)
	switch {
	case len(ends) != 1:
		v.found("D1", a, "the %s follower received %d ends", f.Kind, len(ends))
	case ends[0].State != t.State || ends[0].MessageID != t.Message:
		v.found("D1", a, "the end of the %s follower has %s for message %s, the database %s", f.Kind, ends[0].State, ends[0].MessageID, t.State)
	case a.Want.Text == nil && p.Plain() != history.Dense(m.Content): // an honest answer has no Markdown
		v.found("C4", a, "the %s follower shows the text %s, the database %s", f.Kind, Short(p.Plain()), Short(history.Dense(m.Content)))
	}
}
