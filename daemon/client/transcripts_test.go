package client

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"chat"
	"chat/internal/transcript"
)

func TestAnImportIsRepeatedUntilTheServerHasRoom(t *testing.T) {
	var n atomic.Int32
	c := serve(t, quick(), func(w http.ResponseWriter, r *http.Request) {
		var got transcript.Transcript
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || got.ID != "c1" || len(got.Messages) != 1 || r.URL.RequestURI() != "/conversations/import?dry_run=true" {
			t.Errorf("%s: %+v, %v", r.URL.RequestURI(), got, err)
		}
		if n.Add(1) == 1 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"code":"unavailable","detail":"busy","retryable":true}`)
			return
		}
		_, _ = io.WriteString(w, `{"conversation_id":"c1","status":"extended","messages":1,"added":1}`)
	})
	got, err := c.Import(t.Context(), transcript.Transcript{Conversation: chat.Conversation{ID: "c1"}, Messages: []chat.Message{{ID: "m1"}}}, true)
	if want := (transcript.Imported{ConversationID: "c1", Status: transcript.ImportExtended, Messages: 1, Added: 1}); err != nil || got != want || n.Load() != 2 {
		t.Errorf("%+v, %v after %d", got, err, n.Load())
	}
}

func TestAForkIsRepeatedWithItsKey(t *testing.T) {
	var keys []string
	c := serve(t, quick(), func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"message_id":"m1"}` || r.URL.Path != "/conversations/c1/fork" {
			t.Errorf("%s: %s, %v", r.URL.Path, body, err)
		}
		if len(keys) == 1 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"c2"}`)
	})
	got, err := c.Fork(t.Context(), "c1", Fork{MessageID: "m1"}, "")
	if err != nil || got.ID != "c2" || len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] {
		t.Errorf("%+v, %v with %q", got, err, keys)
	}
}
