// Package listing prints lists of conversations, tasks and usage. It adds the default model
// where none is named.
package listing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/output"
)

// defaultModelTimeout limits how long a list waits for the default model.
const defaultModelTimeout = time.Second

// defaultModel returns the default model, or "" if the server does not answer in time.
func defaultModel(ctx context.Context, cl *client.Client) string {
	ctx, cancel := context.WithTimeout(ctx, defaultModelTimeout)
	defer cancel()
	list, _ := cl.Models(ctx) // the name is optional, so ignore errors
	for _, m := range list {
		if m.Default {
			return m.ID
		}
	}
	return ""
}

// Conversation is a listed conversation. DefaultModel is set if it names no model.
type Conversation struct {
	chat.Conversation
	DefaultModel string `json:"default_model,omitempty"`
}

// WithDefaults adds the default model to conversations that name no model.
func WithDefaults(ctx context.Context, cl *client.Client, list []chat.Conversation) []Conversation {
	named, asked := "", false
	out := make([]Conversation, len(list))
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

// Task is a listed task. It repeats the id and the state under the names that other
// objects use. AnsweredBy is the model of the task, else the model that answered, else
// the default model if the task has not ended.
type Task struct {
	chat.Task
	TaskID     string `json:"task_id"`
	Status     string `json:"status"`
	AnsweredBy string `json:"answered_by,omitempty"`
}

// WithModels adds the models that answer the tasks.
func WithModels(ctx context.Context, cl *client.Client, tasks []chat.Task) []Task {
	named, asked := "", false
	models := map[string]map[string]string{} // of messages, by conversation
	out := make([]Task, len(tasks))
	for i, t := range tasks {
		out[i] = Task{Task: t, TaskID: t.ID, Status: string(t.State), AnsweredBy: t.Model}
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

// modelsOf returns the models of a conversation's messages, by message id.
func modelsOf(ctx context.Context, cl *client.Client, id string) map[string]string {
	models := map[string]string{}
	messages, err := cl.Messages(ctx, id)
	if err != nil {
		return models // the conversation may be deleted
	}
	for _, m := range messages {
		models[m.ID] = m.Model
	}
	return models
}

// LacksModel reports whether a message is an unfinished answer without a model.
func LacksModel(m chat.Message) bool {
	return m.Role == chat.RoleAssistant && m.Model == "" && m.State != "" && !m.State.Terminal()
}

// DefaultFor returns the default model if a message lacks a model.
func DefaultFor(ctx context.Context, cl *client.Client, messages []chat.Message) string {
	if !slices.ContainsFunc(messages, LacksModel) {
		return ""
	}
	return defaultModel(ctx, cl)
}

// UnlistedDefault returns the warning that the default model may not exist.
func UnlistedDefault(model string) string {
	return fmt.Sprintf("the provider does not list the default model %s: check its name (chat models), or set another one (chat config set model NAME)", model)
}

// Models returns the table of models: with their context, in tokens, and their prices, in
// dollars per million tokens of input and output, if any is known.
func Models(models []chat.Model) ([]output.Column, [][]string) {
	hasContext := slices.ContainsFunc(models, func(m chat.Model) bool { return m.Context > 0 })
	hasPrice := slices.ContainsFunc(models, func(m chat.Model) bool { return m.HasPrice() })
	columns := []output.Column{{Head: "MODEL", MinWidth: 16}, {Head: "PROVIDER", MinWidth: 6, DropOrder: 1}}
	if hasContext {
		columns = append(columns, output.Column{Head: "CONTEXT", DropOrder: 2})
	}
	if hasPrice {
		columns = append(columns, output.Column{Head: "PRICE", DropOrder: 3})
	}
	columns = append(columns, output.Column{Head: "DEFAULT"})
	var rows [][]string
	for _, m := range models {
		row := []string{m.ID, m.Provider}
		if hasContext {
			row = append(row, unlessZero(float64(m.Context), strconv.Itoa(m.Context)))
		}
		if hasPrice {
			row = append(row, unlessZero(m.InputPrice+m.OutputPrice, fmt.Sprintf("$%s/%s", dollars(m.InputPrice), dollars(m.OutputPrice))))
		}
		mark := ""
		if m.Default {
			mark = "*"
		}
		rows = append(rows, append(row, mark))
	}
	return columns, rows
}

func unlessZero(n float64, text string) string {
	if n == 0 {
		return ""
	}
	return text
}

func dollars(price float64) string { return strconv.FormatFloat(price, 'g', 4, 64) }
