package transcript

import (
	"slices"
	"strings"
	"testing"

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
