package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/completion"
	"chat/daemon/model/transport"
)

// modelEntry is one entry of GET /models.
type modelEntry struct {
	ID     label `json:"id"`
	Object label `json:"object"`
	Model  label `json:"model"` // in place of id: Ollama's own list
	Name   label `json:"name"`  // in place of id: Cohere, and others that are not quite like OpenAI
	entryMetadata
}

// label is a string. A number is read as its digits, any other value as "".
type label string

func (l *label) UnmarshalJSON(raw []byte) error {
	var number json.Number
	*l = ""
	switch {
	case json.Unmarshal(raw, (*string)(l)) == nil:
	case json.Unmarshal(raw, &number) == nil:
		*l = label(number)
	}
	return nil
}

// modelList is a response to GET /models.
type modelList struct {
	entries []modelEntry
	proper  bool // its object is "list", as OpenAI's is
}

// errNoList says that the server has no list of models.
var errNoList = errors.New("the server does not list its models")

// models fetches the list of models.
func (e *endpoint) models(ctx context.Context) (modelList, error) {
	if e.deployment != "" {
		return modelList{}, errNoList // there is none below a deployment, which is one model
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Base+"/models", nil)
	if err != nil {
		return modelList{}, e.ConnectError(err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := e.roundTrip(req)
	if err != nil {
		return modelList{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or not wanted
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		return modelList{}, errNoList
	}
	if err := e.Check(resp, ""); err != nil {
		return modelList{}, err
	}
	body, err := e.ReadList(ctx, resp)
	if err != nil {
		return modelList{}, err
	}
	list, err := e.decodeModels(body)
	if err == nil && e.Name == ollama {
		e.addLoaded(ctx, list.entries)
	}
	return list, err
}

// decodeModels reads {"data":[…]}, {"models":[…]}, or the bare array that some servers
// send. A server without models may omit the list, or send null.
func (e *endpoint) decodeModels(body []byte) (modelList, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte(apierror.ByteOrderMark)))
	var list struct {
		Object string          `json:"object"`
		Data   json.RawMessage `json:"data"`
		Models json.RawMessage `json:"models"`
		Error  json.RawMessage `json:"error"`
	}
	if bytes.HasPrefix(body, []byte("[")) {
		list.Data = body
	} else if err := json.Unmarshal(body, &list); err != nil {
		return modelList{}, e.ProtocolError("sent a list of models that is not one", err)
	}
	if !completion.Present(list.Data) && completion.Present(list.Models) {
		list.Data = list.Models
	}
	switch {
	case completion.Present(list.Error):
		return modelList{}, e.StreamError(body, "")
	case !completion.Present(list.Data) && list.Data == nil && list.Models == nil && list.Object != "list":
		return modelList{}, e.ProtocolError("sent a list of models that is not one", nil)
	}
	var raw []json.RawMessage
	if completion.Present(list.Data) {
		if err := json.Unmarshal(list.Data, &raw); err != nil {
			return modelList{}, e.ProtocolError("sent a list of models that is not one", err)
		}
	}
	out := modelList{proper: list.Object == "list" && list.Data != nil}
	for _, r := range raw {
		if m, ok := decodeEntry(r); ok {
			out.entries = append(out.entries, m)
		}
	}
	return out, nil
}

// decodeEntry reads an entry, which may be just a name. ok is false if it has no name.
func decodeEntry(raw json.RawMessage) (modelEntry, bool) {
	var m modelEntry
	if bytes.HasPrefix(raw, []byte(`"`)) {
		return m, json.Unmarshal(raw, &m.ID) == nil && m.ID != ""
	}
	if json.Unmarshal(raw, &m) != nil {
		return m, false
	}
	for _, name := range []label{m.Model, m.Name} {
		if m.ID == "" {
			m.ID = name
		}
	}
	return m, m.ID != ""
}

// noModels says that a server has no model that could answer.
func (e *endpoint) noModels() *chat.Error {
	how := ""
	if e.Name == "ollama" {
		how = fmt.Sprintf(" (%q)", "ollama pull llama3.2")
	}
	return chat.Errorf(chat.CodeProviderModel, "%s has no models: pull one%s", e.Host, how)
}

// genuine returns usable(entries) if they are a list as OpenAI's servers send it, and
// nothing if another program listens there.
func genuine(entries []modelEntry) []string {
	for _, m := range entries {
		if m.Object != "model" || m.ID == "" {
			return nil
		}
	}
	return usable(entries)
}

// usable returns the ids that can be displayed and can chat, in the provider's order.
func usable(entries []modelEntry) []string {
	var ids []string
	for _, m := range entries {
		id := string(m.ID)
		if id != "" && id == model.OneLine(id, model.MaxID) && canChat(id) && len(ids) < transport.MaxModels && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// canChat reports whether a model is not of another kind. Such models can still be named.
func canChat(id string) bool {
	for _, other := range []string{
		"embed", "whisper", "tts", "dall-e", "moderation", "rerank", "transcribe",
		"gpt-image", "sora", "realtime", "babbage-002", "davinci-002",
	} {
		if strings.Contains(strings.ToLower(id), other) {
			return false
		}
	}
	return true
}
