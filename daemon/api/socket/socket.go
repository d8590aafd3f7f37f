// Package socket is one WebSocket (RFC 6455) of a client: its limits, pings, slow readers and
// its end. It knows no messages; the wire formats that use it do.
package socket

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"chat"
	"chat/daemon/api/surface"
)

// Options are the settings of a socket; zero values mean the defaults.
type Options struct {
	// Ping is how often the client is asked whether it is there; 15 s.
	Ping time.Duration
	// Slow is how long one write may take before the client counts as too slow; 30 s.
	Slow time.Duration
	// MaxMessage bounds a message of the client in bytes; 5 MiB.
	MaxMessage int64
}

func (o Options) withDefaults() Options {
	if o.Ping <= 0 {
		o.Ping = 15 * time.Second
	}
	if o.Slow <= 0 {
		o.Slow = 30 * time.Second
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 5 << 20
	}
	return o
}

// giveUp is how many times Options.Slow a client that does not read at all gets before its
// connection is cut.
const giveUp = 4

// Conn is one connection. Its methods can be called concurrently, except Read.
type Conn struct {
	conn *websocket.Conn
	opts Options
	base context.Context //nolint:containedctx // of writes: its end would cut the connection
	ctx  context.Context //nolint:containedctx // of what runs for the socket
	work sync.WaitGroup

	closing sync.Once
	writing sync.Mutex   // held during a write
	began   atomic.Int64 // when the current write began, in ms since 1970; 0 between writes
	slow    atomic.Bool
}

var errSlow = errors.New("socket: the client reads too slowly")

// Serve accepts a socket, which counts as a stream, and calls talk with it. When talk returns,
// ctx and the socket end, and Serve waits for what the socket has started. When the server shuts down, the
// client is told to connect again. The caller has checked Host, Origin and the token.
func Serve(w http.ResponseWriter, r *http.Request, b surface.Backend, o Options, talk func(ctx context.Context, c *Conn)) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return chat.Errorf(chat.CodeInvalid, "this call opens a WebSocket: connect with a WebSocket client")
	}
	release, err := b.Acquire()
	if err != nil {
		return err
	}
	defer release()
	o = o.withDefaults()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // Host and Origin have been checked
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return nil // Accept has answered
	}
	conn.SetReadLimit(o.MaxMessage)
	live, left := b.Live(r)
	defer left()
	base := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithCancel(base)
	c := &Conn{conn: conn, opts: o, base: base, ctx: ctx}
	//nolint:contextcheck // a socket ends with its client, or with the server
	defer context.AfterFunc(live, func() { c.Close(websocket.StatusServiceRestart, "the server is shutting down: connect again") })()
	defer c.work.Wait()
	defer func() { _ = conn.CloseNow() }() // also after a panic
	defer cancel()
	c.Go(c.watch)
	talk(ctx, c)
	return nil
}

// Go runs f. Serve waits for it; it must end with the context of Serve.
func (c *Conn) Go(f func()) { c.work.Go(f) }

// Read returns the next message. An error is the end of the socket, and so is the end of ctx.
func (c *Conn) Read(ctx context.Context) ([]byte, error) {
	_, data, err := c.conn.Read(ctx)
	return data, err
}

// Limit bounds the messages of the client in bytes; 0 means Options.MaxMessage. Do not call it
// during Read.
func (c *Conn) Limit(n int64) {
	if n <= 0 {
		n = c.opts.MaxMessage
	}
	c.conn.SetReadLimit(n)
}

// Write sends one message. It waits for the client; watch sees when that takes too long. An
// error is the end of the socket.
func (c *Conn) Write(data []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.slow.Load() {
		return errSlow
	}
	c.began.Store(time.Now().UnixMilli())
	err := c.conn.Write(c.base, websocket.MessageText, data)
	c.began.Store(0)
	return err
}

// Close tells the client why its socket ends, and ends it. Only the first call counts.
func (c *Conn) Close(status websocket.StatusCode, reason string) {
	c.closing.Do(func() { _ = c.conn.Close(status, reason) }) // the client may be gone
}

// Leave closes the socket without an error.
func (c *Conn) Leave(reason string) { c.Close(websocket.StatusNormalClosure, reason) }

// watch asks the client whether it is there, and ends the socket of one that reads too
// slowly. A write in progress is left alone for a while, so that a client that reads again
// gets a status and not a broken connection.
func (c *Conn) watch() {
	ticker := time.NewTicker(min(c.opts.Ping, c.opts.Slow) / 4)
	defer ticker.Stop()
	pinged := time.Now()
	for {
		select {
		case <-c.ctx.Done():
			return
		case now := <-ticker.C:
			began := c.began.Load()
			took := time.Duration(now.UnixMilli()-began) * time.Millisecond
			switch {
			case began > 0 && took > giveUp*c.opts.Slow:
				_ = c.conn.CloseNow() // it does not read at all
				return
			case began > 0 && took > c.opts.Slow:
				c.slow.Store(true)
			case began == 0 && c.slow.Load():
				c.Close(websocket.StatusTryAgainLater, "the client reads too slowly: connect again")
				return
			case began == 0 && now.Sub(pinged) >= c.opts.Ping:
				pinged = now
				if !c.ping() {
					_ = c.conn.CloseNow() // it does not answer
					return
				}
			}
		}
	}
}

// ping reports whether the client has answered.
func (c *Conn) ping() bool {
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.Slow)
	defer cancel()
	return c.conn.Ping(ctx) == nil
}
