package transcript

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat"
)

// Notices are shown under the answer, from its stream and as stored.
func TestNoticesAreShownUnderAnswer(t *testing.T) {
	notices := []string{"the image sky.png was left out: the model did not accept it", "a\x1b[31m notice"}
	rec := chat.Message{ID: "1", TaskID: "2", Role: chat.RoleAssistant, State: chat.TaskRunning}
	streamed := NewMessage(rec, &Style{})
	streamed.Apply(chat.Chunk{Type: chat.ChunkContent, Content: "Hello."})
	streamed.Apply(chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, Notices: notices})
	rec.State, rec.Content, rec.Notices = chat.TaskDone, "Hello.", notices
	stored := NewMessage(rec, &Style{})
	want := []string{"Hello.", "the image sky.png was left out: the", "model did not accept it", "a notice"}
	for name, m := range map[string]*Message{"streamed": streamed, "stored": stored} {
		var rows []string
		for i := range m.Height(40) {
			rows = append(rows, strings.TrimSpace(ansi.Strip(m.Row(i))))
		}
		if rows = rows[1 : len(rows)-1]; !slices.Equal(rows, want) {
			t.Errorf("%s: %q, want %q", name, rows, want)
		}
	}
}

// An answer that is complete but not in the form that was asked for says so, from its stream
// and as stored.
func TestAMismatchIsShownUnderTheAnswer(t *testing.T) {
	problem := chat.Errorf(chat.CodeFormatMismatch, "the answer does not match the schema: /n: got string, want integer")
	rec := chat.Message{ID: "1", TaskID: "2", Role: chat.RoleAssistant, State: chat.TaskRunning}
	streamed := NewMessage(rec, &Style{})
	streamed.Apply(chat.Chunk{Type: chat.ChunkContent, Content: "Hello."})
	streamed.Apply(chat.Chunk{Type: chat.ChunkDone, State: chat.TaskDone, Code: problem.Code, Content: problem.Message})
	rec.State, rec.Content, rec.Error = chat.TaskDone, "Hello.", problem
	stored := NewMessage(rec, &Style{})
	for name, m := range map[string]*Message{"streamed": streamed, "stored": stored} {
		var rows []string
		for i := range m.Height(40) {
			rows = append(rows, strings.TrimSpace(ansi.Strip(m.Row(i))))
		}
		if text := strings.Join(rows, " "); !strings.Contains(text, "Hello. ⚠ The answer does not match the schema: /n: got string, want integer.") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// An answer says what it waits for, and which model answers if the first one does not.
func TestAWaitAndAnotherModelAreShown(t *testing.T) {
	until := time.Date(2026, 11, 30, 14, 3, 22, 0, time.Local)
	m := NewMessage(chat.Message{ID: "1", TaskID: "2", Role: chat.RoleAssistant, State: chat.TaskQueued, Model: "work/large"}, &Style{Now: until})
	rows := func() string {
		var all []string
		for i := range m.Height(100) {
			all = append(all, strings.TrimSpace(ansi.Strip(m.Row(i))))
		}
		return strings.Join(all, " ")
	}
	m.SetStatus(chat.Task{State: chat.TaskQueued, Waiting: &chat.Wait{For: "the rate limit of work\x1b[31m", Until: until}, RunAfter: until, Model: "work/large"})
	if got := rows(); !strings.Contains(got, "waiting for the rate limit of work, until 14:03:22") || strings.Contains(got, "try") {
		t.Errorf("it waits as %q", got)
	}
	m.SetStatus(chat.Task{State: chat.TaskRunning, Model: "b/m", Failover: &chat.Failover{Models: []string{"b/m"}, Failed: []chat.ModelFailure{{Model: "work/large", Reason: "503"}}}})
	if got := rows(); !strings.Contains(got, "waiting for the first words") || m.Model() != "b/m" {
		t.Errorf("it runs as %q by %q", got, m.Model())
	}
}
