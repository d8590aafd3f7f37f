package history

import "time"

// lostGrace is how long after a database has died a client may read what it acknowledged.
const lostGrace = time.Second

// MayLose records that the database may lose what it acknowledged between two times.
func (h *History) MayLose(from, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lostFrom, h.lostUntil = from, until.Add(lostGrace)
}

// MayBeLost reports whether the database may have lost what a client read at t.
func (h *History) MayBeLost(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return t.After(h.lostFrom) && t.Before(h.lostUntil)
}

// Lost reports whether the database has lost an accepted message, as it may: all of it.
func (h *History) Lost(a *Ask) bool {
	_, user := h.Rows.Message(a.Accepted.UserMessageID)
	_, answer := h.Rows.Message(a.Accepted.MessageID)
	_, task := h.Rows.Task(a.Accepted.TaskID)
	return !user && !answer && !task && h.MayBeLost(a.At)
}
