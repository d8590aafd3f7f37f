package clients

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/client"
	"chat/daemon/keys"
	"chat/daemon/model/modeltest"
	"chat/internal/services"
)

//go:embed js
var scripts embed.FS

// scriptLimit bounds one script.
const scriptLimit = 3 * time.Minute

// Script runs js/name of the package under test with node, in a directory that has the
// scripts of both packages, and the installed packages as node_modules. The script prints
// "ok NAME" or "FAIL NAME: why" for each check.
func (s *Stand) Script(t *testing.T, name string, env ...string) {
	t.Helper()
	s.ScriptWith(t, services.NodeModules(t), name, env...)
}

// ScriptWith is Script with the packages of another node_modules directory.
func (s *Stand) ScriptWith(t *testing.T, modules, name string, env ...string) {
	t.Helper()
	dir := t.TempDir()
	err := errors.Join(copyScripts(dir, scripts), copyScripts(dir, os.DirFS(".")), os.Symlink(modules, filepath.Join(dir, "node_modules")))
	if err != nil {
		t.Fatal(err)
	}
	s.Run(t, []string{services.Node(t), filepath.Join(dir, name)}, env...)
}

// copyScripts copies the directory js of a file system to dir.
func copyScripts(dir string, from fs.FS) error {
	list, err := fs.Glob(from, "js/*")
	for _, name := range list {
		data, err := fs.ReadFile(from, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return err
}

// Run runs a program that prints "ok NAME" or "FAIL NAME: why" for each check. Its
// environment has CHAT_URL, CHAT_TOKEN, and CONTROL, where it can give commands
// (see control).
func (s *Stand) Run(t *testing.T, argv []string, env ...string) {
	t.Helper()
	control := httptest.NewServer(s.control())
	defer control.Close()
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), "CHAT_URL="+s.URL, "CHAT_TOKEN="+Token, "CONTROL="+control.URL), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	passed := 0
	for line := range strings.Lines(string(out)) {
		switch {
		case strings.HasPrefix(line, "ok "):
			passed++
			t.Log(strings.TrimSpace(line))
		case strings.TrimSpace(line) != "":
			t.Error(strings.TrimSpace(line))
		}
	}
	if err != nil {
		t.Errorf("%v: %v\n%s", argv, err, stderr.String())
	}
	if passed == 0 {
		t.Errorf("%v: nothing was checked\n%s", argv, stderr.String())
	}
}

// control answers the commands of scripts: POST with the name as the path.
func (s *Stand) control() http.Handler {
	mux := http.NewServeMux()
	handle := func(name string, do func(r *http.Request) (any, error)) {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			answer, err := do(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.NewEncoder(w).Encode(answer) // the script is gone
		})
	}
	number := func(r *http.Request, name string) int {
		n, _ := strconv.Atoi(r.URL.Query().Get(name)) // 0
		return n
	}
	handle("step", func(r *http.Request) (any, error) { // lets n tokens of gated answers pass
		s.Provider.Step(number(r, "n"))
		return true, nil
	})
	handle("calls", func(*http.Request) (any, error) { return s.Provider.Calls(), nil })
	handle("sent", func(r *http.Request) (any, error) { // waits until call n has sent so many tokens
		n, tokens := number(r, "call"), number(r, "tokens")
		return true, s.Provider.Wait(r.Context(), func(list []modeltest.Call) bool {
			return len(list) >= n && list[n-1].Tokens >= tokens
		})
	})
	handle("gone", func(r *http.Request) (any, error) { // waits until chatd has left call n
		n := number(r, "call")
		return true, s.Provider.Wait(r.Context(), func(list []modeltest.Call) bool {
			return len(list) >= n && list[n-1].Gone()
		})
	})
	handle("answer", func(r *http.Request) (any, error) { return s.answer(r.Context(), number(r, "chunks")) })
	handle("restart-api", func(r *http.Request) (any, error) { return true, s.RestartAPI(r.Context()) })
	handle("restart-worker", func(r *http.Request) (any, error) { return true, s.RestartWorker(r.Context()) })
	handle("expired", func(r *http.Request) (any, error) { return true, s.expired(r.Context(), r.URL.Query().Get("task")) })
	return mux
}

// answer makes an answer with so many chunks of text, and returns its task and its positions.
func (s *Stand) answer(ctx context.Context, chunks int) (any, error) {
	c := client.New(client.At(client.Endpoint{Network: "tcp", Address: s.URL[len("http://"):], BaseURL: s.URL, Token: Token}), client.Options{})
	defer c.Close()
	acc, err := c.Submit(ctx, chat.Submission{Content: fmt.Sprintf("lie: chunks=%d gate", chunks)}, "")
	if err != nil {
		return nil, err
	}
	s.Provider.Step(1)
	positions := []string{}
	for e, err := range c.Follow(ctx, acc.TaskID, chat.Start()) {
		if err != nil {
			return nil, err
		}
		if e.Chunk == nil {
			continue
		}
		positions = append(positions, e.Chunk.Position().String())
		if len(positions) < chunks { // the next token only after this one, so that none is joined to another
			s.Provider.Step(1)
		}
	}
	list := s.Provider.Calls()
	return map[string]any{"task": acc.TaskID, "positions": positions, "text": list[len(list)-1].Sent}, nil
}

// expired waits until Redis has nothing of a task any more.
func (s *Stand) expired(ctx context.Context, task string) error {
	if s.Redis == nil {
		return fmt.Errorf("there is no Redis to ask")
	}
	client := redis.NewClient(s.Redis.Options())
	defer func() { _ = client.Close() }()
	var k keys.Names
	for {
		n, err := client.Exists(ctx, k.Chunks(task), k.Packed(task), k.Metadata(task)).Result()
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
