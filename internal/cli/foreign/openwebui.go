package foreign

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	"chat"
	"chat/internal/lazyregexp"
	"chat/internal/term/attach"
)

// readOpenWebUI reads a conversation of Open WebUI: a history of messages by id, or in
// older files a list.
func readOpenWebUI(raw []byte, in fields) (*imported, error) {
	inner := in.object("chat")
	history := inner.object("history")
	f := &imported{
		kind: "openwebui", id: cmp.Or(in.text("id"), inner.text("id"), contentID(raw)), title: cmp.Or(in.text("title"), inner.text("title")),
		system:  cmp.Or(inner.text("system"), inner.object("params").text("system")),
		created: in.time("created_at"), updated: in.time("updated_at"), current: cmp.Or(history.text("currentId"), history.text("current_id")), left: LeftOut{},
	}
	if f.created.IsZero() {
		f.created = inner.time("timestamp")
	}
	all := history.object("messages")
	ids := slices.Collect(maps.Keys(all))
	_, places := listedChildren(all)
	slices.SortFunc(ids, func(a, b string) int {
		first, _ := all[a].(map[string]any)
		second, _ := all[b].(map[string]any)
		return cmp.Or(fields(first).time("timestamp").Compare(fields(second).time("timestamp")), strings.Compare(a, b))
	})
	for _, id := range ids {
		message, ok := all[id].(map[string]any)
		if !ok {
			f.left.add("messages that cannot be read")
			continue
		}
		m := importedMessage{Message: f.roleMessage(message, ""), parent: fields(message).text("parentId"), order: places[id]}
		m.ID = id
		f.messages = append(f.messages, m)
	}
	if len(f.messages) == 0 {
		f.roleList(inner.list("messages"), "")
	}
	if len(f.messages) == 0 {
		return f, EmptyError("it has no messages")
	}
	return f, nil
}

// listedChildren is listedParents for messages with a list childrenIds.
func listedChildren(all map[string]any) (parents map[string]string, places map[string]int) {
	nodes := map[string]any{}
	for id, message := range all {
		if m, ok := message.(map[string]any); ok {
			nodes[id] = map[string]any{"children": m["childrenIds"]}
		}
	}
	return listedParents(nodes)
}

// roleList adds a list of messages with roles. The parent of a message is the previous
// one, unless it names another.
func (f *imported) roleList(list []any, model string) {
	before := ""
	for i, one := range list {
		message, ok := one.(map[string]any)
		if !ok {
			f.left.add("messages that cannot be read")
			continue
		}
		m := importedMessage{Message: f.roleMessage(message, model), parent: before, order: i}
		if parent := fields(message).text("parent", "parentId", "parent_id"); parent != "" {
			m.parent = parent
		}
		m.ID = cmp.Or(fields(message).text("id", "uuid", "messageId"), fmt.Sprintf("number %d", i+1))
		before = m.ID
		f.messages = append(f.messages, m)
	}
}

// roleMessage reads a message in the common format: a role, a content and metadata.
func (f *imported) roleMessage(in fields, model string) chat.Message {
	m := chat.Message{CreatedAt: in.time("timestamp", "createdAt", "created_at", "create_time")}
	text, inside := cutReasoning(f.partsText(in))
	thought := joinText(in.text("reasoning_content", "reasoningContent", "reasoning", "thinking"), inside)
	for _, one := range in.list("files") {
		file, _ := one.(map[string]any)
		text = joinText(text, f.fileText(file))
	}
	for range in.list("tool_calls") {
		f.left.add("uses of tools")
	}
	switch role := strings.ToLower(in.text("role", "from")); {
	case role == "system" || role == "developer":
		if f.system == "" {
			f.system = text
		}
		return m
	case role == "tool" || role == "function":
		f.left.add("messages of tools")
		return m
	case text == "" && thought == "":
		return m
	case role == "user" || role == "human":
		m.Role, m.Content = chat.RoleUser, text
	case role == "assistant" || role == "model" || role == "ai" || role == "bot" || role == "gpt" || role == "chatgpt":
		m.Role, m.Content, m.Reasoning, m.State = chat.RoleAssistant, text, thought, chat.TaskDone
		m.Model = cmp.Or(in.text("model", "modelName", "modelId"), model)
	default:
		f.left.add("messages of unknown authors")
	}
	return m
}

