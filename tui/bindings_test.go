package tui

import (
	"strings"
	"testing"

	"chat"
)

func TestEndKeyScrollsDownAfterADraft(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	task := s.ask("first")
	task.chunk(chat.ChunkContent, strings.Repeat("a line\n\n", 60)+"the last line")
	s.untilShown("the last line")
	s.press("pgup")
	s.typeText("a draft")
	s.press("home", "end")
	s.untilShown("more below")
	s.press("end")
	s.untilShown("the last line")
	s.untilDraft("a draft")
}

func TestWordAfterASlashIsACommand(t *testing.T) {
	s := start(t, newFake(), 80, 24)
	s.typeText("/model")
	s.press("enter")
	s.untilShown("choose the model")
	s.press("esc")
	s.typeText("/quit")
	s.press("enter")
	s.untilShown("quit when empty")
	s.press("esc")
	s.typeText(" /quit")
	s.press("enter")
	s.untilSent(1)
	s.typeText("/etc/hosts: what is that?")
	s.press("enter")
	s.untilShown("waits for the answer")
}
