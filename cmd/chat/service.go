package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/local"
)

// service is the local daemon as the session's service manager starts it. It stays
// when it is idle; otherwise it is the daemon that chat starts by itself.
type service struct {
	path    string // of its definition
	text    string
	enable  [][]string // commands
	disable [][]string // commands, before the definition is removed
	forget  [][]string // and after that
}

const (
	unitName   = "chat.service" // of systemd
	agentLabel = "chat.daemon"  // of launchd
	notNeeded  = "chat starts its daemon when it needs it, so none has to be installed"
)

// serviceHere describes the service on this system.
func (p *program) serviceHere() (service, error) {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return service{}, err
	}
	executable, err := os.Executable()
	if err != nil {
		return service{}, err
	}
	if strings.Contains(executable, "go-build") && filepath.Base(filepath.Dir(executable)) == "exe" {
		return service{}, chat.Errorf(chat.CodeInvalid, "this chat was made by go run, and goes with it: go install ./cmd/chat, and then that chat's daemon install")
	}
	env := []string{"CHATD_IDLE=0"}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} {
		if v := p.env(name); filepath.IsAbs(v) {
			env = append(env, name+"="+v) // the service manager need not know them
		}
	}
	switch runtime.GOOS {
	case "linux":
		return systemdUnit(executable, filepath.Join(filepath.Dir(paths.Config), "systemd", "user", unitName), paths.Log(), env), nil
	case "darwin":
		return launchAgent(executable, filepath.Join(p.env("HOME"), "Library", "LaunchAgents", agentLabel+".plist"), paths.Log(), env, os.Getuid()), nil
	}
	return service{}, chat.Errorf(chat.CodeNotConfigured, "chat knows no service manager of %s: %s", runtime.GOOS, notNeeded)
}

// systemdUnit is a unit of systemd's user instance.
func systemdUnit(executable, path, log string, env []string) service {
	var b strings.Builder
	b.WriteString("[Unit]\nDescription=The local daemon of chat\n\n[Service]\n")
	fmt.Fprintf(&b, "ExecStart=%s daemon run\n", unitQuoted(executable, true))
	for _, kv := range env {
		fmt.Fprintf(&b, "Environment=%s\n", unitQuoted(kv, false))
	}
	fmt.Fprintf(&b, "StandardOutput=append:%s\nStandardError=append:%[1]s\n", strings.ReplaceAll(log, "%", "%%"))
	b.WriteString("Restart=on-failure\nRestartSec=5\nTimeoutStopSec=30\n\n[Install]\nWantedBy=default.target\n")
	systemctl := func(args ...string) []string { return append([]string{"systemctl", "--user"}, args...) }
	return service{
		path: path, text: b.String(),
		enable:  [][]string{systemctl("daemon-reload"), systemctl("enable", "--now", unitName)},
		disable: [][]string{systemctl("disable", "--now", unitName)},
		forget:  [][]string{systemctl("daemon-reload")},
	}
}

// unitQuoted is a word as systemd reads it: % begins a specifier, and in a command
// line $ a variable.
func unitQuoted(word string, command bool) string {
	word = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "\n", `\n`).Replace(word)
	if command {
		word = strings.ReplaceAll(word, "$", "$$")
	}
	return `"` + word + `"`
}

// launchAgent is an agent of launchd for a user's session.
func launchAgent(executable, path, log string, env []string, uid int) service {
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
	return service{
		path: path, text: b.String(),
		enable:  [][]string{{"launchctl", "bootstrap", domain, path}},
		disable: [][]string{{"launchctl", "bootout", domain + "/" + agentLabel}},
	}
}

func (p *program) daemonInstall(c *cli.Context) error {
	s, err := p.serviceHere()
	if err != nil {
		return err
	}
	if c.Bool("print") {
		_, err := io.WriteString(p.out, s.text)
		return err
	}
	manager := s.enable[0][0]
	if _, err := exec.LookPath(manager); err != nil {
		return chat.Errorf(chat.CodeNotConfigured, "there is no %s here to start it: %s (--print shows what would be installed)", manager, notNeeded)
	}
	starter, err := p.starter()
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(s.path), filepath.Dir(starter.Paths.Log())} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(s.path, []byte(s.text), 0o600); err != nil {
		return err
	}
	// The daemon that runs would keep the other one out; what it is making, that goes on with.
	if _, err := starter.Stop(c.Context, false); err != nil {
		return errors.Join(err, os.Remove(s.path))
	}
	if err := runAll(c.Context, s.enable); err != nil {
		return errors.Join(err, os.Remove(s.path))
	}
	p.infof("the local daemon starts with your session: %s", s.path)
	return nil
}

func (p *program) daemonUninstall(c *cli.Context) error {
	s, err := p.serviceHere()
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		p.infof("the local daemon is not installed; chat starts it when it needs it")
		return nil
	}
	if err := runAll(c.Context, s.disable); err != nil {
		return err
	}
	if err := os.Remove(s.path); err != nil {
		return err
	}
	if err := runAll(c.Context, s.forget); err != nil {
		return err
	}
	p.infof("the local daemon is installed no more; chat starts it when it needs it")
	return nil
}

// runAll runs commands up to the first that fails, whose words are the error.
func runAll(ctx context.Context, commands [][]string) error {
	for _, args := range commands {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return chat.Errorf(chat.CodeNotConfigured, "%s: %s (%w)", strings.Join(args, " "), firstLine(string(out)), err)
		}
	}
	return nil
}
