package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s := &Sessions{Key: func() []byte { return []byte("k") }, Now: func() time.Time { return now }}
	value, ok := s.sign("ann|e")
	if owner, valid := s.check(value); !ok || !valid || owner != "ann|e" {
		t.Fatalf("%q %v %v", owner, ok, valid)
	}
	now = now.Add(sessionLife - time.Second)
	if _, valid := s.check(value); !valid {
		t.Error("it ends early")
	}
	now = now.Add(time.Second)
	if _, valid := s.check(value); valid {
		t.Error("it does not end")
	}
}

func TestForgedSessionsAreRefused(t *testing.T) {
	t.Parallel()
	s := &Sessions{Key: func() []byte { return []byte("k") }}
	value, _ := s.sign("local")
	other, _ := (&Sessions{Key: func() []byte { return []byte("l") }}).sign("local")
	for _, v := range []string{"", ".", "a.b", value + "x", value[1:], other, value + "." + value, encoded([]byte("local|99999999999")) + "." + encoded(signature(nil, "local|99999999999"))} {
		if _, ok := s.check(v); ok {
			t.Errorf("%q is accepted", v)
		}
	}
	if _, ok := (&Sessions{}).check(encoded([]byte("local|99999999999")) + "." + encoded(signature(nil, "local|99999999999"))); ok {
		t.Error("a server without a token accepts a session")
	}
	for i := range value {
		changed := []byte(value)
		changed[i] ^= 1
		if _, ok := s.check(string(changed)); ok {
			t.Errorf("a change at %d is accepted", i)
		}
	}
}

// Two servers of one machine have cookies of their own.
func TestCookiesHaveThePort(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"127.0.0.1:4000": "chat_session_4000", "[::1]:80": "chat_session_80", "chat.example": "chat_session"} {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/", nil)
		if got := cookieName(r); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
}

func TestCodesAreUsedOnce(t *testing.T) {
	t.Parallel()
	var c codes
	now := time.Unix(1_800_000_000, 0)
	first, second := c.add("a", now), c.add("b", now)
	if owner, ok := c.take(first, now.Add(codeLife-1)); !ok || owner != "a" {
		t.Errorf("%q %v", owner, ok)
	}
	for _, text := range []string{first, "", "x"} {
		if _, ok := c.take(text, now); ok {
			t.Errorf("%q is accepted", text)
		}
	}
	if _, ok := c.take(second, now.Add(codeLife)); ok {
		t.Error("an old code is accepted")
	}
	oldest := c.add("a", now)
	for range maxCodes {
		c.add("a", now)
	}
	if _, ok := c.take(oldest, now); ok || len(c.list) != maxCodes {
		t.Errorf("%d codes are kept", len(c.list))
	}
}
