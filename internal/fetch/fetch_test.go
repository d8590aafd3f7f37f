package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"chat"
	"chat/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

func none(string) (string, bool) { return "", false }

// serve starts a server on loopback, which only a Client with Private reaches.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func get(t testing.TB, url string) (File, error) {
	t.Helper()
	return Client{Private: true, Lookup: none}.Get(t.Context(), url)
}

// answering returns a handler that sends a body of a type.
func answering(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if kind == "" {
			w.Header()["Content-Type"] = nil
		} else {
			w.Header().Set("Content-Type", kind)
		}
		_, _ = w.Write([]byte(body)) // the client may have left
	}
}

func TestAddresses(t *testing.T) {
	for public, list := range map[bool]string{
		true: "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 223.255.255.255 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2a00::1",
		false: "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.1.1 " +
			"198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 " +
			"fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: 3fff::1 5f00::1 fec0::1",
	} {
		for _, s := range strings.Fields(list) {
			a := netip.MustParseAddr(s)
			if isPublic(a) != public {
				t.Errorf("%s is public: %v", s, !public)
			}
			if err := checkDial("tcp", netip.AddrPortFrom(a, 80).String(), nil); (err == nil) != public {
				t.Errorf("a connection to %s: %v", s, err)
			}
		}
	}
}

func TestHostsThatAreNotPublicAreRefused(t *testing.T) {
	port := ""
	if u, err := url.Parse(serve(t, answering("text/plain", "secret"))); err == nil {
		port = u.Port()
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		f, err := Client{Lookup: none}.Get(t.Context(), "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port)+"/x")
		if !chat.IsCode(err, chat.CodeInvalid) || len(f.Data) > 0 || !strings.Contains(err.Error(), "--"+Flag) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "1.2.3.4.5", "127.0.0.1.0x1"} {
		for _, private := range []bool{false, true} {
			_, err := Client{Private: private, Lookup: none}.Get(t.Context(), "http://"+host+":"+port+"/x")
			if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), "four decimal numbers") {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
}

// A name that resolves to a public address first and to a private one later does not help: the
// address of the connection itself is checked. Here the name is that of this machine.
func TestTheAddressOfTheConnectionCounts(t *testing.T) {
	server := serve(t, answering("text/plain", "secret"))
	host := strings.Replace(server, "127.0.0.1", "localhost", 1)
	if _, err := (Client{Lookup: none}).Get(t.Context(), host); !chat.IsCode(err, chat.CodeInvalid) {
		t.Errorf("%v", err)
	}
	if f, err := get(t, host); err != nil || string(f.Data) != "secret" {
		t.Errorf("%q, %v", f.Data, err)
	}
}

func TestRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/n/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || n == 0 {
			_, _ = fmt.Fprint(w, "end")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/n/%d", n-1), http.StatusFound)
	})
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("u"))
		w.WriteHeader(http.StatusMovedPermanently)
	})
	server := serve(t, mux.ServeHTTP)
	if f, err := get(t, server+"/n/5"); err != nil || string(f.Data) != "end" {
		t.Errorf("%q, %v", f.Data, err)
	}
	for to, want := range map[string]string{
		"/n/6": "more than 5 times", "/to?u=file:///etc/passwd": "not http or https", "/to?u=gopher://x/": "not http or https",
		"/to?u=http://2130706433/": "four decimal numbers", "/to?u=%2Fto%3Fu%3D": "answered", "/to": "answered 301",
	} {
		if _, err := get(t, server+to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", to, err, want)
		}
	}
	// Every redirect is checked like the first address. The first one is reached through a proxy,
	// which does not check.
	var asked []string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	})
	_, err := Client{Lookup: func(name string) (string, bool) { return proxy, name == "HTTP_PROXY" }}.Get(t.Context(), "http://files.example.com/a")
	if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), "169.254.169.254") || len(asked) != 1 {
		t.Errorf("%v, asked %q", err, asked)
	}
}

