package openai_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/network"
	"chat/daemon/model/providers"
)

func TestBaseURLs(t *testing.T) {
	for _, bad := range []string{
		// Where credentials are served.
		"http://169.254.169.254/v1", "http://169.254.0.1", "http://169.254.169.254:80/", "http://[fe80::1]/v1", "http://[fe80::1%25eth0]:8080/v1", "http://[fe80::a9fe:a9fe%25lo]/",
		"http://[fd00:ec2::254]/v1", "http://[fd00:ec2::23%25eth0]/", "http://[fd20:ce::254]/", "http://100.100.100.200/", "http://192.0.0.192/", "http://168.63.129.16/",
		// The same, in an IPv6 address.
		"http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[::ffff:a9fe:a9fe%25eth0]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b::169.254.169.254]/",
		"http://[64:ff9b:1::a9fe:a9fe]/", "http://[64:ff9b:1:a9fe:a9:fe00::]/", "http://[2002:a9fe:a9fe::1]/", "http://[2001:0:1234::5601:5601]/", "http://[2001:0:a9fe:a9fe::]/",
		"http://[::a9fe:a9fe]/", "http://[::ffff:0:a9fe:a9fe]/", "http://[2001:db8::5efe:a9fe:a9fe]/", "http://[64:ff9b::6464:64c8]/", "http://[::ffff:168.63.129.16]/",
		"http://224.0.0.1/", "http://[ff02::1]/", "http://[::ffff:224.0.0.251]/",
		// No base URL at all.
		"", "ftp://host/v1", "http://", "http:///v1", "http://:8080/v1", "file:///etc/passwd", "//host/v1", "http://[fe80::1", "http://a b/",
		// With a password.
		"https://user:secret@host/v1", "https://user@host/v1", "http://:secret@127.0.0.1/", "https://sk-secret@api.openai.com/v1",
	} {
		err := network.CheckBaseURL(bad)
		if !chat.IsCode(err, chat.CodeInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v (%s)", bad, err, chat.CodeOf(err))
		}
	}
	for _, good := range []string{
		"https://api.openai.com/v1", "http://localhost:11434/v1", "http://127.0.0.1:8080", "http://[::1]:8080/v1", "http://10.0.0.7/v1", "http://192.168.1.5:1234/v1", "http://172.16.0.1/",
		"http://[fd12:3456::1]/v1", "http://[::ffff:127.0.0.1]/", "http://[2001:db8::1]/v1", "http://[64:ff9b::0808:0808]/", "http://100.64.0.1/v1", "http://169.253.1.1/", "HTTP://host/v1",
	} {
		if err := network.CheckBaseURL(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// The dialer looks at what a name stands for, and at spellings of an address that the
// system's resolver understands: none of them reaches a server that would answer.
func TestAddressesAreCheckedWhenTheyAreDialled(t *testing.T) {
	for _, base := range []string{
		"http://169.254.169.254/v1", "http://[fe80::1%25lo]:1/v1", "http://[64:ff9b::a9fe:a9fe]/v1", "http://[fd00:ec2::254]/v1",
		"http://2852039166/v1", "http://0xa9fea9fe/v1", "http://0251.0376.0251.0376/v1", "http://169.254.43518/v1", "http://0xa9.0xfe.0xa9.0xfe/v1",
	} {
		r := newRegistry(t, providers.Config{BaseURL: base, Key: modeltest.Key, DefaultModel: "m"})
		err := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err
		if !chat.IsCode(err, chat.CodeProviderConnect) {
			t.Errorf("%s: %v (%s)", base, err, chat.CodeOf(err))
		}
	}
	local := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(local.Close)
	r := newRegistry(t, providers.Config{BaseURL: strings.Replace(local.URL, "127.0.0.1", "localhost", 1), Key: modeltest.Key, DefaultModel: "m"})
	if err := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err; chat.IsCode(err, chat.CodeProviderConnect) {
		t.Errorf("localhost: %v", err)
	}
}