// partsText returns the text of a content, which is a text or a list of parts.
func (f *imported) partsText(in fields) string {
	if text := in.text("content", "value"); text != "" {
		return text
	}
	var texts []string
	for _, key := range []string{"content", "contentParts"} {
		for _, one := range in.list(key) {
			switch part := one.(type) {
			case string:
				texts = append(texts, part)
			case map[string]any:
				texts = append(texts, f.partText(part))
			}
		}
	}
	return cmp.Or(joinTexts(texts), in.text("text"))
}

func (f *imported) partText(part fields) string {
	switch part.text("type") {
	case "text", "input_text", "output_text", "":
		return part.text("text")
	case "image_url", "image", "input_image":
		return f.imageText(cmp.Or(part.object("image_url").text("url"), part.text("image_url", "url")), "image")
	case "tool-call", "tool_use", "tool_result", "tool_call":
		f.left.add("uses of tools")
	case "reasoning", "thinking":
		return "" // the message has it outside the content, too
	default:
		f.left.add("parts of messages of an unknown kind")
	}
	return ""
}

// fileText returns the block or the placeholder for a file of a message.
func (f *imported) fileText(file fields) string {
	name := cmp.Or(file.text("name", "filename", "file_name"), file.object("file").text("filename"), "file")
	if strings.HasPrefix(file.text("type"), "image") {
		return f.imageText(file.text("url"), name)
	}
	text := cmp.Or(file.object("file").object("data").text("content"), file.object("data").text("content"))
	if text == "" {
		f.left.add("files")
		return "[" + oneLine(name) + "]"
	}
	return f.attachText(name, text)
}

// attach records an attachment and returns the line that stands for it in a text until
// attachParts makes a part of it.
func (f *imported) attach(name string, a chat.Attachment) string {
	if f.attached == nil {
		f.attached = map[string]chat.Attachment{}
	}
	f.attached[a.Digest] = a
	return attach.Draft(chat.Parts{a.Part(name)})
}

// attachText attaches the text of a file. One that is too long stays in the message.
func (f *imported) attachText(name, text string) string {
	text = chat.NormalizeText(text)
	a, err := chat.NewAttachment([]byte(text))
	if err != nil || a.MediaType != chat.TextType {
		return chat.FileBlock(name, text)
	}
	return f.attach(name, a)
}

// imageText returns the block of an image if the file contains it, or a placeholder.
func (f *imported) imageText(url, name string) string {
	head, encoded, found := strings.Cut(url, ",")
	if found && strings.HasPrefix(head, "data:") && strings.HasSuffix(head, ";base64") {
		data, err := base64.StdEncoding.DecodeString(encoded)
		if err == nil && chat.ImageType(data) != "" {
			if a, err := chat.NewAttachment(data); err == nil {
				return f.attach(name, a)
			}
		}
	}
	f.left.add("images")
	return "[image]"
}

// The block of a model's reasoning in Open WebUI.
var (
	reasoningBlock = lazyregexp.New(`(?s)<details type="reasoning"[^>]*>\s*(?:<summary>[^<]*</summary>)?(.*?)</details>`)
	quoteMark      = lazyregexp.New(`(?m)^> ?`)
)

// cutReasoning separates the reasoning from a text.
func cutReasoning(text string) (rest, thought string) {
	for _, m := range reasoningBlock.FindAllStringSubmatch(text, -1) {
		thought = joinText(thought, html.UnescapeString(quoteMark.ReplaceAllString(strings.TrimSpace(m[1]), "")))
	}
	if thought == "" {
		return strings.TrimSpace(text), ""
	}
	return strings.TrimSpace(reasoningBlock.ReplaceAllString(text, "")), thought
}
