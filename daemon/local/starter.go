package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chat"
	"chat/daemon/client"
)

// Starter finds the local daemon, and starts one if none runs.
type Starter struct {
	Paths    Paths
	Protocol client.Range
	// Executable and Args are the daemon's command line: the own executable and
	// "daemon run", if empty.
	Executable string
	Args       []string
	// Notice receives sentences for the user about what the Starter waits for; nil
	// discards them.
	Notice func(string)
	// The named limits; 0 means the default.
	HelloTimeout time.Duration // 2 s: for one hello
	BusyTimeout  time.Duration // 15 s: for a daemon that does not answer
	StartTimeout time.Duration // 60 s: for a daemon that we started

	mu     sync.Mutex
	starts []time.Time // of the last minute
	served bool        // a daemon has been found before
}

// The defaults of a Starter's limits.
const (
	helloTimeout = 2 * time.Second
	busyTimeout  = 15 * time.Second
	startTimeout = time.Minute
)

// startsPerMinute limits the daemons that one process starts. A daemon that ends twice
// within a minute would end a third time.
const startsPerMinute = 2

func or(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

func (s *Starter) notice(format string, args ...any) {
	if s.Notice != nil {
		s.Notice(fmt.Sprintf(format, args...))
	}
}

// Endpoint is where the daemon listens. It starts one if none runs, and
// fits client.New.
func (s *Starter) Endpoint(ctx context.Context) (client.Endpoint, error) {
	e, err := s.endpoint(ctx)
	if err == nil {
		s.mu.Lock()
		s.served = true
		s.mu.Unlock()
	}
	return e, err
}

func (s *Starter) endpoint(ctx context.Context) (client.Endpoint, error) {
	i, err := s.find(ctx)
	if err == nil {
		return i.Endpoint(), nil
	}
	if !errors.Is(err, errAbsent) {
		return client.Endpoint{}, err
	}
	if err := makeDir(s.Paths.Data, "XDG_DATA_HOME"); err != nil {
		return client.Endpoint{}, err
	}
	for waited := false; ; waited = true {
		l, _, err := tryLock(s.Paths.startLock())
		if err == nil {
			i, err = s.startLocked(ctx)
			return i.Endpoint(), errors.Join(err, l.release())
		}
		if !errors.Is(err, errHeld) {
			return client.Endpoint{}, err
		}
		// Another process is starting a daemon. If it succeeds, the lock is not needed.
		if waited {
			if err := pause(ctx); err != nil {
				return client.Endpoint{}, err
			}
		}
		if i, err := s.find(ctx); !errors.Is(err, errAbsent) {
			return i.Endpoint(), err
		}
	}
}

// Find returns the endpoint of the running daemon; it never starts one. It returns
// CodeDaemon if none runs.
func (s *Starter) Find(ctx context.Context) (client.Endpoint, error) {
	i, err := s.find(ctx)
	if errors.Is(err, errAbsent) {
		return client.Endpoint{}, chat.Errorf(chat.CodeDaemon, "no local daemon is running: `chat daemon start` starts one")
	}
	return i.Endpoint(), err
}

// startLocked starts a daemon under the start lock, unless another process did so while
// we waited for it.
func (s *Starter) startLocked(ctx context.Context) (Info, error) {
	i, err := s.find(ctx)
	if !errors.Is(err, errAbsent) {
		return i, err
	}
	if err := s.mayStart(); err != nil {
		return Info{}, err
	}
	s.announceRestart(ctx)
	if err := s.spawn(ctx); err != nil {
		return Info{}, err
	}
	i, err = s.find(ctx)
	if errors.Is(err, errAbsent) {
		return Info{}, s.failed(0, chat.Errorf(chat.CodeDaemon, "it ended right after it had started"))
	}
	return i, err
}

func (s *Starter) mayStart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	recent := s.starts[:0]
	for _, at := range s.starts {
		if now.Sub(at) < time.Minute {
			recent = append(recent, at)
		}
	}
	s.starts = append(recent, now)
	if len(recent) >= startsPerMinute {
		s.starts = recent
		return chat.Errorf(chat.CodeDaemon, "the local daemon ended %d times within a minute: see %s, or `chat daemon logs`", len(recent), s.Paths.Log())
	}
	return nil
}

