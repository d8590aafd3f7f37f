package lab_test

import (
	"strings"
	"testing"

	"chat/internal/lab"
	"chat/internal/lab/history"
)

func TestTheReportSaysWhatWasFollowed(t *testing.T) {
	t.Parallel()
	run := lab.Result{Row: "calm/nothing-breaks", Followed: []history.Coverage{
		{Format: history.KindPage, Tasks: 16, Connections: 30}, {Format: history.KindCompletion, Tasks: 8, Connections: 20},
	}}
	const want = "calm/nothing-breaks: tasks (connections) by format: page 32 (60), completion 16 (40)\n"
	for name, print := range map[string]func(*strings.Builder) error{
		"summary":  func(out *strings.Builder) error { return lab.Summary(out, []lab.Result{run, run, {Row: "other"}}) },
		"markdown": func(out *strings.Builder) error { return lab.Markdown(out, []lab.Result{run, run, {Row: "other"}}) },
	} {
		var out strings.Builder
		if err := print(&out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v in\n%s", name, err, out.String())
		}
	}
}
