package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"chat"
)

// Load is what is asked while the world breaks.
type Load struct {
	Asks   int           // messages; each has three followers
	For    time.Duration // if it is set: messages for so long, however many
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
	// Direct makes the directive of message i, and says what must come of it;
	// nil: honest answers.
	Direct func(i int, c chance) (directive string, want Want)
	// Priority of message i; nil: normal.
	Priority func(i int) chat.Priority
	// Long is how long an answer of the row with long answers takes, and Patience how
	// long a client tries before it counts as lost.
	Long, Patience time.Duration
	Followers      int // of each message: steady, flaky, and chat's own, in turn
}

func defaultLoad() Load {
	return Load{
		Asks: 40, Every: 100 * time.Millisecond, Tokens: [2]int{30, 120}, Pace: 33 * time.Millisecond,
		Chains: 0.3, Cancels: 0.1, Drops: 0.15, Twice: 0.1, Followers: 3,
		Patience: 90 * time.Second,
	}
}

// chain is one conversation; its messages are sent one after the other, each again
// until the answer to the one before it has ended.
type chain struct {
	mu   sync.Mutex
	id   string
	asks []*Ask
}

// sender sends messages and follows their answers.
type sender struct {
	w    *World
	h    *History
	load Load
	http *http.Client
	work sync.WaitGroup
}

// run sends all messages at their pace; wait for s.work afterwards.
func (s *sender) run(ctx context.Context, seed uint64, prefix string) {
	c := seeded(seed, 2)
	var chains []*chain
	began := time.Now()
	for i := 0; i < s.load.Asks || time.Since(began) < s.load.For; i++ {
		a := s.compose(i, prefix, c)
		if n := len(chains); n > 0 && c.often(s.load.Chains) {
			a.Chain = chains[n-1-c.IntN(min(n, 10))]
		} else {
			a.Chain = &chain{}
			chains = append(chains, a.Chain)
		}
		a.Chain.asks = append(a.Chain.asks, a)
		s.h.add(a)
		mine := seeded(seed, uint64(100+i))
		s.work.Go(func() { s.ask(ctx, a, mine) })
		if pause(ctx, s.load.Every) != nil {
			return
		}
	}
}

func (s *sender) compose(i int, prefix string, c chance) *Ask {
	mark := fmt.Sprintf("%s-%d", prefix, i)
	tokens := s.load.Tokens[0] + c.IntN(s.load.Tokens[1]-s.load.Tokens[0]+1)
	a := &Ask{Mark: mark, Key: mark, Tokens: tokens}
	if s.load.Priority != nil {
		a.Priority = s.load.Priority(i)
	}
	directive := fmt.Sprintf("chunks=%d pace=%s", tokens, s.load.Pace)
	if s.load.Direct != nil {
		var extra string
		extra, a.Want = s.load.Direct(i, c)
		directive += " " + extra
	}
	a.Content = fmt.Sprintf("lie: %s mark=%s\nPlease answer.", strings.TrimSpace(directive), mark)
	return a
}

// ask sends one message until it knows what became of it, and follows.
func (s *sender) ask(ctx context.Context, a *Ask, c chance) {
	a.Chain.mu.Lock() // a conversation's messages one after the other
	err := s.submit(ctx, a, c)
	a.Chain.mu.Unlock()
	if err != nil {
		s.h.note(fmt.Sprintf("%s was never accepted: %v", a.Mark, err))
		return
	}
	if a.Accepted == nil {
		return // refused
	}
	kinds := []string{"steady", "flaky", "client"}
	first := 0
	if s.load.For > 0 {
		first = c.IntN(len(kinds))
	}
	for n := range s.load.Followers {
		f := &Follower{Kind: kinds[(first+n)%len(kinds)]}
		a.Followers = append(a.Followers, f)
		mine := chance{c.Rand}
		delay := mine.between(0, 300*time.Millisecond)
		own := seeded(c.Uint64(), 3)
		s.work.Go(func() {
			if pause(ctx, delay) == nil {
				s.follow(ctx, f, a, own)
			}
		})
	}
	if c.often(s.load.Cancels) {
		delay := c.between(200*time.Millisecond, 1500*time.Millisecond)
		s.work.Go(func() {
			if pause(ctx, delay) == nil {
				s.cancel(ctx, a)
			}
		})
	}
	if c.often(s.load.Twice) { // the same again, long after
		if pause(ctx, time.Second) == nil {
			s.post(ctx, a, c.IntN(len(s.w.API)), 0)
		}
	}
}

