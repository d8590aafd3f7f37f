package web

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"chat"
)

// codeLife is how long a code can be used.
const codeLife = 2 * time.Minute

// maxCodes bounds the codes that wait for their use.
const maxCodes = 100

// codes are the one-time codes of `chat web`, each for its owner. They are in memory only:
// the daemon that made a code is the one that its URL leads to. The zero value is empty.
type codes struct {
	mu   sync.Mutex
	list []code
}

type code struct {
	text, owner string
	until       time.Time
}

// add returns a new code.
func (c *codes) add(owner string, now time.Time) string {
	text := rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxCodes {
		c.list = c.list[1:]
	}
	c.list = append(c.list, code{text, owner, now.Add(codeLife)})
	return text
}

// take uses a code up.
func (c *codes) take(text string, now time.Time) (owner string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, known := range c.list {
		if known.text == text { // 128 random bits that live for two minutes
			c.list = append(c.list[:i:i], c.list[i+1:]...)
			return known.owner, now.Before(known.until)
		}
	}
	return "", false
}

// open serves POST /web/open: it makes a local daemon listen for browsers, and returns the
// address with a code. Only the unix socket has this call.
func (a *API) open(w http.ResponseWriter, r *http.Request) error {
	if a.opts.Listen == nil || !a.opts.Local(r) {
		return chat.Errorf(chat.CodeNotFound, "only a local daemon opens the page on request: this server serves it at its own address")
	}
	var in struct {
		Address string `json:"address"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSignIn)).Decode(&in); err != nil {
		return chat.Errorf(chat.CodeInvalid, "the body must be a JSON object: %w", err)
	}
	address, err := a.opts.Listen(r.Context(), in.Address)
	if err != nil {
		return err
	}
	url := "http://" + address + "/#code=" + a.codes.add(a.backend.Owner(r), a.opts.Sessions.now())
	return writeJSON(w, map[string]string{"url": url})
}
