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
func (h *harness) lose(acc chat.Accepted) {
	h.Helper()
	h.must(h.rdb.Del(h.Context(), names.Chunks(acc.TaskID), names.Metadata(acc.TaskID)).Err())
}

// resumed is what a reader gets who comes with a position in each of its forms.
func (h *harness) resumed(acc chat.Accepted, position string) map[string]*follower {
	h.Helper()
	return map[string]*follower{
		"Last-Event-ID":          h.open(acc.TaskID, "", header("Last-Event-ID", position)),
		"?after=":                h.open(acc.TaskID, "?after="+position),
		"the header, which wins": h.open(acc.TaskID, "?after=9-99", header("Last-Event-ID", position)),
	}
}

func TestAReaderResumesAtEveryIndex(t *testing.T) {
	t.Parallel()
	texts := []string{"a", "b", "c", "d", "e"}
	for _, name := range []string{"of a live stream", "of a finished one", "of one that Redis has lost"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, api.Options{})
			acc := h.submitted()
			a := h.claim(acc)
			a.write(texts...)
			live := name == "of a live stream"
			if !live {
				a.end()
			}
			if name == "of one that Redis has lost" {
				h.lose(acc)
			}
			want := []string{}
			readers := []map[string]*follower{}
			for i := range texts {
				readers = append(readers, h.resumed(acc, fmt.Sprintf("1-%d", i)), map[string]*follower{"a plain index": h.open(acc.TaskID, fmt.Sprintf("?after=%d", i))})
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
					if got := formatChunks(f.whole()); got != want[i] {
						t.Errorf("by %s: %q, want %q", form, got, want[i])
					}
				}
			}
		})
	}
}

func TestACursorAtTheEndOfAFinishedTaskIsTheEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.finished("a", "b")
	for _, lost := range []bool{false, true} {
		if lost {
			h.lose(acc)
		}
		for _, position := range []string{"1-2", "1-3", "1-999999", "2", "3"} {
			for form, f := range h.resumed(acc, position) {
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
	h := newHarness(t, api.Options{})
	finished := h.finished("a", "b")
	running := h.submitted()
	a := h.claim(running)
	a.write("a", "b")
	readers := map[string]*follower{}
	for _, acc := range []chat.Accepted{finished, running} {
		for _, position := range append(senseless, strings.Repeat("1", 10<<10), strings.Repeat("1-", 5<<10)) {
			readers[acc.TaskID+fmt.Sprintf(" at %.20q", position)] = h.open(acc.TaskID, "", header("Last-Event-ID", position))
		}
	}
	a.end()
	for name, f := range readers {
		chunks := f.whole()
		if f.res.StatusCode != http.StatusOK || len(chunks) == 0 || chunks[0].Type != chat.ChunkReset || chunklogtest.Content(chunks) != "ab" {
			t.Errorf("%s: %d %s", name, f.res.StatusCode, formatChunks(chunks))
		}
	}
	if f := h.open(finished.TaskID, "?after=", header("Last-Event-ID", "")); formatChunks(f.whole()) != "1-0:content=a 1-1:content=b 1-2:done" {
		t.Error("an empty cursor is not the start")
	}
}

func TestACursorPastTheEndOfARunningTaskWaits(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := h.submitted()
	a := h.claim(acc)
	a.write("a", "b")
	ahead := h.open(acc.TaskID, "?after=1-3") // of a list whose end was lost
	a.write("c", "d", "e")
	a.end()
	if got := formatChunks(ahead.whole()); got != "1-4:content=e 1-5:done" {
		t.Errorf("%q", got)
	}
}

func TestAPositionOfAnOlderAttemptGetsTheReset(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	first := h.claim(acc)
	first.write("x", "y", "z")
	whole := h.open(acc.TaskID, "")
	whole.next(3)
	first.release()
	second := h.claim(acc)
	second.write("a", "b")
	within := h.open(acc.TaskID, "", header("Last-Event-ID", "1-1"))
	other := h.open(acc.TaskID, "", header("Last-Event-ID", "2-1")) // that place is the first attempt's
	next := h.open(acc.TaskID, "", header("Last-Event-ID", "2-4"))
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
		if got := formatChunks(chunks); c.want != "" && got != c.want {
			t.Errorf("%s got %q, want %q", name, got, c.want)
		}
		if chunklogtest.Content(chunks) != strings.TrimPrefix("ab", map[string]string{"who saw the second": "a"}[name]) {
			t.Errorf("%s has %q: a splice in %s", name, chunklogtest.Content(chunks), formatChunks(chunks))
		}
	}
}

// A task of an older version, or of which Redis and the worker were lost together, has only
// the text of its answer.
func TestAFinishedTaskWithoutALogStreamsForEver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	a := h.claim(acc)
	a.unlogged = true
	a.write("a", "b", "c", "d")
	a.end()
	h.lose(acc)
	const want = "2-0:reset 2-1:content=abcd 2-2:done"
	for _, position := range []string{"", "1-0", "1-1", "1-3"} {
		if got := formatChunks(h.open(acc.TaskID, "", header("Last-Event-ID", position)).whole()); got != want {
			t.Errorf("after %q: %q", position, got)
		}
	}
	whole := h.open(acc.TaskID, "").whole()
	for i, c := range whole {
		if i == len(whole)-1 {
			if a := h.call("GET", "/stream/"+acc.TaskID, "", header("Last-Event-ID", c.Position().String())); a.status != http.StatusNoContent {
				t.Errorf("at the end: %d %s", a.status, a.body)
			}
			continue
		}
		rest := h.open(acc.TaskID, "", header("Last-Event-ID", c.Position().String())).whole()
		if formatChunks(rest) != formatChunks(whole[i+1:]) {
			t.Errorf("after %s: %q, want %q", c.Position(), formatChunks(rest), formatChunks(whole[i+1:]))
		}
	}
}

