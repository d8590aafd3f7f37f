package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"chat"
	"chat/daemon/client"
)

// defaultPatience is how long a list waits to hear which model is the default.
const defaultPatience = time.Second

// defaultModel is the model that answers where none is named, "" if that cannot be
// told soon.
func defaultModel(ctx context.Context, cl *client.Client) string {
	ctx, cancel := context.WithTimeout(ctx, defaultPatience)
	defer cancel()
	list, _ := cl.Models(ctx) // it may come with an error, and nobody needs that here
	for _, m := range list {
		if m.Default {
			return m.ID
		}
	}
	return ""
}

// listedConversation is a conversation of a list. DefaultModel is the model that
// answers in it if it names none.
type listedConversation struct {
	chat.Conversation
	DefaultModel string `json:"default_model,omitempty"`
}

// withDefaults are conversations with the model that will answer in them.
func withDefaults(ctx context.Context, cl *client.Client, list []chat.Conversation) []listedConversation {
	named, asked := "", false
	out := make([]listedConversation, len(list))
	for i, conv := range list {
		if conv.Model == "" && !asked {
			named, asked = defaultModel(ctx, cl), true
		}
		out[i].Conversation = conv
		if conv.Model == "" {
			out[i].DefaultModel = named
		}
	}
	return out
}

// listedTask is a task of a list: a task by the names that all objects use for it,
// too. AnsweredBy is the model of one that names none: that which answered, or the
// default one while it has not ended.
type listedTask struct {
	chat.Task
	TaskID     string `json:"task_id"`
	Status     string `json:"status"`
	AnsweredBy string `json:"answered_by,omitempty"`
}

// withModels are tasks with the models that answer them.
func withModels(ctx context.Context, cl *client.Client, tasks []chat.Task) []listedTask {
	named, asked := "", false
	models := map[string]map[string]string{} // of messages, by conversation
	out := make([]listedTask, len(tasks))
	for i, t := range tasks {
		out[i] = listedTask{Task: t, TaskID: t.ID, Status: string(t.State), AnsweredBy: t.Model}
		if t.Model != "" {
			continue
		}
		if _, known := models[t.ConversationID]; !known && t.State.Terminal() {
			models[t.ConversationID] = modelsOf(ctx, cl, t.ConversationID)
		}
		if !t.State.Terminal() && !asked {
			named, asked = defaultModel(ctx, cl), true
		}
		if t.State.Terminal() {
			out[i].AnsweredBy = models[t.ConversationID][t.MessageID]
		} else {
			out[i].AnsweredBy = cmp.Or(models[t.ConversationID][t.MessageID], named)
		}
	}
	return out
}

// modelsOf are the models of a conversation's messages.
func modelsOf(ctx context.Context, cl *client.Client, id string) map[string]string {
	models := map[string]string{}
	messages, err := cl.Messages(ctx, id)
	if err != nil {
		return models // it may have been deleted meanwhile
	}
	for _, m := range messages {
		models[m.ID] = m.Model
	}
	return models
}

// unnamed reports whether a message is an answer on its way by the default model.
func unnamed(m chat.Message) bool {
	return m.Role == chat.RoleAssistant && m.Model == "" && m.State != "" && !m.State.Terminal()
}

// unnamedModel is the default model, if one of the messages is unnamed.
func unnamedModel(ctx context.Context, cl *client.Client, messages []chat.Message) string {
	if !slices.ContainsFunc(messages, unnamed) {
		return ""
	}
	return defaultModel(ctx, cl)
}
