package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/internal/services"
)

// recipe is the block of docs/operations.md in a language.
func recipe(t *testing.T, language string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(data)
	if m == nil {
		t.Fatalf("docs/operations.md has no block in %s", language)
	}
	return string(m[1])
}

// dying is a server that dies in the middle of every request.
func dying(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 64<<10))
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// proxies are the recipes with other addresses: listen, and the two servers.
var proxies = map[string]func(t *testing.T, dir, listen, one, two string) (args []string){
	"haproxy": func(t *testing.T, dir, listen, one, two string) []string {
		t.Helper()
		config := "defaults\n\tmode http\n\ttimeout connect 5000\n\ttimeout client 50000\n\ttimeout server 50000\n" +
			"frontend f\n\tbind " + listen + "\n\tuse_backend chatd-streams if { path_beg /stream/ }\n\tdefault_backend chatd\n" +
			strings.NewReplacer("127.0.0.1:8080", one, "127.0.0.1:8081", two).Replace(recipe(t, "haproxy"))
		file := filepath.Join(dir, "haproxy.cfg")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"-db", "-f", file}
	},
	"nginx": func(t *testing.T, dir, listen, one, two string) []string {
		t.Helper()
		config := fmt.Sprintf("daemon off;\nmaster_process off;\npid %s/nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n", dir)
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			config += fmt.Sprintf("\t%s_temp_path %s/%s;\n", kind, dir, kind)
		}
		config += strings.NewReplacer("127.0.0.1:8080", one, "127.0.0.1:8081", two, "127.0.0.1:8443", listen).Replace(recipe(t, "nginx")) + "}\n"
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"-c", file, "-e", "stderr"}
	},
}

// proxy starts one in front of two servers and returns its address.
func proxy(t *testing.T, name, one, two string) string {
	t.Helper()
	dir, listen := t.TempDir(), freePort(t)
	p, err := services.Command{Path: services.Tool(t, name), Args: proxies[name](t, dir, listen, one, two), Dir: dir}.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	err = p.Ready(t.Context(), func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", listen)
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return listen
}

// through makes a call through a proxy, on a connection of its own: the status and
// the body, or an error if the connection ends without an answer.
func through(t *testing.T, address, method, path, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, string(data), errors.Join(err, res.Body.Close())
}

// With the proxies of docs/operations.md, a server that dies in the middle of a
// request costs a reader of a stream at most its connection: an error response of
// the proxy would end a stock EventSource for good. Large bodies pass.
func TestProxiesAsDocumented(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1)
	api := c.apis[0]
	acc := api.submit(t, "lie: chunks=5")
	r := api.follow(t, acc.TaskID, nil)()
	api.mustMatch(t, acc, r, chat.TaskDone, modeltest.Answer(1, 5))
	for name := range proxies {
		t.Run(name, func(t *testing.T) {
			one := proxy(t, name, dying(t), api.addr)
			for range 8 { // some of them come to the dying server first
				if status, body, err := through(t, one, "GET", "/stream/"+acc.TaskID, ""); status != 200 || !strings.Contains(body, `"chunk_type":"done"`) {
					t.Errorf("beside a server that dies: %d %s, %v", status, body, err)
				}
				if status, body, err := through(t, one, "GET", "/tasks/"+acc.TaskID, ""); status != 200 {
					t.Errorf("beside a server that dies: %d %s, %v", status, body, err)
				}
			}
			none := proxy(t, name, dying(t), dying(t))
			for range 4 {
				if status, body, err := through(t, none, "GET", "/stream/"+acc.TaskID, ""); err == nil {
					t.Errorf("without a server: %d %s, want no answer", status, body)
				}
			}
			both := proxy(t, name, api.addr, api.addr)
			large := `{"title":"` + strings.Repeat("x", 3<<20) + `"}`
			if status, body, err := through(t, both, "POST", "/conversations/import", large); status != 400 || !strings.Contains(body, "UUID") {
				t.Errorf("a body of 3 MiB: %d %.200s, %v", status, body, err)
			}
		})
	}
}
