package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chat/daemon/api"
)

// signedIn returns a harness with sessions, and what a browser sends that is signed in.
func signedIn(t *testing.T) (h *harness, cookie with, own with) {
	t.Helper()
	h = newHarness(t, api.Options{SessionKey: func() []byte { return []byte("a key") }})
	a := h.remote("POST", "/web/session", `{"token":"`+token+`"}`)
	if a.status != http.StatusNoContent {
		t.Fatalf("signing in: %d %s", a.status, a.body)
	}
	return h, header("Cookie", strings.Split(a.header.Get("Set-Cookie"), ";")[0]), header("Origin", h.tcp)
}

func TestSessions(t *testing.T) {
	t.Parallel()
	h, cookie, own := signedIn(t)
	a := h.remote("POST", "/web/session", `{"token":"`+token+`"}`, own, header("X-Forwarded-Proto", "https"), header("Origin", strings.Replace(h.tcp, "http", "https", 1)))
	for _, attribute := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Secure", "Max-Age=2592000"} {
		if !strings.Contains(a.header.Get("Set-Cookie"), "; "+attribute) {
			t.Errorf("the cookie lacks %s: %s", attribute, a.header.Get("Set-Cookie"))
		}
	}
	if a := h.remote("GET", "/tasks", "", cookie); a.status != http.StatusOK {
		t.Errorf("with the cookie: %d %s", a.status, a.body)
	}
	for body, want := range map[string]int{
		`{"token":"wrong"}`: 401, `{"code":"wrong"}`: 401, `{}`: 401, `{"token":""}`: 401, `[]`: 400, `{"token":"` + strings.Repeat("x", 5000) + `"}`: 400,
	} {
		if a := h.remote("POST", "/web/session", body); a.status != want || a.header.Get("Set-Cookie") != "" {
			t.Errorf("signing in with %.40s: %d %s", body, a.status, a.body)
		}
	}
	for name, change := range map[string]with{
		"another cookie": header("Cookie", "chat_session=x"), "a forged one": func(r *http.Request) {
			cookie(r)
			r.Header.Set("Cookie", r.Header.Get("Cookie")[:len(r.Header.Get("Cookie"))-2]+"AA")
		},
		"a wrong token beside it": func(r *http.Request) { cookie(r); bearer("wrong_token_of_another")(r) },
	} {
		if a := h.remote("GET", "/tasks", "", change); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := h.remote("DELETE", "/web/session", "", cookie, own); a.status != http.StatusNoContent || !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signing out: %d %s", a.status, a.header)
	}
	for path, want := range map[string]string{"/web/session": `{"local":false,"signed_in":false}`} {
		if a := h.remote("GET", path, ""); strings.TrimSpace(string(a.body)) != want {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	if a := h.remote("GET", "/web/session", "", cookie); strings.TrimSpace(string(a.body)) != `{"local":false,"signed_in":true}` {
		t.Errorf("with the cookie: %s", a.body)
	}
}

// Only the server's own page may use its cookie.
func TestSessionsAreForTheOwnPage(t *testing.T) {
	t.Parallel()
	h, cookie, own := signedIn(t)
	site := func(s string) with { return header("Sec-Fetch-Site", s) }
	none := func(*http.Request) {}
	for _, c := range []struct {
		method, path string
		from         with
		want         int
	}{
		{"GET", "/tasks", none, 200},
		{"GET", "/tasks", own, 200},
		{"GET", "/tasks", site("same-origin"), 200},
		{"GET", "/tasks", site("none"), 200},
		{"GET", "/tasks", site("same-site"), 401},
		{"GET", "/tasks", site("cross-site"), 401},
		{"POST", "/conversations", own, 201},
		{"POST", "/conversations", site("same-origin"), 201},
		{"POST", "/conversations", none, 401},
		{"POST", "/conversations", site("same-site"), 401},
		{"POST", "/conversations", site("none"), 401},
		{"POST", "/conversations", header("Origin", "http://localhost:1"), 403},
		{"POST", "/conversations", header("Origin", "null"), 403},
		{"POST", "/conversations", header("Origin", "https://evil.example"), 403},
		{"GET", "/tasks", header("Origin", "https://evil.example"), 403},
		{"POST", "/conversations", func(r *http.Request) { own(r); site("cross-site")(r) }, 401},
		{"POST", "/conversations", func(r *http.Request) { own(r); header("X-Forwarded-Proto", "https")(r) }, 403}, // the page is http
		{"DELETE", "/web/session", none, 401},
	} {
		if a := h.remote(c.method, c.path, "", cookie, c.from); a.status != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, a.status, c.want, a.body)
		}
	}
	for _, from := range []with{header("Origin", "https://evil.example"), site("cross-site"), site("same-site")} {
		if a := h.remote("POST", "/web/session", `{"token":"`+token+`"}`, from); a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
			t.Errorf("signing in from elsewhere: %d", a.status)
		}
	}
	// A name that is not the server's is refused before anything else, whatever Origin says.
	if a := h.remote("GET", "/", "", host("evil.example"), header("Origin", "http://evil.example")); a.status != http.StatusForbidden {
		t.Errorf("a rebound name: %d", a.status)
	}
	socket := func(h *harness, change with) error {
		r := h.request(h.tcp, "GET", "/", "", cookie, change)
		c, _, err := h.dialSocket(h.tcp, r.Header) //nolint:bodyclose // the library closes it
		if err != nil {
			return err
		}
		c.say(`{"type":"hello"}`)
		if m := c.next(); m.Type != "ready" {
			return errors.New(m.Type)
		}
		return nil
	}
	if err := socket(h, own); err != nil {
		t.Errorf("the socket of the page: %v", err)
	}
	for _, change := range []with{none, header("Origin", "https://evil.example"), site("same-site")} {
		if err := socket(h, change); err == nil {
			t.Error("the socket of another page is served")
		}
	}
}

