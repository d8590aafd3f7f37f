package foreign

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"chat/internal/transcript"
)

func TestAHostileMapping(t *testing.T) {
	for name, raw := range map[string]string{
		"a circle":        `{"id":"x","mapping":{"a":{"parent":"b","children":["b"]},"b":{"parent":"a","children":["a"]}},"current_node":"a"}`,
		"itself":          `{"id":"x","mapping":{"a":{"parent":null,"children":["a","a"],"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["x"]}}}}}`,
		"a missing child": `{"id":"x","mapping":{"a":{"parent":null,"children":["zzz"]}},"current_node":"zzz"}`,
		"odd times":       `{"id":"x","create_time":1e300,"update_time":-1,"mapping":{}}`,
	} {
		got, _, err := Read([]byte(raw))
		if errors.As(err, new(EmptyError)) {
			continue
		}
		if err == nil {
			err = got.Check()
		}
		if err != nil || len(got.Messages) > 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A chain that no recursion would survive.
	var b strings.Builder
	b.WriteString(`{"id":"x","mapping":{"n0":{"children":["n1"]}`)
	const deep = 100_000
	for i := 1; i < deep; i++ {
		fmt.Fprintf(&b, `,"n%d":{"parent":"n%d","children":["n%d"]}`, i, i-1, i+1)
	}
	b.WriteString(`}}`)
	if _, _, err := Read([]byte(b.String())); !errors.As(err, new(EmptyError)) {
		t.Error(err)
	}
}

// Fields of other types than expected keep no text from being imported.
func TestFieldsOfOtherTypes(t *testing.T) {
	values := []string{`null`, `1`, `"x"`, `true`, `[]`, `{}`, `[1]`, `{"a":1}`, `1e300`, `-1`, `"2025-01-01"`, `[null]`, `[{"x":[]}]`}
	claude := `{"uuid":%,"name":%,"created_at":%,"updated_at":%,"chat_messages":[{"uuid":%,"text":"said","content":%,"sender":"human","created_at":%,"attachments":%,"files":%,"parent_message_uuid":%}]}`
	gpt := `{"id":%,"conversation_id":%,"title":%,"create_time":%,"update_time":%,"current_node":%,"default_model_slug":%,"mapping":{"u":{"parent":%,"children":%,"message":{"id":%,"author":{"role":"user","name":%,"metadata":%},"create_time":%,"recipient":%,"metadata":%,"content":{"content_type":"text","parts":["said",%]}}},"v":%,"w":{"message":%}}}`
	webui := `{"id":%,"title":%,"created_at":%,"chat":{"title":%,"params":%,"timestamp":%,"history":{"currentId":%,"messages":{"a":{"role":"user","content":"said","parentId":%,"childrenIds":%,"timestamp":%,"files":%,"model":%},"b":%}}}}`
	libre := `{"conversationId":"l","title":%,"options":%,"createdAt":%,"messages":[{"messageId":%,"parentMessageId":%,"text":"said","isCreatedByUser":true,"createdAt":%,"content":%,"files":%,"children":%,"model":%},%]}`
	for _, form := range []string{claude, gpt, webui, libre} {
		for _, v := range values {
			parts := strings.Split(form, "%")
			for i := 1; i < len(parts); i++ {
				raw := strings.ReplaceAll(strings.Join(parts[:i], "null")+v+strings.Join(parts[i:], "null"), "%", "null")
				got, left, err := Read([]byte(raw))
				if err == nil {
					err = got.Check()
				}
				if err != nil || !strings.Contains(textsOf(got), "said") && !strings.Contains(raw, `"is_`) {
					t.Errorf("%s\n%v, %v, %q", raw, err, left, textsOf(got))
				}
			}
		}
	}
}

func textsOf(t transcript.Transcript) string {
	var b strings.Builder
	for _, m := range t.Messages {
		b.WriteString(string(m.Role) + ":" + m.Content + "\n")
	}
	return b.String()
}

// No text of a tree is lost, whatever its links are.
func TestNothingOfATreeIsLost(t *testing.T) {
	for name, mapping := range map[string]string{
		"two roots":             `"a":{"parent":null,"children":["b"],"message":M},"b":{"parent":"a","message":M},"c":{"parent":null,"message":M}`,
		"a missing root":        `"a":{"parent":"gone","children":["b"],"message":M},"b":{"parent":"a","message":M},"c":{"parent":"gone","message":M}`,
		"a circle":              `"a":{"parent":"c","children":["b"],"message":M},"b":{"parent":"a","children":["c"],"message":M},"c":{"parent":"b","children":["a"],"message":M}`,
		"a circle and a tail":   `"a":{"parent":"b","children":["b","c"],"message":M},"b":{"parent":"a","children":["a"],"message":M},"c":{"parent":"a","message":M}`,
		"its own parent":        `"a":{"parent":"a","children":["a","b"],"message":M},"b":{"parent":"a","message":M},"c":{"parent":"b","message":M}`,
		"no parents":            `"a":{"children":["b"],"message":M},"b":{"children":["c"],"message":M},"c":{"message":M}`,
		"no children":           `"a":{"message":M},"b":{"parent":"a","message":M},"c":{"parent":"b","message":M}`,
		"two parents":           `"a":{"children":["c"],"message":M},"b":{"children":["c"],"message":M},"c":{"message":M}`,
		"children not there":    `"a":{"children":["x","b","c"],"message":M},"b":{"parent":"a","message":M},"c":{"parent":"a","message":M}`,
		"a list, not an object": `LIST{"id":"a","message":M},{"id":"b","parent":"a","message":M},{"id":"c","parent":"b","message":M}`,
	} {
		message := `{"author":{"role":"user"},"content":{"content_type":"text","parts":["said"]}}`
		text := "{" + strings.ReplaceAll(mapping, "M", message) + "}"
		if rest, ok := strings.CutPrefix(mapping, "LIST"); ok {
			text = "[" + strings.ReplaceAll(rest, "M", message) + "]"
		}
		got, _, err := Read([]byte(`{"id":"x","mapping":` + text + `}`))
		if err == nil {
			err = got.Check()
		}
		if n := strings.Count(textsOf(got), "said"); err != nil || n != 3 {
			t.Errorf("%s: %d messages, %v", name, n, err)
		}
	}
}
