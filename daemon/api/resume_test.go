package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog/chunklogtest"
)

// lose takes the task's keys out of Redis, as an expiry or an eviction would.
func (l *lab) lose(acc chat.Accepted) {
	l.Helper()
	l.must(l.rdb.Del(l.Context(), names.Chunks(acc.TaskID), names.Metadata(acc.TaskID)).Err())
}

// resumed is what a reader gets who comes with a position in each of its forms.
func (l *lab) resumed(acc chat.Accepted, position string) map[string]*follower {
	l.Helper()
	return map[string]*follower{
		"Last-Event-ID":          l.open(acc.TaskID, "", header("Last-Event-ID", position)),
		"?after=":                l.open(acc.TaskID, "?after="+position),
		"the header, which wins": l.open(acc.TaskID, "?after=9-99", header("Last-Event-ID", position)),
	}
}

func TestAReaderResumesAtEveryIndex(t *testing.T) {
	t.Parallel()
	texts := []string{"a", "b", "c", "d", "e"}
	for name, live := range map[string]bool{"of a live stream": true, "of a finished one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, api.Options{})
			acc := l.submitted()
			a := l.claim(acc)
			a.write(texts...)
			if !live {
				a.end()
			}
			want := []string{}
			readers := []map[string]*follower{}
			for i := range texts {
				readers = append(readers, l.resumed(acc, fmt.Sprintf("1-%d", i)), map[string]*follower{"a plain index": l.open(acc.TaskID, fmt.Sprintf("?after=%d", i))})
				rest := ""
				for k := i + 1; k < len(texts); k++ {
					rest += fmt.Sprintf("1-%d:content=%s ", k, texts[k])
				}
				want = append(want, rest+"1-5:done", rest+"1-5:done")
			}
			if live {
				a.end()
			}
			for i, forms := range readers {
				for form, f := range forms {
					if got := told(f.whole()); got != want[i] {
						t.Errorf("by %s: %q, want %q", form, got, want[i])
					}
				}
			}
		})
	}
}

func TestACursorAtTheEndOfAFinishedTaskIsTheEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.finished("a", "b")
	for _, lost := range []bool{false, true} {
		if lost {
			l.lose(acc)
		}
		for _, position := range []string{"1-2", "1-3", "1-999999", "2", "3"} {
			for form, f := range l.resumed(acc, position) {
				if f.res.StatusCode != http.StatusNoContent {
					t.Errorf("%s by %s, list lost: %v: %d", position, form, lost, f.res.StatusCode)
				}
			}
		}
	}
}

var senseless = []string{
	"garbage", "-1", "1--1", "-1-1", "1-", "-", "1-1-1", "1 -1", "01-1", "1-01", "1.5", "0x1", "١-١", "99999999999999999999",
	"2147483648-0", "1-2147483648", "0-0", "0-1", "7-0", "7-1", "7-99",
}

func TestACursorThatMakesNoSenseMeansFromTheStart(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	finished := l.finished("a", "b")
	running := l.submitted()
	a := l.claim(running)
	a.write("a", "b")
	readers := map[string]*follower{}
	for _, acc := range []chat.Accepted{finished, running} {
		for _, position := range append(senseless, strings.Repeat("1", 10<<10), strings.Repeat("1-", 5<<10)) {
			readers[acc.TaskID+fmt.Sprintf(" at %.20q", position)] = l.open(acc.TaskID, "", header("Last-Event-ID", position))
		}
	}
	a.end()
	for name, f := range readers {
		chunks := f.whole()
		if f.res.StatusCode != http.StatusOK || len(chunks) == 0 || chunks[0].Type != chat.ChunkReset || chunklogtest.Content(chunks) != "ab" {
			t.Errorf("%s: %d %s", name, f.res.StatusCode, told(chunks))
		}
	}
	if f := l.open(finished.TaskID, "?after=", header("Last-Event-ID", "")); told(f.whole()) != "1-0:content=a 1-1:content=b 1-2:done" {
		t.Error("an empty cursor is not the start")
	}
}