// Without a token there are no sessions, and another token ends them.
func TestSessionsDependOnTheToken(t *testing.T) {
	t.Parallel()
	var key atomic.Pointer[string]
	h := newHarness(t, api.Options{SessionKey: func() []byte {
		if k := key.Load(); k != nil {
			return []byte(*k)
		}
		return nil
	}})
	if a := h.remote("POST", "/web/session", `{"token":"`+token+`"}`); a.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", a.status)
	}
	first, second := "first", "second"
	key.Store(&first)
	cookie := header("Cookie", strings.Split(h.remote("POST", "/web/session", `{"token":"`+token+`"}`).header.Get("Set-Cookie"), ";")[0])
	if a := h.remote("GET", "/tasks", "", cookie); a.status != http.StatusOK {
		t.Errorf("with its key: %d", a.status)
	}
	key.Store(&second)
	if a := h.remote("GET", "/tasks", "", cookie); a.status != http.StatusUnauthorized {
		t.Errorf("after the key has changed: %d", a.status)
	}
}

func TestOpeningThePage(t *testing.T) {
	t.Parallel()
	var asked []string
	h := newHarness(t, api.Options{
		SessionKey: func() []byte { return []byte("a key") },
		ListenWeb: func(_ context.Context, address string) (string, error) {
			asked = append(asked, address)
			return "127.0.0.1:4000", nil
		},
	})
	open := func(body string) (base, code string) {
		a := h.call("POST", "/web/open", body)
		var out struct{ URL string }
		a.into(t, &out)
		base, code, _ = strings.Cut(out.URL, "#code=")
		return base, code
	}
	base, code := open(`{}`)
	if base != "http://127.0.0.1:4000/" || len(code) < 20 {
		t.Fatalf("the address is %s with the code %s", base, code)
	}
	open(`{"address":"192.0.2.1"}`)
	if strings.Join(asked, ",") != ",192.0.2.1" {
		t.Errorf("listened on %q", asked)
	}
	if a := h.remote("POST", "/web/session", `{"code":"`+code+`"}`); a.status != http.StatusNoContent || a.header.Get("Set-Cookie") == "" {
		t.Errorf("the code: %d %s", a.status, a.body)
	}
	if a := h.remote("POST", "/web/session", `{"code":"`+code+`"}`); a.status != http.StatusUnauthorized {
		t.Errorf("the code, a second time: %d %s", a.status, a.body)
	}
	if a := h.remote("POST", "/web/open", `{}`, bearer(token)); a.status != http.StatusNotFound {
		t.Errorf("over TCP: %d %s", a.status, a.body)
	}
	if a := newHarness(t, api.Options{}).call("POST", "/web/open", `{}`); a.status != http.StatusNotFound {
		t.Errorf("a server that is not local: %d %s", a.status, a.body)
	}
}

