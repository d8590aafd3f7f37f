package main

import (
	"cmp"
	"strconv"
	"strings"

	"chat"
	"chat/internal/term/attach"
)

// readClaude reads a conversation of the conversations.json of Claude's export: a
// list of messages, in newer ones with the message that each answers to.
func readClaude(raw []byte, in fields) (*foreign, error) {
	f := &foreign{
		kind: "claude", id: cmp.Or(in.text("uuid"), hashOf(raw)), title: in.text("name"),
		created: in.time("created_at"), updated: in.time("updated_at"), current: in.text("current_leaf_message_uuid"), left: leftOut{},
	}
	model, before := in.text("model"), ""
	for i, one := range in.list("chat_messages") {
		message, ok := one.(map[string]any)
		if !ok {
			f.left.add("messages that cannot be read")
			continue
		}
		m := foreignMessage{Message: f.claudeMessage(message, model), parent: before, order: i}
		if parent, tells := message["parent_message_uuid"].(string); tells {
			m.parent = parent
		}
		m.ID = cmp.Or(fields(message).text("uuid"), strconv.Itoa(i))
		before = m.ID
		f.messages = append(f.messages, m)
	}
	if len(f.messages) == 0 {
		return f, nothingError("it has no messages")
	}
	return f, nil
}

func (f *foreign) claudeMessage(in fields, model string) chat.Message {
	m := chat.Message{CreatedAt: in.time("created_at")}
	var texts, thoughts []string
	for _, one := range in.list("content") {
		block, _ := one.(map[string]any)
		switch b := fields(block); b.text("type") {
		case "text", "voice_note":
			texts = append(texts, b.text("text"))
		case "thinking":
			thoughts = append(thoughts, b.text("thinking"))
		case "tool_use":
			if artifact := claudeArtifact(b); artifact != "" {
				texts = append(texts, artifact)
				continue
			}
			f.left.add("uses of tools")
		case "image":
			f.left.add("images")
			texts = append(texts, "[image]")
		case "tool_result", "token_budget": // what a tool said
		default:
			f.left.add("parts of messages of an unknown kind")
		}
	}
	if strings.Join(texts, "") == "" {
		texts = []string{in.text("text")}
	}
	texts = append(texts, f.claudeFiles(in)...)
	m.Content, m.Reasoning = joinedTexts(texts), joinedTexts(thoughts)
	switch sender := in.text("sender", "role"); {
	case m.Content == "" && m.Reasoning == "":
	case sender == "human" || sender == "user":
		m.Role = chat.RoleUser
	case sender == "assistant":
		m.Role, m.Model, m.State = chat.RoleAssistant, cmp.Or(in.text("model"), model), chat.TaskDone
	default:
		f.left.add("messages of unknown authors")
	}
	return m
}

// claudeFiles are the files of a message: those whose texts the export has, and
// words for the others.
func (f *foreign) claudeFiles(in fields) []string {
	var blocks []string
	seen := map[string]bool{}
	for _, key := range []string{"attachments", "files", "files_v2"} {
		for _, one := range in.list(key) {
			file, _ := one.(map[string]any)
			name := cmp.Or(fields(file).text("file_name"), "file")
			if seen[name] && key != "attachments" {
				continue
			}
			seen[name] = true
			if text := fields(file).text("extracted_content"); text != "" {
				blocks = append(blocks, attach.Block(name, text))
				continue
			}
			f.left.add("files")
			blocks = append(blocks, "["+oneLine(name)+"]")
		}
	}
	return blocks
}

// claudeArtifact is the document that a call of the tool "artifacts" has written.
func claudeArtifact(block fields) string {
	input := block.object("input")
	if block.text("name") != "artifacts" || input.text("content") == "" {
		return ""
	}
	return joined(oneLine(input.text("title")), fenced(input.text("language"), input.text("content")))
}

// fenced is a text as a code block that nothing in it ends.
func fenced(language, text string) string {
	fence := strings.Repeat("`", max(shortestFence, longestRun(text, '`')+1))
	return fence + strings.ReplaceAll(oneLine(language), "`", "") + "\n" + strings.TrimRight(text, "\n") + "\n" + fence
}

// longestRun is the length of the longest run of a byte in a text.
func longestRun(text string, b byte) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != b {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// joinedTexts puts texts below each other.
func joinedTexts(texts []string) string {
	all := ""
	for _, text := range texts {
		all = joined(all, strings.TrimSpace(text))
	}
	return all
}
