package openai

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// ollama is the name of the local server that has a list of loaded models beside OpenAI's.
const ollama = "ollama"

// addLoaded adds the context of the models that Ollama has loaded: the size that it truncates to,
// which may be less than the model's own. Of models that are not loaded it is not known, and a
// server that does not say it changes nothing.
func (e *endpoint) addLoaded(ctx context.Context, entries []modelEntry) {
	root, found := strings.CutSuffix(e.Base, "/v1")
	if !found {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, root+"/api/ps", nil)
	if err != nil {
		return
	}
	resp, err := e.roundTrip(req)
	if err != nil {
		return
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or not wanted
	body, err := e.ReadList(ctx, resp)
	var loaded struct {
		Models []struct {
			Model         string          `json:"model"`
			ContextLength json.RawMessage `json:"context_length"`
		} `json:"models"`
	}
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &loaded) != nil {
		return
	}
	for _, m := range loaded.Models {
		for i := range entries {
			if string(entries[i].ID) == m.Model {
				entries[i].ContextLength = m.ContextLength
			}
		}
	}
}