// Of many browsers that use a code at the same time, one signs in.
func TestACodeSignsInOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{
		SessionKey: func() []byte { return []byte("a key") },
		ListenWeb:  func(context.Context, string) (string, error) { return "127.0.0.1:4000", nil },
	})
	var out struct{ URL string }
	h.call("POST", "/web/open", `{}`).into(t, &out)
	_, code, _ := strings.Cut(out.URL, "#code=")
	var signedIn, refused atomic.Int32
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			switch a := h.remote("POST", "/web/session", `{"code":"`+code+`"}`); {
			case a.status == http.StatusNoContent && a.header.Get("Set-Cookie") != "":
				signedIn.Add(1)
			case a.status == http.StatusUnauthorized && a.header.Get("Set-Cookie") == "":
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if signedIn.Load() != 1 || refused.Load() != 39 {
		t.Errorf("%d browsers signed in, %d were refused", signedIn.Load(), refused.Load())
	}
}

// No response can be framed, sniffed, embedded by another site or found in a cache, and none
// allows another origin to read it.
func TestResponsesStayInThePage(t *testing.T) {
	t.Parallel()
	h, cookie, own := signedIn(t)
	acc := h.finished("private")
	var file struct{ Digest string }
	h.call("POST", "/attachments", "<script>alert(1)</script>", header("Content-Type", "application/octet-stream")).into(t, &file)
	for path, status := range map[string]int{
		"/": 200, "/web/app.js": 200, "/web/style.css": 200, "/web/session": 200, "/web/conversations/" + acc.ConversationID: 200, "/web/stream/" + acc.TaskID: 200, "/stream/" + acc.TaskID: 200,
		"/conversations": 200, "/search?q=private": 200, "/attachments/" + file.Digest: 200, "/conversations/" + unknownID: 404, "/web/nothing": 404, "/web/session/": 404, "/%3Cscript%3E": 404,
	} {
		for name, change := range map[string]with{"with a session": cookie, "without": func(*http.Request) {}} {
			a := h.remote("GET", path, "", change, own)
			want := status
			if name == "without" && !strings.HasPrefix(path, "/web/app") && path != "/" && path != "/web/style.css" && path != "/web/session" {
				want = http.StatusUnauthorized
			}
			if a.status != want {
				t.Errorf("%s %s: %d, want %d", path, name, a.status, want)
			}
			for key, value := range map[string]string{
				"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if !strings.Contains(a.header.Get(key), value) {
					t.Errorf("%s %s has %s %q", path, name, key, a.header.Get(key))
				}
			}
			static := path == "/" || path == "/web/app.js" || path == "/web/style.css"
			if !static && !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s %s may be stored: %q", path, name, a.header.Get("Cache-Control"))
			}
			if a.header.Get("Access-Control-Allow-Origin") != "" || !static && strings.Contains(a.header.Get("Content-Type"), "html") {
				t.Errorf("%s %s: %v", path, name, a.header)
			}
			if strings.HasPrefix(path, "/attachments/") && name == "with a session" && (a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("Content-Disposition") != "attachment") {
				t.Errorf("the file is served as %v", a.header)
			}
		}
	}
}

func TestThePageIsSmallAndStrict(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	total := 0
	for _, path := range []string{"/", "/web/app.js", "/web/style.css"} {
		a := h.remote("GET", path, "", header("Accept-Encoding", "br, gzip"))
		if a.status != http.StatusOK || a.header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %d %v", path, a.status, a.header)
		}
		total += len(a.body)
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		h.must(err)
		text, err := io.ReadAll(z)
		h.must(err)
		plain := h.remote("GET", path, "", header("Accept-Encoding", "identity"))
		if !bytes.Equal(text, plain.body) || len(text) == 0 {
			t.Errorf("%s differs when it is compressed", path)
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'; script-src 'self'; style-src 'self'; ") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s has the policy %s", path, csp)
		}
		if a := h.remote("GET", path, "", header("If-None-Match", "W/"+a.header.Get("ETag"))); a.status != http.StatusNotModified || len(a.body) != 0 {
			t.Errorf("%s again: %d", path, a.status)
		}
		for _, bad := range []string{"http://", "https://", "<script>", " style=", " onclick=", "eval("} {
			if strings.Contains(strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", ""), bad) {
				t.Errorf("%s contains %s", path, bad)
			}
		}
	}
	if total > 60<<10 {
		t.Errorf("the first load has %d bytes, more than 60 KiB", total)
	}
	if a := h.remote("GET", "/tasks", "", bearer(token)); a.header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("the API has the policy %s", a.header.Get("Content-Security-Policy"))
	}
}

// webView is what the page gets of a conversation.
type webView struct {
	ID, Title, Before, After, Leaf string
	Messages                       []struct {
		ID, Role, State string
		TaskID          string `json:"task_id"`
		Siblings        []string
		Parts           []struct {
			Type, Text, Digest string
			Blocks             []struct{ HTML string }
		}
	}
}
