package tui

import (
	"testing"

	"chat"
)

// Citation markers of a provider are shown neither while an answer arrives nor
// after it. The stored text keeps them, and so does the user's text.
func TestCitationMarkersAreNotShown(t *testing.T) {
	const written = "what is \ue200cite\ue202turn0search0\ue201?"
	backend := newFake()
	s := start(t, backend, 80, 24, full)
	s.paste(written)
	s.press("enter")
	task := s.untilFollowed(nil)
	if got := backend.contents()[0]; got != written {
		t.Fatalf("sent %q", got)
	}
	for _, piece := range []string{"It exists. ", "\ue200ci", "te\ue202turn1view0\ue201", " More", "【12†source】.", " And \ue200cite\ue202tu"} {
		task.chunk(chat.ChunkContent, piece)
	}
	s.untilShown("It exists. More. And")
	backend.finish(task, chat.TaskDone, "It exists. \ue200cite\ue202turn1view0\ue201 More【12†source】. And \ue200cite\ue202tu", nil)
	s.untilQuiet()
	s.untilShown("It exists. More. And")
	s.shows("!turn1view0", "!source", "!†")
	s.press("tab", "[", "e")
	s.untilDraft(written)
}
