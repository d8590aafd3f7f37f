package modeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func post(t *testing.T, base, model, content string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	data, err := json.Marshal(map[string]any{"model": model, "messages": []any{map[string]string{"role": "user", "content": content}}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/chat/completions", strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, string(all) + err.Error()
	}
	return resp.StatusCode, string(all)
}

func TestADirectiveIsInTheMessageOrTheModel(t *testing.T) {
	s := New(t)
	if status, body := post(t, s.URL, "m", "lie: chunks=2 nousage\nand a question"); status != 200 || strings.Count(body, "data: ") != 4 {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := post(t, s.URL, "lie:chunks=2,status=418", "hello"); status != 418 {
		t.Errorf("status %d", status)
	}
	if status, body := post(t, s.URL, "m", "lie: chunk=2"); status != 400 || !strings.Contains(body, "no such word") {
		t.Errorf("%d %s", status, body)
	}
	calls := s.Calls()
	if len(calls) != 3 || calls[0].Sent != Answer(1, 2) || calls[0].End != endDone || calls[1].Directive != "lie:chunks=2,status=418" {
		t.Errorf("%+v", calls)
	}
}

func TestFunctionsAreCalled(t *testing.T) {
	s := New(t)
	const tools = `"tools":[{"type":"function","function":{"name":"get_time"}}]`
	said := func(messages string) string { return `{"model":"m",` + tools + `,"messages":[` + messages + `]}` }
	call := `"function":{"name":"get_time","arguments":"{"}`
	for body, want := range map[string][]string{
		said(`{"role":"user","content":"What time is it?"}`):                                                                      {call, `"finish_reason":"tool_calls"`},
		said(`{"role":"user","content":"lie: chunks=1"}`):                                                                         {"t0 ", `"finish_reason":"stop"`},
		said(`{"role":"user","content":"lie: chunks=1 tool=get_city args=%7B%22a%22%3A1%7D"}`):                                    {"t0 ", `"get_city"`, `"arguments":"{\"a"`, `"arguments":"\":1}"`},
		said(`{"role":"user","content":"What time is it?"},{"role":"assistant","content":null},{"role":"tool","content":"noon"}`): {"t9 ", `"finish_reason":"stop"`},
	} {
		res, err := http.Post(s.URL+"/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(got), w) {
				t.Errorf("%s: no %s in %s", body, w, got)
			}
		}
	}
}

func TestFailLiesOnlyAtFirst(t *testing.T) {
	s := New(t)
	for _, lie := range []string{"lie: fail=2", "lie: fail=2 status=429 tag=a", "lie: fail=2 cut=1"} {
		var got []string
		for range 4 {
			status, body := post(t, s.URL, "m", lie)
			got = append(got, fmt.Sprint(status, strings.Contains(body, "[DONE]")))
		}
		if got[0] == got[2] || got[0] != got[1] || got[2] != "200 true" || got[3] != "200 true" {
			t.Errorf("%s: %v", lie, got)
		}
	}
}

func TestTheRecordIsServed(t *testing.T) {
	s := New(t)
	post(t, s.URL, "m", "lie: chunks=1 reasoning=1")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/calls", nil))
	var calls []Call
	if err := json.Unmarshal(w.Body.Bytes(), &calls); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 1 || calls[0].Sent != "c1t0 " || calls[0].Reasoning != "c1r0 " || calls[0].Tokens != 2 || calls[0].Gone() {
		t.Errorf("%+v", calls)
	}
}

func TestGatedTokensWaitForSteps(t *testing.T) {
	s := New(t)
	done := make(chan string, 1)
	go func() {
		_, body := post(t, s.URL, "m", "lie: chunks=3 gate nousage nofinish")
		done <- body
	}()
	for i := range 3 {
		s.Step(1)
		err := s.Wait(t.Context(), func(c []Call) bool { return len(c) == 1 && c[0].Tokens == i+1 })
		if err != nil {
			t.Fatal(err)
		}
	}
	if body := <-done; !strings.Contains(body, "c1t2 ") {
		t.Error(body)
	}
}