func TestACursorPastTheEndOfARunningTaskWaits(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := l.submitted()
	a := l.claim(acc)
	a.write("a", "b")
	ahead := l.open(acc.TaskID, "?after=1-3") // of a list whose end was lost
	a.write("c", "d", "e")
	a.end()
	if got := told(ahead.whole()); got != "1-4:content=e 1-5:done" {
		t.Errorf("%q", got)
	}
}

func TestAPositionOfAnOlderAttemptGetsTheReset(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.submitted()
	first := l.claim(acc)
	first.write("x", "y", "z")
	whole := l.open(acc.TaskID, "")
	whole.next(3)
	first.handback()
	second := l.claim(acc)
	second.write("a", "b")
	within := l.open(acc.TaskID, "", header("Last-Event-ID", "1-1"))
	other := l.open(acc.TaskID, "", header("Last-Event-ID", "2-1")) // that place is the first attempt's
	next := l.open(acc.TaskID, "", header("Last-Event-ID", "2-4"))
	second.end()
	for name, c := range map[string]struct {
		f    *follower
		want string
	}{
		"who saw the first attempt":        {whole, "2-3:reset 2-4:content=a 2-5:content=b 2-6:done"},
		"who saw the second":               {next, "2-5:content=b 2-6:done"},
		"who was in the first attempt":     {within, ""},
		"whose place is another attempt's": {other, ""},
	} {
		chunks := c.f.whole()
		if got := told(chunks); c.want != "" && got != c.want {
			t.Errorf("%s got %q, want %q", name, got, c.want)
		}
		if chunklogtest.Content(chunks) != strings.TrimPrefix("ab", map[string]string{"who saw the second": "a"}[name]) {
			t.Errorf("%s has %q: a splice in %s", name, chunklogtest.Content(chunks), told(chunks))
		}
	}
}

func TestAFinishedTaskStreamsForEver(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	acc := l.finished("a", "b", "c", "d")
	l.lose(acc)
	fresh := l.open(acc.TaskID, "").whole()
	if got := told(fresh); got != "2-0:content=abcd 2-1:done" {
		t.Errorf("%q", got)
	}
	again := l.open(acc.TaskID, "", header("Last-Event-ID", "1-1")).whole()
	if got := told(again); got != "3-0:reset 3-1:content=abcd 3-2:done" {
		t.Errorf("inside a text that only SQL has: %q", got)
	}
	if got := l.open(acc.TaskID, "", header("Last-Event-ID", "1-3")).whole(); len(got) != 1 || !got[0].Terminal() {
		t.Errorf("with all of the text: %q", told(got))
	}
	for _, sequence := range [][]chat.Chunk{fresh, again} {
		for i, c := range sequence {
			a := l.call("GET", "/stream/"+acc.TaskID, "", header("Last-Event-ID", c.Position().String()))
			if last := i == len(sequence)-1; (a.status == http.StatusNoContent) != last {
				t.Errorf("after %s: %d %s", c.Position(), a.status, a.body)
			}
			if i < len(sequence)-1 {
				rest := l.open(acc.TaskID, "", header("Last-Event-ID", c.Position().String())).whole()
				if told(rest) != told(sequence[i+1:]) {
					t.Errorf("after %s: %q, want %q", c.Position(), told(rest), told(sequence[i+1:]))
				}
			}
		}
	}
}

func TestAReaderWhoseListIsLostInTheMiddleGetsTheWholeAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := l.submitted()
	a := l.claim(acc)
	a.write("a", "b", "c")
	f := l.open(acc.TaskID, "", header("Last-Event-ID", "1-0"))
	seen := f.next(2)
	a.write("d", "e") // the reader may or may not see these before
	a.commit()
	l.lose(acc)
	chunks := append(append([]chat.Chunk{{Type: chat.ChunkContent, Content: "a", Attempt: 1}}, seen...), f.whole()...)
	if got := chunklogtest.Content(chunks); got != "abcde" {
		t.Errorf("%q from %s", got, told(chunks))
	}
}