// submit posts until an answer is known.
func (s *sender) submit(ctx context.Context, a *Ask, c chance) error {
	ctx, cancel := context.WithTimeout(ctx, s.load.Patience)
	defer cancel()
	if err := s.converse(ctx, a, c); err != nil {
		return err
	}
	for {
		if c.often(s.load.Twice) {
			var twin sync.WaitGroup
			api := c.IntN(len(s.w.API))
			twin.Go(func() { s.post(ctx, a, api, 0) })
			s.post(ctx, a, c.IntN(len(s.w.API)), 0)
			twin.Wait()
		} else {
			var leave time.Duration
			if c.often(s.load.Drops) {
				leave = c.between(time.Millisecond, 25*time.Millisecond)
			}
			s.post(ctx, a, c.IntN(len(s.w.API)), leave)
		}
		a.mu.Lock()
		known := a.Accepted != nil || a.Refused != nil
		a.mu.Unlock()
		if known {
			return nil
		}
		if err := pause(ctx, c.between(50*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
	}
}

// converse makes the conversation, once.
func (s *sender) converse(ctx context.Context, a *Ask, c chance) error {
	for a.Chain.id == "" {
		var conv chat.Conversation
		status, _, err := s.call(ctx, c.IntN(len(s.w.API)), http.MethodPost, "/conversations", "conv-"+a.Mark, map[string]string{}, &conv)
		if err == nil && status == http.StatusCreated {
			a.Chain.id = conv.ID
			return nil
		}
		if err := pause(ctx, c.between(50*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// post sends the message once, leaving before the answer if leave is not 0.
func (s *sender) post(ctx context.Context, a *Ask, api int, leave time.Duration) {
	p := Post{At: time.Now(), API: api, Dropped: leave > 0}
	limit := 10 * time.Second
	if leave > 0 {
		limit = leave
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var acc chat.Accepted
	status, problem, err := s.call(ctx, api, http.MethodPost, "/conversations/"+a.Chain.id+"/messages", a.Key, chat.Submission{Content: a.Content, Priority: a.Priority}, &acc)
	p.Ended = time.Now()
	if err == nil {
		p.Status = status
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
	case status == http.StatusAccepted:
		p.Accepted = &acc
		if a.Accepted == nil {
			a.Accepted, a.At = &acc, p.Ended
		}
	default:
		p.Code = problem.Code
		if status < 500 && status != http.StatusTooManyRequests && problem.Code != chat.CodeBusy {
			a.Refused = problem
		}
	}
	a.Posts = append(a.Posts, p)
}

// cancel cancels until it is answered.
func (s *sender) cancel(ctx context.Context, a *Ask) {
	ctx, stop := context.WithTimeout(ctx, s.load.Patience)
	defer stop()
	var answer struct {
		Won   bool           `json:"won"`
		State chat.TaskState `json:"state"`
	}
	k := &Cancel{Asked: time.Now()}
	for n := 0; ; n++ {
		status, _, err := s.call(ctx, n%len(s.w.API), http.MethodPost, "/tasks/"+a.Accepted.TaskID+"/cancel", "", map[string]string{}, &answer)
		if err == nil && status == http.StatusOK {
			break
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return
		}
	}
	k.Answered, k.Won, k.State = time.Now(), answer.Won, answer.State
	a.mu.Lock()
	a.Cancelled = k
	a.mu.Unlock()
}

// call makes one HTTP call; an error means that no whole answer was read.
func (s *sender) call(ctx context.Context, api int, method, path, key string, body, into any) (int, *chat.Error, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	var payload *strings.Reader
	if method != http.MethodGet {
		payload = strings.NewReader(string(data))
	} else {
		payload = strings.NewReader("")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.w.API[api].Front.Addr()+path, payload)
	if err != nil {
		return 0, nil, err
	}
	req.Host = "localhost"
	req.Header.Set("Authorization", "Bearer "+bearer)
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
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