func TestProxies(t *testing.T) {
	var asked []string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		_, _ = fmt.Fprint(w, "by proxy")
	})
	env := map[string]string{"http_proxy": proxy, "NO_PROXY": "direct.example.com"}
	c := Client{Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	if f, err := c.Get(t.Context(), "http://files.example.com/a.txt?b=1"); err != nil || string(f.Data) != "by proxy" || len(asked) != 1 || asked[0] != "GET http://files.example.com/a.txt?b=1" {
		t.Errorf("%q, %v, %q", f.Data, err, asked)
	}
	for _, host := range []string{"10.0.0.1", "localhost", "db.internal", "printer", "printer.local", "[fd00::1]"} {
		if _, err := c.Get(t.Context(), "http://"+host+"/"); !chat.IsCode(err, chat.CodeInvalid) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if len(asked) != 1 {
		t.Errorf("the proxy was asked for %q", asked)
	}
	env["http_proxy"] = "http://user:secret@127.0.0.1:1"
	if _, err := c.Get(t.Context(), "http://files.example.com/a.txt"); err == nil || !strings.Contains(err.Error(), "through the proxy http://127.0.0.1:1") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestTypes(t *testing.T) {
	page := `<html><head><title>T</title><style>p{}</style><script>alert(1)</script></head><body><h1>Head</h1><p>One <b>two</b></p></body></html>`
	for _, tc := range []struct{ kind, body, want string }{
		{"text/plain", "hello", "hello"},
		{"", "hello", "hello"},
		{"application/json", `{"a":1}`, `{"a":1}`},
		{"application/activity+json", `{}`, `{}`},
		{"image/svg+xml", "<svg/>", "<svg/>"},
		{"application/pdf", "%PDF-1.7 x", "%PDF-1.7 x"},
		{"image/png", "\x89PNG\r\n\x1a\n", "\x89PNG\r\n\x1a\n"},
		{"text/plain; charset=iso-8859-1", "caf\xe9", "café"},
		{"text/plain; charset=unknown", "caf\xe9", "caf\xe9"},
		{"text/html", page, "# Head\n\nOne **two**"},
		{"", page, "# Head\n\nOne **two**"},
		{"text/html; charset=windows-1252", "<p>caf\xe9", "café"},
		{"text/html", "<meta charset=iso-8859-1><p>caf\xe9", "café"},
		{"application/zip", "PK", "is application/zip"},
		{"video/mp4", "x", "is video/mp4"},
		{"image/tiff", "x", "is image/tiff"},
		{"text/html", strings.Repeat("<div>", 100_000), "its HTML cannot be read"},
	} {
		f, err := get(t, serve(t, answering(tc.kind, tc.body)))
		if got := string(f.Data); err != nil && !strings.Contains(err.Error(), tc.want) || err == nil && got != tc.want {
			t.Errorf("%s: %.200q, %v; want %q", tc.kind, got, err, tc.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for kind, limit := range map[string]int{
		"text/plain": chat.MaxText, "image/png": chat.MaxImage, "application/pdf": chat.MaxDocument, "application/octet-stream": chat.MaxDocument, "text/html": maxPage, "": chat.MaxDocument,
	} {
		for _, declared := range []bool{true, false} {
			sent := 0
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				if kind != "" {
					w.Header().Set("Content-Type", kind)
				}
				if declared {
					w.Header().Set("Content-Length", strconv.Itoa(10*limit))
				}
				block := make([]byte, 64<<10)
				for ; sent < 10*limit; sent += len(block) {
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			})
			if _, err := get(t, server); !chat.IsCode(err, chat.CodeTooLarge) || !strings.Contains(err.Error(), chat.FormatSize(int64(limit))) {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for path, tc := range map[string]struct{ disposition, want string }{
		"/a/b.txt?token=secret": {"", "b.txt"},
		"/":                     {"", "127.0.0.1"},
		"/a/":                   {"", "a"},
		"/x":                    {`attachment; filename="report 1.pdf"`, "report 1.pdf"},
		"/y":                    {`attachment; filename="../../etc/passwd"`, "passwd"},
		"/z":                    {`attachment; filename="C:\\Users\\x.txt"`, "x.txt"},
		"/w":                    {`attachment; filename*=UTF-8''%e2%82%ac%1b%5b31m.txt`, "€[31m.txt"},
		"/v.txt":                {`attachment; filename=".."`, "v.txt"},
		"/%1b%5b2J%00evil.txt":  {"", "[2Jevil.txt"},
		"/u":                    {`nonsense; ;`, "u"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			if tc.disposition != "" {
				w.Header().Set("Content-Disposition", tc.disposition)
			}
		})
		if f, err := get(t, server+path); err != nil || f.Name != tc.want || strings.Contains(f.Shown, "secret") {
			t.Errorf("%s: %q, %q, %v; want %q", path, f.Name, f.Shown, err, tc.want)
		}
	}
}

func TestCredentialsAreSentAndNotShown(t *testing.T) {
	var user, password string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		w.WriteHeader(http.StatusNotFound)
	})
	_, err := get(t, strings.Replace(server, "http://", "http://me:hunter2@", 1)+"/a?key=hunter2#hunter2")
	if user != "me" || password != "hunter2" || err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), server+"/a cannot be attached: the server answered 404 Not Found") {
		t.Errorf("%s %s, %v", user, password, err)
	}
}

func TestWhatIsNoAddress(t *testing.T) {
	for _, s := range []string{"", "ftp://x/y", "http://", "http:///x", "https://[::1", "file:///etc/passwd", "http://a b/"} {
		if _, err := get(t, s); !chat.IsCode(err, chat.CodeInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestGettingCanBeStopped(t *testing.T) {
	begun, stop := make(chan struct{}), make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		close(begun)
		<-stop
	})
	t.Cleanup(func() { close(stop) })
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-begun
		cancel(gone)
	}()
	if _, err := (Client{Private: true, Lookup: none}).Get(ctx, server); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"a.txt", "../..", "\x1b[2J", "a/b\\c", strings.Repeat("x", 300), "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := clean(name)
		if strings.ContainsAny(got, "/\\\x00\x1b\n\"<>|:*?") || strings.HasPrefix(got, ".") || len([]rune(got)) > 100 || chat.NormalizeText(got) != got {
			t.Errorf("%q became %q", name, got)
		}
	})
}