// TestPositionsGrowAfterARollback: Redis has lost the end of a list, or all of it, and
// its worker is dead. Whoever has read the list, and whoever comes back to it, waits
// for what follows, and is never sent back.
func TestPositionsGrowAfterARollback(t *testing.T) {
	t.Parallel()
	damages := map[string]func(l *lab, acc chat.Accepted){
		"the last entry is lost": func(l *lab, acc chat.Accepted) {
			l.must(l.rdb.LTrim(l.Context(), names.Chunks(acc.TaskID), 0, -2).Err())
		},
		"all entries but one": func(l *lab, acc chat.Accepted) {
			l.must(l.rdb.LTrim(l.Context(), names.Chunks(acc.TaskID), 0, 0).Err())
		},
		"the list":                  func(l *lab, acc chat.Accepted) { l.must(l.rdb.Del(l.Context(), names.Chunks(acc.TaskID)).Err()) },
		"the list and the metadata": (*lab).lose,
		"the metadata":              func(l *lab, acc chat.Accepted) { l.must(l.rdb.Del(l.Context(), names.Metadata(acc.TaskID)).Err()) },
		"everything":                func(l *lab, _ chat.Accepted) { l.must(l.rdb.FlushAll(l.Context()).Err()) },
		"the list is of an older attempt": func(l *lab, acc chat.Accepted) {
			l.replace(acc, `{"chunk_index":0,"chunk_type":"content","content":"x","attempt":1}`)
		},
	}
	ends := map[string]func(l *lab, acc chat.Accepted, a *attempt){
		"by the next attempt": func(l *lab, acc chat.Accepted, a *attempt) {
			a.handback()
			b := l.claim(acc)
			b.write("b1", "b2")
			b.end()
		},
		"by the database alone": func(l *lab, _ chat.Accepted, a *attempt) {
			l.must(l.store.Finish(l.Context(), chat.Result{TaskID: a.claim.ID, Attempt: a.claim.Attempt, State: chat.TaskDone, Parts: chat.TextParts("b1b2"), FinishReason: "stop"}))
		},
	}
	for damage, do := range damages {
		for how, end := range ends {
			t.Run(damage+", and it ends "+how, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, api.Options{Recheck: 50 * time.Millisecond})
				acc := l.submitted()
				first := l.claim(acc)
				first.write("o")
				first.handback()
				second := l.claim(acc) // whose list begins with the first one's
				second.write("a1", "a2", "a3", "a4")
				there := l.open(acc.TaskID, "")
				seen := there.next(6)
				last := seen[len(seen)-1].Position()
				do(l, acc)
				back := l.open(acc.TaskID, "", header("Last-Event-ID", last.String()))
				end(l, acc, second)
				for who, f := range map[string]*follower{"who was there": there, "who came back": back} {
					at, chunks := last, f.whole()
					for _, c := range chunks {
						if !at.Less(c.Position()) {
							t.Errorf("a reader %s got %s", who, told(append(seen, chunks...)))
							break
						}
						at = c.Position()
					}
					if chunklogtest.Content(chunks) != "b1b2" || chunks[0].Type != chat.ChunkReset {
						t.Errorf("a reader %s got %s", who, told(chunks))
					}
				}
			})
		}
	}
}

// replace gives a task's list other entries.
func (l *lab) replace(acc chat.Accepted, entries ...any) {
	l.Helper()
	l.must(l.rdb.Del(l.Context(), names.Chunks(acc.TaskID)).Err())
	l.must(l.rdb.RPush(l.Context(), names.Chunks(acc.TaskID), entries...).Err())
}
