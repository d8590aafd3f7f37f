package faults

import (
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// World is what a fault acts on: the processes, and the observations so far.
type World struct {
	*world.World
	History *history.History
	// Slack is added to promised times; see judge.Terms.
	Slack time.Duration
}

// sender sends messages besides the load. Close it.
func (w *World) sender() *load.Sender { return load.NewSender(w.World, w.History) }

// broken is a violation that a row finds itself.
func broken(promise, mark, detail string) judge.Violation {
	return judge.Violation{Promise: promise, Mark: mark, Detail: detail}
}
