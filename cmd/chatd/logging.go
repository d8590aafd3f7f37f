package main

import (
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"chat/daemon"
)

// logging is the log: text or JSON lines, without what may be secret in them. Its
// level can be changed while it is written.
type logging struct {
	*slog.Logger
	level   slog.LevelVar
	secrets atomic.Pointer[[]string]
}

func newLogging(w io.Writer, cfg daemon.Config) *logging {
	l := &logging{}
	l.take(cfg)
	o := &slog.HandlerOptions{Level: &l.level, ReplaceAttr: l.redact}
	if cfg.LogJSON {
		l.Logger = slog.New(slog.NewJSONHandler(w, o))
	} else {
		l.Logger = slog.New(slog.NewTextHandler(w, o))
	}
	return l
}

// take takes the level over, and what must not be written.
func (l *logging) take(cfg daemon.Config) {
	var secrets []string
	if old := l.secrets.Load(); old != nil {
		secrets = slices.Clone(*old)
	}
	for _, s := range cfg.Secrets() {
		if !slices.Contains(secrets, s) {
			secrets = append(secrets, s)
		}
	}
	l.secrets.Store(&secrets)
	l.level.Set(cfg.LogLevel)
}

func (l *logging) redact(_ []string, a slog.Attr) slog.Attr {
	for _, secret := range *l.secrets.Load() {
		if s := a.Value.String(); len(secret) >= 8 && strings.Contains(s, secret) {
			a.Value = slog.StringValue(strings.ReplaceAll(s, secret, "***"))
		}
	}
	return a
}

// reload reads the settings again at each signal: the log's level takes effect here,
// and the newest settings wait in reloads, which has room for one. Settings that are
// wrong change nothing. The function that it returns ends it.
func (l *logging) reload(signals <-chan os.Signal, load func() (daemon.Config, error), reloads chan daemon.Config) (end func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-quit:
				return
			case <-signals:
			}
			cfg, err := load()
			if err != nil {
				l.Error("the settings were not read again: they are wrong", "err", err)
				continue
			}
			l.take(cfg)
			l.Info("the log level and the bearer token are read again; all other settings need a restart", "level", cfg.LogLevel.String())
			select {
			case <-reloads: // drop those not yet read
			default:
			}
			reloads <- cfg
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}