// announceRestart reports that the daemon that starts now is not the first: we had
// one before, or the last one did not end in order, or it would have taken its
// daemon.json with it. It reports none that was stopped, or had nothing to
// do, before we came.
func (s *Starter) announceRestart(ctx context.Context) {
	s.mu.Lock()
	served := s.served
	s.mu.Unlock()
	i, died := s.lastDied(ctx)
	switch {
	case died && i.InProcess:
		s.notice("a chat --no-daemon (process %d) ended unexpectedly; starting a daemon", i.PID)
	case died:
		s.notice("the local daemon (process %d) ended unexpectedly; starting another", i.PID)
	case served:
		s.notice("the local daemon has ended; starting another")
	}
}

// departure is how long a process that has stopped listening may take to end.
const departure = time.Second

// lastDied reports whether the last daemon ended without removing its daemon.json.
func (s *Starter) lastDied(ctx context.Context) (Info, bool) {
	for deadline := time.Now().Add(departure); ; {
		i, err := readInfo(s.Paths)
		if err != nil {
			return Info{}, false
		}
		_, held, err := holder(s.Paths.lockFile())
		if err == nil && !held {
			return i, true
		}
		if err != nil || !time.Now().Before(deadline) || pause(ctx) != nil {
			return Info{}, false // it is still ending, and how is unknown
		}
	}
}

// errAbsent means that no daemon takes work: none runs, or it is ending.
var errAbsent = errors.New("no daemon")

// find checks the daemon until its condition is certain.
func (s *Starter) find(ctx context.Context) (Info, error) {
	if err := s.Paths.checkPrivate(s.notice); err != nil {
		return Info{}, err
	}
	deadline := time.Now().Add(or(s.BusyTimeout, busyTimeout))
	notified := false
	for {
		state, i, h, err := checkServer(ctx, s.Paths, or(s.HelloTimeout, helloTimeout))
		switch state {
		case ready:
			return s.compatible(ctx, i, h)
		case absent, ending:
			return Info{}, errAbsent
		case refusing:
			return Info{}, err
		case busy, leaving:
		}
		if !time.Now().Before(deadline) {
			return Info{}, &chat.Error{Code: chat.CodeDaemon, Cause: err, Retryable: true, Message: fmt.Sprintf(
				"the local daemon (process %d) does not answer: wait, or end it with `chat daemon stop --force`; its log is %s", i.PID, s.Paths.Log())}
		}
		if state == busy && !notified {
			s.notice("the local daemon (process %d) is slow to answer; waiting", i.PID)
			notified = true
		}
		if err := pause(ctx); err != nil {
			return Info{}, err
		}
	}
}

// compatible compares the protocol ranges. A daemon that is too old is asked to
// end when it is idle; if that is now, it counts as absent.
func (s *Starter) compatible(ctx context.Context, i Info, h client.Hello) (Info, error) {
	if s.Protocol.Overlaps(h.Protocol) {
		return i, nil
	}
	if h.Protocol.Min > s.Protocol.Max {
		return Info{}, chat.Errorf(chat.CodeIncompatible,
			"the local daemon is newer (version %s, protocol %d to %d) than this chat (protocol %d to %d): update chat",
			h.Version, h.Protocol.Min, h.Protocol.Max, s.Protocol.Min, s.Protocol.Max)
	}
	c := client.New(client.At(i.Endpoint()), client.Options{CallTimeout: or(s.HelloTimeout, helloTimeout)})
	defer c.Close()
	if err := c.Shutdown(ctx, false); err == nil {
		for range 100 { // an idle daemon is gone in a moment
			state, _, _, _ := checkServer(ctx, s.Paths, or(s.HelloTimeout, helloTimeout))
			if state == absent || state == ending {
				return Info{}, errAbsent
			}
			if err := pause(ctx); err != nil {
				return Info{}, err
			}
		}
	}
	return Info{}, chat.Errorf(chat.CodeIncompatible,
		"the local daemon is older (version %s, protocol %d to %d) than this chat (protocol %d to %d) and still has work to do; it has been asked to end after that: try again then, or run `chat daemon restart`",
		h.Version, h.Protocol.Min, h.Protocol.Max, s.Protocol.Min, s.Protocol.Max)
}
