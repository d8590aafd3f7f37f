package connect

import (
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for host, want := range map[string]string{
		"unix:///run/x.sock": "unix /run/x.sock", "http://localhost:8080": "tcp localhost:8080", "http://h": "tcp h:80",
		"https://h/": "tcp h:443", "http://[::1]:9": "tcp [::1]:9",
		"unix://relative": "", "unix://h/x": "", "http://": "", "ftp://x": "", "h:80": "", "http://u:p@h": "", "http://h/path": "", "http://h?token=x": "",
	} {
		e, err := ParseHost(host, "tok")
		if got := strings.TrimSpace(e.Network + " " + e.Address); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
}
