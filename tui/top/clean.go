package top

import (
	"slices"

	"chat"
	"chat/internal/report"
	"chat/internal/term/sanitize"
)

// sanitized returns st with all foreign text made safe for one row of a terminal.
func sanitized(st report.Stats) report.Stats {
	st.Redis, st.SQL, st.Engine = sanitize.Line(st.Redis), sanitize.Line(st.SQL), sanitize.Line(st.Engine)
	st.Answers, st.Failures, st.WorkerList = slices.Clone(st.Answers), slices.Clone(st.Failures), slices.Clone(st.WorkerList)
	for i := range st.Answers {
		a := &st.Answers[i]
		a.TaskID, a.ConversationID = sanitize.Line(a.TaskID), sanitize.Line(a.ConversationID)
		a.Title, a.Model, a.Worker = sanitize.Line(a.Title), sanitize.Line(a.Model), sanitize.Line(a.Worker)
		a.Priority = chat.Priority(sanitize.Line(string(a.Priority)))
	}
	for i := range st.Failures {
		f := &st.Failures[i]
		f.TaskID, f.ConversationID = sanitize.Line(f.TaskID), sanitize.Line(f.ConversationID)
		f.Title, f.Model, f.State = sanitize.Line(f.Title), sanitize.Line(f.Model), chat.TaskState(sanitize.Line(string(f.State)))
		if f.Error != nil {
			f.Error = &chat.Error{Code: chat.Code(sanitize.Line(string(f.Error.Code))), Message: sanitize.Line(f.Error.Message)}
		}
	}
	for i := range st.WorkerList {
		w := &st.WorkerList[i]
		w.ID, w.Host, w.Version = sanitize.Line(w.ID), sanitize.Line(w.Host), sanitize.Line(w.Version)
	}
	return st
}
