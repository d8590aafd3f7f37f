package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"chat"
	"chat/internal/blocks"
	"chat/internal/cli/exit"
	"chat/internal/transcript"
)

// block is a file as blocks.Parts finds it.
func block(name, text string) string {
	return blocks.Write(name, chat.Attachment{MediaType: chat.TextType, Data: []byte(text)})
}

// stored is a server with one conversation.
type stored struct{ transcript.Transcript }

func (s stored) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body any = s.Conversation
	switch {
	case r.URL.Path == "/conversations":
		body = map[string]any{"conversations": []chat.Conversation{s.Conversation}}
	case strings.HasPrefix(r.URL.Path, "/attachments/"):
		for _, a := range s.Attachments {
			if strings.HasSuffix(r.URL.Path, a.Digest) {
				_, _ = w.Write(a.Data) // a client that has gone is no concern of this test
			}
		}
		return
	case strings.HasSuffix(r.URL.Path, "/messages"):
		body = map[string]any{"messages": s.Messages}
	}
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is no concern of this test
}

// TestAnExportKeepsMessagesApart reads an export as Markdown: each message stands
// below its own heading, whatever the one before it has left open.
func TestAnExportKeepsMessagesApart(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	contents := []string{
		"Look:\n\n```", "~~~~\nopen", "- item\n  ```\n  open", "# A heading\n\ntext", "Title\n=====", "## user · demo · 2026-01-02 03:04", "<details>\n<summary>s</summary>", "<!-- a comment",
		"<pre>\n", "<script>\nalert(1)", "text <b>bold", "| a | b |\n|---|", "[ref]:", "> quote\n> ```", "`open", "**open", "\\", "    code", "a\r## user", "$$\nx", "<style>", "",
		block("notes.md", "# Not a heading\n\n```\nopen\n\n</details>"), "see", "see\n\n" + block("a.go", "package a\n````") + "\n\nand then\n~~~",
	}
	tr := transcript.Transcript{Conversation: chat.Conversation{ID: idOne, Title: "a *title* <b> #", System: "<details>\n```\n# system", CreatedAt: at, UpdatedAt: at}}
	parent := ""
	for i, content := range contents {
		m := chat.Message{ID: fmt.Sprintf("01999999-9999-7999-8999-%012d", i), ParentID: parent, Role: chat.RoleUser, Content: content, CreatedAt: at}
		if i%2 == 1 {
			m.Role, m.Model, m.TaskID, m.State = chat.RoleAssistant, "mo_del`x", fmt.Sprintf("01999999-9999-7999-8999-1%011d", i), chat.TaskFailed
			m.Error = &chat.Error{Code: chat.CodeProviderServer, Message: "it *failed* <!--"}
		} else {
			parts, attachments := blocks.Parts(content)
			m.SetParts(parts)
			tr.Attachments = append(tr.Attachments, attachments...)
		}
		parent = m.ID
		tr.Messages = append(tr.Messages, m)
	}
	got := startIn(t, stored{tr}, devNull(t), map[string]string{"HOME": t.TempDir()}, "export", "last", "-f", "md")
	if got.code != exit.OK {
		t.Fatalf("%+v", got)
	}
	src := []byte(got.out)
	for name, md := range map[string]goldmark.Markdown{"CommonMark": goldmark.New(), "GitHub's": goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))} {
		var heads []string
		doc := md.Parser().Parse(text.NewReader(src))
		err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if h, ok := n.(*ast.Heading); ok && entering && h.Level <= 2 {
				line := h.Lines().At(0)
				heads = append(heads, string(line.Value(src)))
			}
			return ast.WalkContinue, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(heads) != len(contents)+1 || !strings.HasPrefix(heads[0], `a \*title\*`) {
			t.Errorf("%s: %d headings, want %d:\n%s\nin\n%s", name, len(heads), len(contents)+1, strings.Join(heads, "\n"), got.out)
			continue
		}
		for i, head := range heads[1:] {
			if role := []string{"user · ", "assistant · "}[i%2]; !strings.HasPrefix(head, role) {
				t.Errorf("%s: heading %d is %q", name, i, head)
			}
		}
	}
	for _, want := range []string{"\n# Not a heading\n", "\nnotes.md:\n", "\npackage a\n", "A heading"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is missing in\n%s", want, got.out)
		}
	}
	show := startIn(t, stored{tr}, devNull(t), map[string]string{"HOME": t.TempDir()}, "show", "last")
	if !strings.Contains(show.out, "\n# A heading\n") {
		t.Errorf("show changes what was written:\n%s", show.out)
	}
}
