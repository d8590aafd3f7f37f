// Package service installs the local daemon as a service of systemd or launchd.
package service

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"chat"
	"chat/daemon/local"
	"chat/internal/cli/output"
)

// Definition defines the service of the local daemon. The service does not exit when it
// is idle. Otherwise it is the daemon that chat starts automatically.
type Definition struct {
	Path    string // of its definition
	Text    string
	enable  [][]string // commands
	disable [][]string // commands, before the definition is removed
	cleanup [][]string // and after that
}

const (
	unitName   = "chat.service" // of systemd
	agentLabel = "chat.daemon"  // of launchd
	notNeeded  = "chat starts its daemon when needed, so installation is optional"
)

// ForThisSystem returns the definition for this system.
func ForThisSystem(lookup func(string) (string, bool)) (Definition, error) {
	env := func(name string) string { v, _ := lookup(name); return v }
	paths, err := local.FindPaths(lookup)
	if err != nil {
		return Definition{}, err
	}
	executable, err := os.Executable()
	if err != nil {
		return Definition{}, err
	}
	if strings.Contains(executable, "go-build") && filepath.Base(filepath.Dir(executable)) == "exe" {
		return Definition{}, chat.Errorf(chat.CodeInvalid, "this program was built by go run and is temporary: run go install ./cmd/chat, and then chat daemon install")
	}
	variables := []string{"CHATD_IDLE=0"}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} {
		if v := env(name); filepath.IsAbs(v) {
			variables = append(variables, name+"="+v) // the service manager may not have them
		}
	}
	switch runtime.GOOS {
	case "linux":
		return systemdUnit(executable, filepath.Join(filepath.Dir(paths.Config), "systemd", "user", unitName), paths.Log(), variables), nil
	case "darwin":
		return launchAgent(executable, filepath.Join(env("HOME"), "Library", "LaunchAgents", agentLabel+".plist"), paths.Log(), variables, os.Getuid()), nil
	}
	return Definition{}, chat.Errorf(chat.CodeNotConfigured, "no service manager is supported on %s: %s", runtime.GOOS, notNeeded)
}

// systemdUnit returns a unit for systemd's user instance.
func systemdUnit(executable, path, log string, env []string) Definition {
	var b strings.Builder
	b.WriteString("[Unit]\nDescription=The local daemon of chat\n\n[Service]\n")
	fmt.Fprintf(&b, "ExecStart=%s daemon run\n", quoteUnit(executable, true))
	for _, kv := range env {
		fmt.Fprintf(&b, "Environment=%s\n", quoteUnit(kv, false))
	}
	fmt.Fprintf(&b, "StandardOutput=append:%s\nStandardError=append:%[1]s\n", strings.ReplaceAll(log, "%", "%%"))
	b.WriteString("Restart=on-failure\nRestartSec=5\nTimeoutStopSec=30\n\n[Install]\nWantedBy=default.target\n")
	systemctl := func(args ...string) []string { return append([]string{"systemctl", "--user"}, args...) }
	return Definition{
		Path: path, Text: b.String(),
		enable:  [][]string{systemctl("daemon-reload"), systemctl("enable", "--now", unitName)},
		disable: [][]string{systemctl("disable", "--now", unitName)},
		cleanup: [][]string{systemctl("daemon-reload")},
	}
}

// quoteUnit quotes a word for a unit file, where % starts a specifier and, in a command
// line, $ starts a variable.
func quoteUnit(word string, command bool) string {
	word = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "\n", `\n`).Replace(word)
	if command {
		word = strings.ReplaceAll(word, "$", "$$")
	}
	return `"` + word + `"`
}

// launchAgent returns an agent for launchd in a user's session.
func launchAgent(executable, path, log string, env []string, uid int) Definition {
	var b strings.Builder
	str := func(s string) string {
		var e bytes.Buffer
		if err := xml.EscapeText(&e, []byte(s)); err != nil {
			return "" // a buffer takes everything
		}
		return "<string>" + e.String() + "</string>"
	}
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n<plist version=\"1.0\">\n<dict>\n")
	fmt.Fprintf(&b, "\t<key>Label</key>%s\n", str(agentLabel))
	fmt.Fprintf(&b, "\t<key>ProgramArguments</key><array>%s%s%s</array>\n", str(executable), str("daemon"), str("run"))
	b.WriteString("\t<key>EnvironmentVariables</key><dict>\n")
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&b, "\t\t<key>%s</key>%s\n", name, str(value))
	}
	b.WriteString("\t</dict>\n")
	fmt.Fprintf(&b, "\t<key>StandardOutPath</key>%s\n\t<key>StandardErrorPath</key>%[1]s\n", str(log))
	b.WriteString("\t<key>RunAtLoad</key><true/>\n\t<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n</dict>\n</plist>\n")
	domain := "gui/" + strconv.Itoa(uid)
	return Definition{
		Path: path, Text: b.String(),
		enable:  [][]string{{"launchctl", "bootstrap", domain, path}},
		disable: [][]string{{"launchctl", "bootout", domain + "/" + agentLabel}},
	}
}

// runAll runs commands until one fails. The error has the first line of its output.
func runAll(ctx context.Context, commands [][]string) error {
	for _, args := range commands {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return chat.Errorf(chat.CodeNotConfigured, "%s: %s (%w)", strings.Join(args, " "), output.FirstLine(string(out)), err)
		}
	}
	return nil
}

// Install writes the definition and lets the service manager start the daemon. It first
// stops a running daemon, which would block the new one.
func (s Definition) Install(ctx context.Context, starter *local.Starter) error {
	manager := s.enable[0][0]
	if _, err := exec.LookPath(manager); err != nil {
		return chat.Errorf(chat.CodeNotConfigured, "%s was not found: %s (--print shows the service definition)", manager, notNeeded)
	}
	for _, dir := range []string{filepath.Dir(s.Path), filepath.Dir(starter.Paths.Log())} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(s.Path, []byte(s.Text), 0o600); err != nil {
		return err
	}
	_, err := starter.Stop(ctx, false)
	if err == nil {
		err = runAll(ctx, s.enable)
	}
	if err != nil {
		return errors.Join(err, os.Remove(s.Path))
	}
	return nil
}

// Uninstall undoes Install. It reports false if there was nothing to undo.
func (s Definition) Uninstall(ctx context.Context) (installed bool, err error) {
	if _, err := os.Stat(s.Path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := runAll(ctx, s.disable); err != nil {
		return true, err
	}
	if err := os.Remove(s.Path); err != nil {
		return true, err
	}
	return true, runAll(ctx, s.cleanup)
}