func TestAReaderWhoseListIsLostInTheMiddleGetsTheWholeAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Recheck: 50 * time.Millisecond})
	acc := h.submitted()
	a := h.claim(acc)
	a.write("a", "b", "c")
	f := h.open(acc.TaskID, "", header("Last-Event-ID", "1-0"))
	seen := f.next(2)
	a.write("d", "e") // the reader may or may not see these before
	a.commit()
	h.lose(acc)
	chunks := append(append([]chat.Chunk{{Type: chat.ChunkContent, Content: "a", Attempt: 1}}, seen...), f.whole()...)
	if got := chunklogtest.Content(chunks); got != "abcde" {
		t.Errorf("%q from %s", got, formatChunks(chunks))
	}
}

// TestPositionsGrowAfterARollback: Redis has lost the end of a list, or all of it, and
// its worker is dead. Whoever has read the list, and whoever comes back to it, waits
// for what follows, and is never sent back.
func TestPositionsGrowAfterARollback(t *testing.T) {
	t.Parallel()
	damages := map[string]func(h *harness, acc chat.Accepted){
		"the last entry is lost": func(h *harness, acc chat.Accepted) {
			h.must(h.rdb.LTrim(h.Context(), names.Chunks(acc.TaskID), 0, -2).Err())
		},
		"all entries but one": func(h *harness, acc chat.Accepted) {
			h.must(h.rdb.LTrim(h.Context(), names.Chunks(acc.TaskID), 0, 0).Err())
		},
		"the list":                  func(h *harness, acc chat.Accepted) { h.must(h.rdb.Del(h.Context(), names.Chunks(acc.TaskID)).Err()) },
		"the list and the metadata": (*harness).lose,
		"the metadata":              func(h *harness, acc chat.Accepted) { h.must(h.rdb.Del(h.Context(), names.Metadata(acc.TaskID)).Err()) },
		"everything":                func(h *harness, _ chat.Accepted) { h.must(h.rdb.FlushAll(h.Context()).Err()) },
		"the list is of an older attempt": func(h *harness, acc chat.Accepted) {
			h.replace(acc, `{"chunk_index":0,"chunk_type":"content","content":"x","attempt":1}`)
		},
	}
	ends := map[string]func(h *harness, acc chat.Accepted, a *attempt){
		"by the next attempt": func(h *harness, acc chat.Accepted, a *attempt) {
			a.release()
			b := h.claim(acc)
			b.write("b1", "b2")
			b.end()
		},
		"by the database alone": func(h *harness, _ chat.Accepted, a *attempt) {
			h.must(h.store.Finish(h.Context(), chat.Result{TaskID: a.claim.ID, Attempt: a.claim.Attempt, State: chat.TaskDone, Parts: chat.TextParts("b1b2"), FinishReason: "stop"}))
		},
	}
	for damage, do := range damages {
		for how, end := range ends {
			t.Run(damage+", and it ends "+how, func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, api.Options{Recheck: 50 * time.Millisecond})
				acc := h.submitted()
				first := h.claim(acc)
				first.write("o")
				first.release()
				second := h.claim(acc) // whose list begins with the first one's
				second.write("a1", "a2", "a3", "a4")
				there := h.open(acc.TaskID, "")
				seen := there.next(6)
				last := seen[len(seen)-1].Position()
				do(h, acc)
				back := h.open(acc.TaskID, "", header("Last-Event-ID", last.String()))
				end(h, acc, second)
				for who, f := range map[string]*follower{"who was there": there, "who came back": back} {
					at, chunks := last, f.whole()
					for _, c := range chunks {
						if !at.Less(c.Position()) {
							t.Errorf("a reader %s got %s", who, formatChunks(append(seen, chunks...)))
							break
						}
						at = c.Position()
					}
					if chunklogtest.Content(chunks) != "b1b2" || chunks[0].Type != chat.ChunkReset {
						t.Errorf("a reader %s got %s", who, formatChunks(chunks))
					}
				}
			})
		}
	}
}

// replace gives a task's list other entries.
func (h *harness) replace(acc chat.Accepted, entries ...any) {
	h.Helper()
	h.must(h.rdb.Del(h.Context(), names.Chunks(acc.TaskID)).Err())
	h.must(h.rdb.RPush(h.Context(), names.Chunks(acc.TaskID), entries...).Err())
}
