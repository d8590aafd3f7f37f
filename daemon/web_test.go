package daemon_test

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"chat/internal/poll"
)

// visit opens the page as a browser does, and returns the browser.
func visit(t *testing.T, url string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	browser := &http.Client{Jar: jar, Transport: tr}
	base, code, _ := strings.Cut(url, "/#code=")
	res, err := browser.Post(base+"/web/session", "application/json", strings.NewReader(`{"code":"`+code+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Fatalf("the code: %s", res.Status)
	}
	return browser
}

func get(t *testing.T, browser *http.Client, url string) (int, string) {
	t.Helper()
	res, err := browser.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// A local daemon listens on TCP when it is asked to, on 127.0.0.1 only, and the next daemon
// on the same port.
func TestThePageIsOpenedOnDemand(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	first := start(t, usual(dir))
	url, err := first.OpenWeb(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(url, "/#")
	if !strings.HasPrefix(base, "http://127.0.0.1:") {
		t.Fatalf("the address is %s", url)
	}
	browser := visit(t, url)
	if status, body := get(t, browser, base+"/tasks"); status != http.StatusOK {
		t.Errorf("with the session: %d %s", status, body)
	}
	if status, _ := get(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, base+"/tasks"); status != http.StatusUnauthorized {
		t.Errorf("without it: %d", status)
	}
	if again, err := first.OpenWeb(t.Context(), ""); err != nil || !strings.HasPrefix(again, base+"/#code=") || again == url {
		t.Errorf("a second time: %s, %v", again, err)
	}
	other, err := first.OpenWeb(t.Context(), "127.0.0.2")
	if err != nil || !strings.HasPrefix(other, "http://127.0.0.2:") {
		t.Errorf("another address: %s, %v", other, err)
	}
	for _, bad := range []string{"0.0.0.0", "::", "localhost", "127.0.0.1:80", "192.0.2.77"} {
		if url, err := first.OpenWeb(t.Context(), bad); err == nil {
			t.Errorf("it listens on %s: %s", bad, url)
		}
	}
	first.stop()
	<-first.done
	if first.err != nil {
		t.Fatal(first.err)
	}

	second := start(t, usual(dir))
	if c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://")); err == nil {
		_ = c.Close()
		t.Error("the next daemon listens without being asked to")
	}
	if url, err := second.OpenWeb(t.Context(), ""); err != nil || !strings.HasPrefix(url, base+"/#") {
		t.Errorf("the next daemon listens on %s, %v", url, err)
	}
	if status, body := get(t, browser, base+"/tasks"); status != http.StatusOK {
		t.Errorf("the session ends with the daemon: %d %s", status, body)
	}
}

// A port that is taken by then is replaced.
func TestThePortOfThePageMayBeTaken(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	first := start(t, usual(dir))
	url, err := first.OpenWeb(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	first.stop()
	<-first.done
	base, _, _ := strings.Cut(url, "/#")
	var taken net.Listener
	if !poll.Until(testTimeout, func() bool {
		taken, err = net.Listen("tcp", strings.TrimPrefix(base, "http://"))
		return err == nil
	}) {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	second := start(t, usual(dir))
	if url, err := second.OpenWeb(t.Context(), ""); err != nil || strings.HasPrefix(url, base+"/#") {
		t.Errorf("%s, %v", url, err)
	}
}
