package foreign

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"chat"
)

// readMapping reads a conversation of the conversations.json of ChatGPT or DeepSeek: a
// mapping of nodes, with roots and system prompts that are often empty, and tool calls
// between the texts. DeepSeek has the same tree, but other messages.
func readMapping(raw []byte, in fields) (*imported, error) {
	f := &imported{
		kind: "chatgpt", id: cmp.Or(in.text("conversation_id"), in.text("id"), contentID(raw)), title: in.text("title"),
		created: in.time("create_time", "inserted_at"), updated: in.time("update_time", "updated_at"), current: in.text("current_node"), left: LeftOut{},
	}
	nodes, err := mappingNodes(in["mapping"])
	if err != nil {
		return f, err
	}
	if len(nodes) == 0 {
		return f, EmptyError("it has no messages")
	}
	model := in.text("default_model_slug")
	parents, places := listedParents(nodes)
	for _, id := range nodeOrder(nodes) {
		node, isNode := nodes[id].(map[string]any)
		m := importedMessage{parent: cmp.Or(fields(node).text("parent"), parents[id]), order: places[id]}
		switch message := fields(node)["message"].(type) {
		case map[string]any:
			m.Message = f.gptMessage(message, model)
		case nil:
			if !isNode {
				f.left.add("messages that cannot be read")
			}
		default:
			f.left.add("messages that cannot be read")
		}
		m.ID = id
		f.messages = append(f.messages, m)
	}
	return f, nil
}

// mappingNodes returns the nodes by id. Some programs write a list.
func mappingNodes(mapping any) (map[string]any, error) {
	switch v := mapping.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	case []any:
		nodes := map[string]any{}
		for i, node := range v {
			object, _ := node.(map[string]any)
			nodes[cmp.Or(fields(object).text("id"), fmt.Sprintf("number %d", i+1))] = node
		}
		return nodes, nil
	}
	return nil, fmt.Errorf("its mapping is %s, but must be an object with its messages", kindOf(mapping))
}

// nodeOrder returns the ids ordered by time, then by id.
func nodeOrder(nodes map[string]any) []string {
	ids := make([]string, 0, len(nodes))
	at := make(map[string]int64, len(nodes))
	for id, node := range nodes {
		ids = append(ids, id)
		object, _ := node.(map[string]any)
		at[id] = fields(object).object("message").time("create_time", "inserted_at").UnixNano()
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(at[a], at[b]), strings.Compare(a, b)) })
	return ids
}

// listedParents returns the parents according to the lists of children, and the positions in them.
func listedParents(nodes map[string]any) (parents map[string]string, places map[string]int) {
	parents, places = map[string]string{}, map[string]int{}
	for id, node := range nodes {
		object, _ := node.(map[string]any)
		for i, child := range fields(object).list("children") {
			if name, ok := child.(string); ok && name != id {
				if known, twice := parents[name]; !twice || id < known {
					parents[name], places[name] = id, i
				}
			}
		}
	}
	return parents, places
}

// gptMessage returns the visible part of a message.
func (f *imported) gptMessage(in fields, model string) chat.Message {
	if fragments := in.list("fragments"); fragments != nil || in.object("author") == nil && in["content"] != nil {
		return f.deepSeekMessage(in, fragments)
	}
	metadata, content := in.object("metadata"), in.object("content")
	m := chat.Message{CreatedAt: in.time("create_time")}
	role := in.object("author").text("role")
	text, known := f.gptText(content, role)
	thought := gptReasoning(content)
	to := in.text("recipient")
	switch {
	case text == "" && thought == "" && known:
		return m
	case metadata.flag("is_visually_hidden_from_conversation"):
		f.left.add("hidden messages")
		return m
	case role == "tool" || role == "assistant" && to != "" && to != "all" || !known:
		f.left.add("messages of tools")
		return m
	case role == "system":
		if f.system == "" {
			f.system = text
		}
		return m
	case role == "user":
		m.Role, m.Content = chat.RoleUser, text
		return m
	case role != "assistant":
		f.left.add("messages of unknown authors")
		return m
	}
	m.Role, m.Content, m.Reasoning = chat.RoleAssistant, text, thought
	m.Model = cmp.Or(metadata.text("model_slug"), model)
	m.State, m.FinishReason = chat.TaskDone, "stop"
	switch metadata.object("finish_details").text("type") {
	case "max_tokens":
		m.FinishReason = "length"
	case "interrupted":
		m.State, m.FinishReason = chat.TaskCancelled, ""
	}
	return m
}

// gptText returns the visible text of a content. Known is false for the input or output
// of a tool.
func (f *imported) gptText(content fields, role string) (text string, known bool) {
	switch content.text("content_type") {
	case "text", "multimodal_text", "":
	case "code":
		return strings.TrimSpace(content.text("text")), true
	case "thoughts", "reasoning_recap", "user_editable_context", "model_editable_context":
		return "", true
	default:
		return "", false
	}
	var parts []string
	for _, part := range content.list("parts") {
		switch v := part.(type) {
		case string:
			parts = append(parts, v)
		case map[string]any:
			parts = append(parts, f.gptPart(v, role))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, content.text("text"))
	}
	return strings.TrimSpace(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n\n")), true
}

// gptPart returns the text of a part of a message, or a placeholder.
func (f *imported) gptPart(part fields, role string) string {
	kind := part.text("content_type")
	switch {
	case part.text("text") != "":
		return part.text("text") // a transcript
	case strings.HasPrefix(kind, "image"):
		if role != "tool" {
			f.left.add("images")
		}
		return "[image]"
	case strings.Contains(kind, "audio"), strings.Contains(kind, "video"):
		f.left.add("recordings")
	default:
		f.left.add("parts of messages of an unknown kind")
	}
	return ""
}

func gptReasoning(content fields) string {
	var parts []string
	for _, thought := range content.list("thoughts") {
		if t, ok := thought.(map[string]any); ok {
			parts = append(parts, strings.TrimSpace(fields(t).text("summary")+"\n"+fields(t).text("content")))
		}
	}
	return strings.TrimSpace(strings.Join(parts, "\n\n"))
}

// deepSeekMessage reads a message of DeepSeek: fragments, or in older files content and
// reasoning_content.
func (f *imported) deepSeekMessage(in fields, fragments []any) chat.Message {
	m := chat.Message{CreatedAt: in.time("inserted_at"), Role: chat.RoleAssistant, Model: in.text("model")}
	m.Content, m.Reasoning = in.text("content"), in.text("reasoning_content")
	for _, one := range fragments {
		part, _ := one.(map[string]any)
		text := fields(part).text("content")
		switch fields(part).text("type") {
		case "REQUEST":
			m.Role, m.Content = chat.RoleUser, joinText(m.Content, text)
		case "THINK":
			m.Reasoning = joinText(m.Reasoning, text)
		case "RESPONSE":
			m.Content = joinText(m.Content, text)
		default:
			f.left.add("uses of tools")
		}
	}
	if strings.EqualFold(in.text("role"), "user") {
		m.Role = chat.RoleUser
	}
	for range in.list("files") {
		f.left.add("files")
	}
	switch {
	case m.Content == "" && m.Reasoning == "":
		m.Role = ""
	case m.Role == chat.RoleUser:
		m.Model = ""
	default:
		m.State = chat.TaskDone
	}
	return m
}
