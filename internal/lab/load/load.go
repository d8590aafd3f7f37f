package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// Load is the work while the world breaks.
type Load struct {
	Asks   int           // messages; each has three followers
	For    time.Duration // if set: messages for that time, however many
	Every  time.Duration // a new message each
	Tokens [2]int        // of an answer, from and to
	Pace   time.Duration // between two tokens
	// Chains is the part of the messages that share a conversation with others.
	Chains float64
	// Cancels is the part that is cancelled while it is made.
	Cancels float64
	// Drops is the part whose sender leaves before the answer; it asks again.
	Drops float64
	// Twice is the part that is sent twice at the same time.
	Twice float64
	// Direct returns the directive of message i, and the expected result; nil:
	// honest answers.
	Direct func(i int, c world.Chance) (directive string, want history.Want)
	// Format, if set, is that of all answers.
	Format *chat.Format
	// Failover, if set, is that of all messages.
	Failover *chat.Failover
	// Priority of message i; nil: normal.
	Priority func(i int) chat.Priority
	// Long is how long an answer of the row with long answers takes, and Timeout
	// how long a client tries before its message counts as lost.
	Long, Timeout time.Duration
	Followers     int // of each message: steady, flaky, and chat's own, in turn
	// Formats sends some of the messages in other wire formats, and adds followers of all of
	// them, in turn.
	Formats bool
}

// Default is the load of a row that does not change it.
func Default() Load {
	return Load{
		Asks: 40, Every: 100 * time.Millisecond, Tokens: [2]int{30, 120}, Pace: 33 * time.Millisecond,
		Chains: 0.3, Cancels: 0.1, Drops: 0.15, Twice: 0.1, Followers: 3,
		Timeout: 90 * time.Second,
	}
}

// Sender sends messages and follows their answers.
type Sender struct {
	Load Load

	w    *world.World
	h    *history.History
	http *http.Client
	work sync.WaitGroup
}

// NewSender returns a sender that adds its observations to h. Close it after Wait.
func NewSender(w *world.World, h *history.History) *Sender {
	return &Sender{Load: Default(), w: w, h: h, http: world.HTTPClient()}
}

// Close closes the connections that are idle.
func (s *Sender) Close() { s.http.CloseIdleConnections() }

// Wait waits until all messages are sent and their followers have ended.
func (s *Sender) Wait() { s.work.Wait() }

// Start sends all messages at their pace, in the background.
func (s *Sender) Start(ctx context.Context, seed uint64, prefix string) {
	s.work.Go(func() { s.run(ctx, seed, prefix) })
}

func (s *Sender) run(ctx context.Context, seed uint64, prefix string) {
	c := world.Seeded(seed, 2)
	var chains []*history.Chain
	began := time.Now()
	for i := 0; i < s.Load.Asks || time.Since(began) < s.Load.For; i++ {
		a := s.compose(i, prefix, c)
		if n := len(chains); n > 0 && c.Often(s.Load.Chains) && a.Via == "" {
			a.Chain = chains[n-1-c.IntN(min(n, 10))]
		} else {
			a.Chain = &history.Chain{}
			if a.Via == "" { // otherwise the format makes a conversation of its own
				chains = append(chains, a.Chain)
			}
		}
		a.Chain.Asks = append(a.Chain.Asks, a)
		s.h.Add(a)
		mine := world.Seeded(seed, uint64(100+i))
		s.work.Go(func() { s.ask(ctx, a, mine) })
		if world.Pause(ctx, s.Load.Every) != nil {
			return
		}
	}
}

func (s *Sender) compose(i int, prefix string, c world.Chance) *history.Ask {
	mark := fmt.Sprintf("%s-%d", prefix, i)
	tokens := s.Load.Tokens[0] + c.IntN(s.Load.Tokens[1]-s.Load.Tokens[0]+1)
	a := &history.Ask{Mark: mark, Key: mark, Tokens: tokens}
	if s.Load.Priority != nil {
		a.Priority = s.Load.Priority(i)
	}
	if s.Load.Formats {
		a.Via, a.Through = turns(i)
	}
	directive := fmt.Sprintf("chunks=%d pace=%s", tokens, s.Load.Pace)
	if slices.Contains(a.Through, history.KindPage) && i%2 == 0 {
		directive += " tag=%0A%0A" // a paragraph for each token: many blocks on a page
	}
	if s.Load.Direct != nil {
		var extra string
		extra, a.Want = s.Load.Direct(i, c)
		directive += " " + extra
	}
	a.Content = fmt.Sprintf("lie: %s mark=%s\nPlease answer.", strings.TrimSpace(directive), mark)
	return a
}

