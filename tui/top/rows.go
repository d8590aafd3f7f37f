package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/internal/report"
	"chat/internal/term/age"
	"chat/internal/term/theme"
)

// cell is one column of a row.
type cell struct {
	text  string
	width int // in columns of the terminal; 0: the rest
	from  int // the narrowest terminal that shows it
	right bool
	sgr   string
}

const gap = 2

// line lays cells out in width columns; the flexible cell gets the rest.
func line(cells []cell, width int) string {
	fixed, flexible := 0, false
	shown := make([]cell, 0, len(cells))
	for _, c := range cells {
		if c.from > width {
			continue
		}
		shown = append(shown, c)
		fixed += c.width + gap
		flexible = flexible || c.width == 0
	}
	rest := max(width-fixed+gap, 0)
	var b strings.Builder
	for i, c := range shown {
		if c.width == 0 {
			c.width = rest
		}
		text := ansi.Truncate(c.text, c.width, "…")
		pad := strings.Repeat(" ", max(c.width-ansi.StringWidth(text), 0))
		text = theme.Paint(text, c.sgr)
		switch {
		case c.right:
			text = pad + text
		case i < len(shown)-1:
			text += pad
		}
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(text)
	}
	return ansi.Truncate(strings.TrimRight(b.String(), " "), width, "…")
}

// kind says what a row of the list stands for.
type kind int

const (
	heading kind = iota
	anAnswer
	aFailure
	aWorker
)

// row is one row of the list. Headings cannot be selected.
type row struct {
	kind  kind
	id    string // of the task or the worker
	conv  string
	title string
	cells []cell
}

// frame is what rows are drawn with.
type frame struct {
	st    report.Stats
	meter *Meter
	th    theme.Theme
}

// rows are the list: answers, failures and workers, each under a heading.
func (f frame) rows() []row {
	answers := fmt.Sprintf("answers %d", len(f.st.Answers))
	if f.st.MoreAnswers {
		answers = fmt.Sprintf("answers: the oldest %d of more", len(f.st.Answers))
	} else if len(f.st.Answers) == 0 {
		answers = "answers: none running"
	}
	list := []row{{kind: heading, cells: f.answerHeads(answers)}}
	for _, a := range f.st.Answers {
		list = append(list, f.answer(a))
	}
	if len(f.st.Failures) > 0 {
		list = append(list, f.head("failed lately"))
		for _, x := range f.st.Failures {
			list = append(list, f.failure(x))
		}
	}
	workers := fmt.Sprintf("workers %d", len(f.st.WorkerList))
	if len(f.st.WorkerList) == 0 {
		workers = "workers: none seen in the last 30 s"
	}
	list = append(list, f.head(workers))
	for _, w := range f.st.WorkerList {
		list = append(list, f.worker(w))
	}
	return list
}

func (f frame) head(text string) row {
	return row{kind: heading, cells: []cell{{text: text, sgr: f.th.Title}}}
}

// The widths of columns, and the narrowest terminals that show them.
const (
	idWidth    = 8
	modelFrom  = 64
	chunksFrom = 90
	tryFrom    = 80
	whoFrom    = 130
)

func (f frame) answerHeads(text string) []cell {
	dim := f.th.Dim
	return []cell{
		{text: text, sgr: f.th.Title},
		{text: "priority", width: 10, from: tryFrom, sgr: dim},
		{text: "try", width: 3, from: tryFrom, right: true, sgr: dim},
		{text: "chunks", width: 7, from: chunksFrom, right: true, sgr: dim},
		{text: "kept", width: 6, from: whoFrom, right: true, sgr: dim},
		{text: "worker", width: 24, from: whoFrom, sgr: dim},
		{text: "model", width: 16, from: modelFrom, sgr: dim},
		{text: "age", width: 6, right: true, sgr: dim},
		{text: "tok/s", width: 5, right: true, sgr: dim},
	}
}

func (f frame) answer(a report.RunningAnswer) row {
	rate := "-"
	if r, ok := f.meter.Rate(a.TaskID); ok {
		rate = fmt.Sprintf("%.0f", r)
	}
	name := short(a.TaskID) + "  " + titled(a.Kind.Label(a.Title))
	if a.CancelRequested {
		name = short(a.TaskID) + "  (stopping) " + titled(a.Kind.Label(a.Title))
	}
	kept := "-"
	if a.TTLSeconds > 0 {
		kept = age.Of(time.Duration(a.TTLSeconds) * time.Second)
	}
	return row{kind: anAnswer, id: a.TaskID, conv: a.ConversationID, title: a.Title, cells: []cell{
		{text: name},
		{text: string(a.Priority), width: 10, from: tryFrom},
		{text: fmt.Sprint(a.Attempt), width: 3, from: tryFrom, right: true},
		{text: fmt.Sprint(a.Chunks), width: 7, from: chunksFrom, right: true},
		{text: kept, width: 6, from: whoFrom, right: true},
		{text: a.Worker, width: 24, from: whoFrom},
		{text: a.Model, width: 16, from: modelFrom},
		{text: age.Of(f.st.At.Sub(a.CreatedAt)), width: 6, right: true},
		{text: rate, width: 5, right: true, sgr: f.th.Good},
	}}
}

func (f frame) failure(x report.FailedAnswer) row {
	why := ""
	if x.Error != nil {
		why = string(x.Error.Code) + ": " + x.Error.Message
	}
	return row{kind: aFailure, id: x.TaskID, conv: x.ConversationID, title: x.Title, cells: []cell{
		{text: short(x.TaskID), width: idWidth},
		{text: string(x.State), width: 11, from: modelFrom, sgr: f.th.Bad},
		{text: titled(x.Kind.Label(x.Title)), width: 24, from: chunksFrom},
		{text: why},
		{text: x.Model, width: 16, from: whoFrom},
		{text: age.Of(f.st.At.Sub(x.FinishedAt)), width: 6, right: true},
	}}
}

func (f frame) worker(w chat.Worker) row {
	var runs []string
	for _, a := range f.st.Answers {
		if a.Worker == w.ID {
			runs = append(runs, short(a.TaskID))
		}
	}
	seen, sgr := f.st.At.Sub(w.SeenAt), f.th.Dim
	if seen > 2*chat.LeaseRenewal {
		sgr = f.th.Warn
	}
	return row{kind: aWorker, id: w.ID, cells: []cell{
		{text: w.ID},
		{text: fmt.Sprintf("%d/%d", w.Running, w.Concurrency), width: 8, right: true},
		{text: strings.Join(runs, " "), width: 34, from: chunksFrom},
		{text: w.Version, width: 12, from: whoFrom},
		{text: "up " + age.Of(f.st.At.Sub(w.StartedAt)), width: 9, from: modelFrom, right: true},
		{text: "seen " + age.Of(seen), width: 11, right: true, sgr: sgr},
	}}
}

func titled(title string) string {
	if title == "" {
		return "(no title)"
	}
	return title
}

// short returns the end of an id, which is random, as all lists show it.
func short(id string) string { return id[max(0, len(id)-idWidth):] }

// size formats a number of bytes.
func size(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for ; f >= 1000 && i < len(units)-1; i++ {
		f /= 1024
	}
	if i == 0 || f >= 100 {
		return fmt.Sprintf("%.0f %s", f, units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
