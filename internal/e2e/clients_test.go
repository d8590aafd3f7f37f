package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/services"
)

// defects lists cuts that a client does not survive and that no server can prevent.
var defects = map[string]*regexp.Regexp{
	// It takes an id at the id's line, before the event has ended.
	"fetch-event-source": regexp.MustCompile(`\nid: [0-9]+-[0-9]+\n$`),
	// It does that, too, and keeps the data of an event that was cut for the next one.
	"eventsource 2": regexp.MustCompile(`\ndata: [^\n]*\n[^\n]*\n?$`),
}

// Stock clients of npm read a stream whose first connection is cut after every number
// of bytes, and reconnect automatically: each event is reported once.
func TestStockClientsResumeAfterACutAtEveryByte(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	api := c.apis[0]
	acc := api.submit(t, "lie: chunks=3 reasoning=1")
	r := api.follow(t, acc.TaskID, nil)()
	api.mustMatch(t, acc, r, chat.TaskDone, modeltest.Answer(1, 3))
	var want []any
	for _, k := range r.chunks {
		want = append(want, k.Position().String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, services.Tool(t, "node"), "testdata/cuts.mjs")
	cmd.Env = append(os.Environ(), "MODULES="+services.NodeModules(t), "TOKEN="+token, "URL=http://"+api.addr+"/stream/"+acc.TaskID)
	var stderr syncBuffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	read := map[string]int{}
	for line := range bytes.Lines(out) {
		var got struct {
			Client, Before string
			Cut            int
			IDs            []any
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		read[got.Client]++
		if slices.Equal(got.IDs, want) {
			continue
		}
		if defect := defects[got.Client]; defect != nil && defect.MatchString(got.Before) {
			continue
		}
		t.Errorf("%s, cut after %d bytes (%q): events %v, want %v", got.Client, got.Cut, tail(got.Before, 40), got.IDs, want)
	}
	for _, client := range []string{"eventsource", "eventsource 2", "fetch-event-source"} {
		if read[client] < 200 {
			t.Errorf("%s read %d streams\n%s", client, read[client], stderr.String())
		}
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
