package foreign

import (
	"cmp"
	"strconv"
	"strings"

	"chat"
	"chat/internal/cli/codeblock"
)

// readClaude reads a conversation of the conversations.json of Claude: a list of
// messages, which name their parents in newer exports.
func readClaude(raw []byte, in fields) (*imported, error) {
	f := &imported{
		kind: "claude", id: cmp.Or(in.text("uuid"), contentID(raw)), title: in.text("name"),
		created: in.time("created_at"), updated: in.time("updated_at"), current: in.text("current_leaf_message_uuid"), left: LeftOut{},
	}
	model, before := in.text("model"), ""
	for i, one := range in.list("chat_messages") {
		message, ok := one.(map[string]any)
		if !ok {
			f.left.add("messages that cannot be read")
			continue
		}
		m := importedMessage{Message: f.claudeMessage(message, model), parent: before, order: i}
		if parent, tells := message["parent_message_uuid"].(string); tells {
			m.parent = parent
		}
		m.ID = cmp.Or(fields(message).text("uuid"), strconv.Itoa(i))
		before = m.ID
		f.messages = append(f.messages, m)
	}
	if len(f.messages) == 0 {
		return f, EmptyError("it has no messages")
	}
	return f, nil
}

func (f *imported) claudeMessage(in fields, model string) chat.Message {
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
		case "tool_result", "token_budget": // output of a tool
		default:
			f.left.add("parts of messages of an unknown kind")
		}
	}
	if strings.Join(texts, "") == "" {
		texts = []string{in.text("text")}
	}
	texts = append(texts, f.claudeFiles(in)...)
	m.Content, m.Reasoning = joinTexts(texts), joinTexts(thoughts)
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

// claudeFiles returns the files of a message whose texts are in the export, and
// placeholders for the others.
func (f *imported) claudeFiles(in fields) []string {
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
				blocks = append(blocks, f.attachText(name, text))
				continue
			}
			f.left.add("files")
			blocks = append(blocks, "["+oneLine(name)+"]")
		}
	}
	return blocks
}

// claudeArtifact returns the document that a call of the tool "artifacts" writes.
func claudeArtifact(block fields) string {
	input := block.object("input")
	if block.text("name") != "artifacts" || input.text("content") == "" {
		return ""
	}
	return joinText(oneLine(input.text("title")), codeblock.Fence(oneLine(input.text("language")), input.text("content")))
}

// joinTexts joins texts with empty lines between them.
func joinTexts(texts []string) string {
	all := ""
	for _, text := range texts {
		all = joinText(all, strings.TrimSpace(text))
	}
	return all
}
