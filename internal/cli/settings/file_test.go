package settings

import (
	"strings"
	"testing"

	"chat/daemon"
)

func TestConfigFileIsReadByLines(t *testing.T) {
	f := &File{Path: "config.toml"}
	f.parse("# model = \"no\"\n" + // 1
		"model = \"a # b\" # c\n" +
		"allow_host = [ # the first\n  \"a\",\n  \"]\",\n]\n" + // 3 to 6
		"api_key = '''x\ny'''\n" + // 7, 8
		"\"base_url\"='http://h'\n" +
		"\n" +
		"concurrency=8") // 11
	for i, want := range []Entry{
		{"model", 1, 2, `"a # b"`, "# c"},
		{"allow_host", 2, 6, "[ # the first\n  \"a\",\n  \"]\",\n]", ""},
		{"api_key", 6, 8, "'''x\ny'''", ""},
		{"base_url", 8, 9, "'http://h'", ""},
		{"concurrency", 10, 11, "8", ""},
	} {
		if i >= len(f.entries) || f.entries[i] != want {
			t.Fatalf("%d: %+v\nwant %+v", i, f.entries, want)
		}
	}
	if got := f.With("allow_host", "c"); got != "# model = \"no\"\nmodel = \"a # b\" # c\nallow_host = \"c\"\napi_key = '''x\ny'''\n\"base_url\"='http://h'\n\nconcurrency=8" {
		t.Errorf("%q", got)
	}
	if got := f.With("idle", "5m"); !strings.HasSuffix(got, "\nconcurrency=8\nidle = \"5m\"\n") {
		t.Errorf("%q", got)
	}
	// Nothing is ever lost or read past its end, whatever somebody has written.
	for _, text := range []string{"x = [", "x = \"", "x = '''", "=", "x =", "[", "[[a", "x = [ # \n", "\"", "x = \"\\"} {
		f.parse(text)
		if got := f.With("model", "m"); len(got) == 0 {
			t.Errorf("%q", text)
		}
	}
}

func TestLiteralsAreWhatADaemonReads(t *testing.T) {
	for _, value := range []string{"plain", `with "quotes" and \`, "tab\tand\nline", "5m", "日本", "01", "-5", "true", "#", "+3"} {
		f := &File{}
		f.parse("model = " + tomlValue(value) + "\n")
		if got := f.entries[0].Plain(); got != value {
			t.Errorf("%q is read back as %q", value, got)
		}
		if key, what, err := tryConfig("model = " + tomlValue(value) + "\n"); what != "" || err != nil {
			t.Errorf("%q: %s: %s, %v", value, key, what, err)
		}
	}
}

func TestTheTemplateExplainsEverySettingAndSetsNone(t *testing.T) {
	f := &File{}
	f.parse(Template())
	if _, what, err := tryConfig(Template()); len(f.entries) != 0 || what != "" || err != nil {
		t.Errorf("%d settings, %s, %v", len(f.entries), what, err)
	}
	if len(f.lines) < 3*len(daemon.Settings()) {
		t.Errorf("%d lines", len(f.lines))
	}
}
