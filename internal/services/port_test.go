package services

import (
	"net"
	"strconv"
	"testing"
)

// While a server is down, for a test that cuts it off, its port is still its own.
func TestAFreePortIsGivenOnce(t *testing.T) {
	port, err := FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if claimed, err := claim(t.Context(), address); claimed || err != nil {
		t.Errorf("claimed once more: %v, %v", claimed, err)
	}
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatalf("its server cannot listen: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