// ask sends one message until its result is known, and follows.
func (s *Sender) ask(ctx context.Context, a *history.Ask, c world.Chance) {
	a.Chain.Lock()
	send := s.submit
	if a.Via != "" {
		send = s.sendVia
	}
	err := send(ctx, a, c)
	a.Chain.Unlock()
	if err != nil {
		s.h.Note(fmt.Sprintf("%s was never accepted: %v", a.Mark, err))
		return
	}
	if a.Accepted == nil {
		return // refused
	}
	kinds := []string{"steady", "flaky", "client"}
	first := 0
	if s.Load.For > 0 {
		first = c.IntN(len(kinds))
	}
	var chosen []string
	for n := range s.Load.Followers {
		chosen = append(chosen, kinds[(first+n)%len(kinds)])
	}
	chosen = append(chosen, a.Through...)
	for _, kind := range chosen {
		f := &history.Follower{Kind: kind}
		a.Followers = append(a.Followers, f)
		mine := world.Chance{Rand: c.Rand}
		delay := mine.Between(0, 300*time.Millisecond)
		own := world.Seeded(c.Uint64(), 3)
		s.work.Go(func() {
			if world.Pause(ctx, delay) == nil {
				s.follow(ctx, f, a, own)
			}
		})
	}
	if c.Often(s.Load.Cancels) {
		delay := c.Between(200*time.Millisecond, 1500*time.Millisecond)
		s.work.Go(func() {
			if world.Pause(ctx, delay) == nil {
				s.Cancel(ctx, a)
			}
		})
	}
	if c.Often(s.Load.Twice) { // the same again, much later
		if world.Pause(ctx, time.Second) != nil {
			return
		}
		if a.Via != "" {
			s.startSending(ctx, a, c)
		} else {
			s.Post(ctx, a, c.IntN(len(s.w.API)), 0)
		}
	}
}

// submit posts until it gets a reply.
func (s *Sender) submit(ctx context.Context, a *history.Ask, c world.Chance) error {
	ctx, cancel := context.WithTimeout(ctx, s.Load.Timeout)
	defer cancel()
	if err := s.Converse(ctx, a, c); err != nil {
		return err
	}
	for {
		if c.Often(s.Load.Twice) {
			var twin sync.WaitGroup
			api := c.IntN(len(s.w.API))
			twin.Go(func() { s.Post(ctx, a, api, 0) })
			s.Post(ctx, a, c.IntN(len(s.w.API)), 0)
			twin.Wait()
		} else {
			var leave time.Duration
			if c.Often(s.Load.Drops) {
				leave = c.Between(time.Millisecond, 25*time.Millisecond)
			}
			s.Post(ctx, a, c.IntN(len(s.w.API)), leave)
		}
		if a.Known() {
			return nil
		}
		if err := world.Pause(ctx, c.Between(50*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
	}
}

// Converse creates the conversation of a message unless it exists.
func (s *Sender) Converse(ctx context.Context, a *history.Ask, c world.Chance) error {
	for a.Chain.ID == "" {
		var conv chat.Conversation
		status, _, err := s.call(ctx, c.IntN(len(s.w.API)), http.MethodPost, "/conversations", "conv-"+a.Mark, map[string]string{}, &conv)
		if err == nil && status == http.StatusCreated {
			a.Chain.ID = conv.ID
			return nil
		}
		if err := world.Pause(ctx, c.Between(50*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) submission(a *history.Ask) chat.Submission {
	sub := chat.Submission{Content: a.Content, Priority: a.Priority, Failover: s.Load.Failover}
	if s.Load.Format != nil {
		sub.Parameters = &chat.Parameters{Format: s.Load.Format}
	}
	return sub
}

// Post sends the message once. If leave is not 0, it disconnects after that time.
func (s *Sender) Post(ctx context.Context, a *history.Ask, api int, leave time.Duration) {
	p := history.Post{At: time.Now(), API: api, Dropped: leave > 0}
	limit := 10 * time.Second
	if leave > 0 {
		limit = leave
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var acc chat.Accepted
	status, problem, err := s.call(ctx, api, http.MethodPost, "/conversations/"+a.Chain.ID+"/messages", a.Key, s.submission(a), &acc)
	p.Ended = time.Now()
	if err == nil {
		p.Status = status
	}
	var refused *chat.Error
	switch {
	case err != nil:
	case status == http.StatusAccepted:
		p.Accepted = &acc
	default:
		p.Code = problem.Code
		if status < 500 && status != http.StatusTooManyRequests && problem.Code != chat.CodeBusy {
			refused = problem
		}
	}
	a.AddPost(p, refused)
}

// Cancel cancels until it gets a reply.
func (s *Sender) Cancel(ctx context.Context, a *history.Ask) {
	ctx, stop := context.WithTimeout(ctx, s.Load.Timeout)
	defer stop()
	var answer struct {
		Won   bool           `json:"won"`
		State chat.TaskState `json:"state"`
	}
	k := &history.Cancel{Asked: time.Now()}
	for n := 0; ; n++ {
		status, _, err := s.call(ctx, n%len(s.w.API), http.MethodPost, "/tasks/"+a.Accepted.TaskID+"/cancel", "", map[string]string{}, &answer)
		if err == nil && status == http.StatusOK {
			break
		}
		if err == nil && status == http.StatusNotFound {
			return // the database has lost the task; the judge knows whether it may
		}
		if world.Pause(ctx, 200*time.Millisecond) != nil {
			return
		}
	}
	k.Answered, k.Won, k.State = time.Now(), answer.Won, answer.State
	a.SetCancelled(k)
}

// call makes one HTTP call; an error means that no complete reply was read.
func (s *Sender) call(ctx context.Context, api int, method, path, key string, body, into any) (int, *chat.Error, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	if method == http.MethodGet {
		data = nil
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := s.newRequest(ctx, method, api, path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode < 300 {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			return 0, nil, err
		}
		return res.StatusCode, nil, nil
	}
	var problem struct {
		Code   chat.Code `json:"code"`
		Detail string    `json:"detail"`
	}
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		return 0, nil, errors.Join(fmt.Errorf("status %d without a problem document", res.StatusCode), err)
	}
	return res.StatusCode, &chat.Error{Code: problem.Code, Message: problem.Detail}, nil
}
