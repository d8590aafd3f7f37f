package transport

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
)

const (
	// MaxModels bounds the models of a list.
	MaxModels    = 2000
	maxModelList = 8 << 20 // bytes
	// listTimeout bounds one request for a list of models.
	listTimeout = 15 * time.Second
	// listAge is how long a list is used before it is fetched again.
	listAge = time.Minute
)

// Lister keeps a server's list of models for a while.
type Lister struct {
	mu   sync.Mutex // guards what follows
	list model.List
	at   time.Time
}

// List returns the list. fetch asks the server for it.
func (l *Lister) List(ctx context.Context, host string, fetch func(context.Context) (model.List, error)) (model.List, error) {
	if list, at := l.Last(); !at.IsZero() && time.Since(at) < listAge {
		return list, nil
	}
	late := chat.Retryable(chat.Errorf(chat.CodeProviderHeaders, "%s did not list its models within %s: try again", host, listTimeout))
	limited, cancel := context.WithTimeoutCause(ctx, listTimeout, late)
	defer cancel()
	list, err := fetch(limited)
	if err != nil {
		return model.List{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list, l.at = list, time.Now()
	return list, nil
}

// Last returns the last list, and when it came: the zero time if there is none.
func (l *Lister) Last() (model.List, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list, l.at
}

// ReadList reads the body of a list of models.
func (s *Server) ReadList(ctx context.Context, resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxModelList+1))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, s.CutError(err)
	case len(body) > maxModelList:
		return nil, s.ProtocolError("sent a list of models without end", nil)
	}
	return body, nil
}

// Describe returns the provider's settings and, if try is not nil, whether the server accepts
// the key. try makes a request that is refused for its content, because some providers list their
// models without a key, and keys are checked before anything else.
func (s *Server) Describe(try func() (*http.Response, error)) model.Check {
	out := model.Check{Provider: s.Name, URL: s.Base, Source: s.From.BaseURL, Proxy: s.Proxy()}
	if s.Key == "" {
		return out
	}
	out.Key = s.keySetting()
	if try != nil {
		if err := s.tryKey(try); err != nil {
			out.Outcome = chat.AsError(err)
		}
	}
	return out
}

// tryKey returns the error of try. Of responses, only errors about the key count.
func (s *Server) tryKey(try func() (*http.Response, error)) error {
	resp, err := try()
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // the status is all that counts
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadRequest {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, apierror.MaxBody)) // what can be read of the explanation is enough
	if err := s.StatusError(resp.StatusCode, resp.Header, body, ""); chat.IsCode(err, chat.CodeProviderAuth) {
		return err
	}
	return nil
}
