package load

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"chat/internal/lab/history"
)

func TestEventsAreReadAsABrowserDoes(t *testing.T) {
	t.Parallel()
	in := newEvents(strings.NewReader(": hello\nretry: 1500\ndata: a\nid: 1-0\n\n: still here\ndata: b\ndata:c\r\n\r\nid: 1-2\n\ndata: d\n\ndata: cut off\nid: 1-4\n"))
	for _, want := range []history.Event{{ID: "1-0", Data: "a"}, {ID: "1-0", Data: "b\nc"}, {ID: "1-2", Data: "d"}} {
		if e, err := in.next(); err != nil || e != want {
			t.Errorf("%+v, %v, want %+v", e, err, want)
		}
	}
	if e, err := in.next(); !errors.Is(err, io.EOF) || in.id != "1-2" || in.retry != 1500*time.Millisecond {
		t.Errorf("%+v, %v, id %s, retry %s", e, err, in.id, in.retry)
	}
}

// The judge knows a cut from a body that ends without the end of the answer, and sees what comes
// after the end.
func TestHowAConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		abort  bool
		most   int
		end    string
		events int
	}{
		"the end":                {body: "data: a\n\ndata: end\n\n", end: history.EndTerminal, events: 2},
		"a cut after the end":    {body: "data: end\n\n", abort: true, end: history.EndTerminal, events: 1},
		"events after the end":   {body: "data: end\n\ndata: a\n\n", most: 1, end: history.EndTerminal, events: 2},
		"a cut":                  {body: "data: a\n\ndata: b", abort: true, end: io.ErrUnexpectedEOF.Error(), events: 1},
		"a clean end that is no": {body: "data: a\n\n", end: history.EndClean, events: 1},
		"the reader leaves":      {body: "data: a\n\ndata: b\n\ndata: end\n\n", most: 2, end: errLeft.Error(), events: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Chat-Task-Id", "t1")
				fmt.Fprint(w, c.body)
				if c.abort {
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			}))
			defer server.Close()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			s, x := &Sender{http: server.Client()}, &history.Exchange{}
			s.exchange(x, req, reading{terminal: func(data string) bool { return data == "end" }, most: c.most})
			if x.End != c.end || len(x.Events) != c.events || x.TaskID != "t1" || x.Status != http.StatusOK {
				t.Errorf("%+v", x)
			}
		})
	}
}

// Ten messages in turn meet every format, and each format is met by several of forty.
func TestEveryFormatGetsItsTurn(t *testing.T) {
	t.Parallel()
	n := map[string]int{}
	for i := range 40 {
		via, through := turns(i)
		for _, format := range append(slices.Clone(through), via) {
			n[format]++
		}
	}
	for _, format := range Formats() {
		if n[format] < 8 {
			t.Errorf("%d of 40 messages are followed through %s", n[format], format)
		}
	}
}
