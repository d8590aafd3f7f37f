package keyring_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"

	"chat"
	ours "chat/daemon/keyring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "api.openai.com"

func TestAKeyIsKeptAndForgotten(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere") // what is asked is a keyring in memory
	keyring.MockInit()
	if _, err := ours.Get(t.Context(), host, ours.Briefly); !chat.IsCode(err, chat.CodeNotFound) {
		t.Errorf("before: %v", err)
	}
	if err := ours.Set(t.Context(), host, "sk-1", ours.Briefly); err != nil {
		t.Fatal(err)
	}
	if key, err := ours.Get(t.Context(), host, ours.Briefly); key != "sk-1" || err != nil {
		t.Errorf("%q, %v", key, err)
	}
	if err := ours.Delete(t.Context(), host, ours.Briefly); err != nil {
		t.Error(err)
	}
	if _, err := ours.Get(t.Context(), host, ours.Briefly); !chat.IsCode(err, chat.CodeNotFound) {
		t.Errorf("afterwards: %v", err)
	}
	keyring.MockInitWithError(errors.New("it is broken"))
	if err := ours.Set(t.Context(), host, "sk-1", ours.Briefly); !chat.IsCode(err, chat.CodeNotConfigured) || strings.Contains(err.Error(), "sk-1") {
		t.Error(err)
	}
}

func TestReferencesAreToldFromKeys(t *testing.T) {
	if got, ok := ours.Host(ours.Reference(host)); got != host || !ok {
		t.Errorf("%q %v", got, ok)
	}
	if _, ok := ours.Host("sk-or-v1-something"); ok {
		t.Error("a key was taken for a reference")
	}
}

func TestWithoutABusTheAnswerComesAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is always a keyring here")
	}
	keyring.MockInit()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "autolaunch:")
	began := time.Now()
	if _, err := ours.Get(t.Context(), host, time.Hour); !chat.IsCode(err, chat.CodeNotConfigured) || time.Since(began) > time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
