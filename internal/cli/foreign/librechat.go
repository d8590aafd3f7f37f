package foreign

import (
	"cmp"
	"fmt"

	"chat"
)

// readLibreChat reads a conversation of LibreChat: a list or a tree of messages.
func readLibreChat(raw []byte, in fields) (*imported, error) {
	f := &imported{
		kind: "librechat", id: cmp.Or(in.text("conversationId"), contentID(raw)), title: in.text("title"),
		system:  cmp.Or(in.object("options").text("promptPrefix", "system"), in.text("promptPrefix")),
		created: in.time("createdAt"), updated: in.time("updatedAt"), left: LeftOut{},
	}
	model := cmp.Or(in.object("options").text("model"), in.text("model"))
	for _, key := range []string{"messages", "messagesTree"} {
		if len(f.messages) == 0 {
			f.libreMessages(in.list(key), "", model)
		}
	}
	if len(f.messages) == 0 {
		return f, EmptyError("it has no messages")
	}
	return f, nil
}

// libreStep is a list of messages to read.
type libreStep struct {
	list   []any
	parent string
}

func (f *imported) libreMessages(list []any, parent, model string) {
	for steps := []libreStep{{list, parent}}; len(steps) > 0; {
		step := steps[0]
		steps = steps[1:]
		for _, one := range step.list {
			message, ok := one.(map[string]any)
			if !ok {
				f.left.add("messages that cannot be read")
				continue
			}
			in := fields(message)
			m := importedMessage{Message: f.libreMessage(in, model), parent: cmp.Or(in.text("parentMessageId"), step.parent), order: len(f.messages)}
			m.ID = cmp.Or(in.text("messageId"), fmt.Sprintf("number %d", len(f.messages)+1))
			f.messages = append(f.messages, m)
			if children := in.list("children"); len(children) > 0 {
				steps = append(steps, libreStep{children, m.ID})
			}
		}
	}
}

func (f *imported) libreMessage(in fields, model string) chat.Message {
	m := chat.Message{CreatedAt: in.time("createdAt", "updatedAt")}
	text, thought := in.text("text"), ""
	var texts []string
	for _, one := range in.list("content") {
		part, _ := one.(map[string]any)
		switch p := fields(part); p.text("type") {
		case "text":
			texts = append(texts, cmp.Or(p.text("text"), p.object("text").text("value")))
		case "think":
			thought = joinText(thought, cmp.Or(p.text("think"), p.object("think").text("value")))
		case "tool_call":
			f.left.add("uses of tools")
		case "image_file":
			f.left.add("images")
			texts = append(texts, "[image]")
		default:
			f.left.add("parts of messages of an unknown kind")
		}
	}
	text = cmp.Or(joinTexts(texts), text)
	for range in.list("files") {
		f.left.add("files")
	}
	switch {
	case text == "" && thought == "":
	case in.flag("isCreatedByUser"):
		m.Role, m.Content = chat.RoleUser, text
	case in.flag("error"):
		m.Role, m.State = chat.RoleAssistant, chat.TaskFailed
		m.Error = chat.Errorf(chat.CodeProviderServer, "%s", oneLine(text))
	default:
		m.Role, m.Content, m.Reasoning, m.State = chat.RoleAssistant, text, thought, chat.TaskDone
		m.Model = cmp.Or(in.text("model"), model)
		if in.flag("unfinished") {
			m.State = chat.TaskInterrupted
		}
	}
	return m
}
