package thread

import (
	"strings"
	"testing"

	"chat"
)

// tree builds messages of lines "id<parent".
func tree(lines ...string) *Tree {
	var records []chat.Message
	for _, l := range lines {
		id, parent, _ := strings.Cut(l, "<")
		records = append(records, chat.Message{ID: id, ParentID: parent})
	}
	return New(records)
}

func path(t *Tree, choices map[string]string) string {
	var ids []string
	for _, m := range t.Path(choices) {
		ids = append(ids, m.ID)
	}
	return strings.Join(ids, " ")
}

func TestPaths(t *testing.T) {
	regenerated := []string{"q1", "a1<q1", "q2<a1", "a2<q2", "a2'<q2"}
	edited := append(regenerated, "q1'", "a1'<q1'")
	for _, c := range []struct {
		name    string
		lines   []string
		choices map[string]string
		want    string
	}{
		{"nothing", nil, nil, ""},
		{"one line", []string{"q1", "a1<q1", "q2<a1"}, nil, "q1 a1 q2"},
		{"the newest answer", regenerated, nil, "q1 a1 q2 a2'"},
		{"the older answer, chosen", regenerated, map[string]string{"q2": "a2"}, "q1 a1 q2 a2"},
		{"the newest branch", edited, nil, "q1' a1'"},
		{"the older root, and from there the newest", edited, map[string]string{"": "q1"}, "q1 a1 q2 a2'"},
		{"a choice that is gone", regenerated, map[string]string{"q2": "x"}, "q1 a1 q2 a2'"},
		{"an older branch that grew", []string{"q1", "a1<q1", "a1'<q1", "q2<a1"}, nil, "q1 a1 q2"},
		{"an unknown parent", []string{"q1", "a1<q1", "x<gone"}, nil, "x"},
		{"a circle", []string{"a<b", "b<a"}, nil, "a b"},
		{"its own parent", []string{"a<a"}, nil, "a"},
	} {
		if got := path(tree(c.lines...), c.choices); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSiblings(t *testing.T) {
	tr := tree("q1", "a1<q1", "a1'<q1", "a1''<q1", "q2<a1", "q1'")
	for id, want := range map[string]string{"a1'": "a1 a1' a1''@1", "q2": "q2@0", "q1'": "q1 q1'@1", "x": "@0"} {
		ids, at := tr.Siblings(id)
		if got := strings.Join(ids, " ") + "@" + string(rune('0'+at)); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	if tr.Parent("q2") != "a1" || tr.Parent("q1") != "" || tr.Newest() != "q1'" || tree().Newest() != "" {
		t.Error("parents or newest")
	}
}

func BenchmarkFiveThousand(b *testing.B) {
	records := make([]chat.Message, 5000)
	for i := range records {
		records[i].ID = strings.Repeat("x", 30) + string(rune(i+100))
		if i > 0 {
			records[i].ParentID = records[i-1].ID
		}
	}
	for b.Loop() {
		New(records).Path(nil)
	}
}
