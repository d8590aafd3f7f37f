package service

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAUnitHoldsAnyPath(t *testing.T) {
	s := systemdUnit(`/opt/a "b" $c 100%/chat`, "/u", "/log 5%/x", []string{"CHATD_IDLE=0", `XDG_DATA_HOME=/d\e`})
	for _, want := range []string{
		`ExecStart="/opt/a \"b\" $$c 100%%/chat" daemon run` + "\n",
		`Environment="CHATD_IDLE=0"` + "\n", `Environment="XDG_DATA_HOME=/d\\e"` + "\n",
		"StandardError=append:/log 5%%/x\n", "WantedBy=default.target\n",
	} {
		if !strings.Contains(s.Text, want) {
			t.Errorf("no %q in\n%s", want, s.Text)
		}
	}
}

func TestAnAgentIsXMLWhateverThePath(t *testing.T) {
	s := launchAgent("/a & <b>/chat", "/p", "/log", []string{"CHATD_IDLE=0"}, 501)
	d := xml.NewDecoder(strings.NewReader(s.Text))
	var texts []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, s.Text)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			texts = append(texts, string(text))
		}
	}
	if got := strings.Join(texts, "|"); !strings.HasPrefix(got, "Label|chat.daemon|ProgramArguments|/a & <b>/chat|daemon|run|EnvironmentVariables|CHATD_IDLE|0|") {
		t.Errorf("%s", got)
	}
	if got := strings.Join(s.enable[0], " "); got != "launchctl bootstrap gui/501 /p" {
		t.Errorf("%s", got)
	}
}
