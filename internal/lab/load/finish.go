package load

import (
	"context"
	"fmt"
	"time"

	"chat"
	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// Quiet waits until no accepted task is open.
func (s *Sender) Quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Load.Timeout)
	defer cancel()
	for {
		var open struct {
			Tasks []chat.Task `json:"tasks"`
		}
		status, _, err := s.call(ctx, 0, "GET", "/tasks?state=active&limit=10", "", nil, &open)
		if err == nil && status == 200 && len(open.Tasks) == 0 {
			return nil
		}
		if world.Pause(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("still open: %d tasks (%w)", len(open.Tasks), context.Cause(ctx))
		}
	}
}

// Late follows finished tasks: from the start on each instance, from a position in
// the middle, and from the end.
func (s *Sender) Late(ctx context.Context) {
	c := world.Seeded(s.h.Seed, 4)
	for _, a := range s.h.Asks() {
		if a.Accepted == nil {
			continue
		}
		for api := range s.w.API {
			f := &history.Follower{Kind: "late", Conns: []*history.Conn{s.Open(ctx, a.Accepted.TaskID, api, "", Leave{})}}
			a.Followers = append(a.Followers, f)
			frames := f.Conns[0].Frames
			if len(frames) == 0 || f.Conns[0].End != "terminal" {
				f.Gave = "late: " + f.Conns[0].End
				continue
			}
			middle := frames[c.IntN(len(frames))].ID
			again := &history.Follower{Kind: "late, from " + middle, Conns: []*history.Conn{
				{API: api, Frames: frames[:indexOf(frames, middle)+1], Status: 200, End: "left"}, s.Open(ctx, a.Accepted.TaskID, api, middle, Leave{}),
			}}
			if middle == frames[len(frames)-1].ID && again.Conns[1].Status != 204 {
				again.Gave = fmt.Sprintf("at the end the answer is %d, not 204", again.Conns[1].Status)
			}
			a.Followers = append(a.Followers, again)
		}
		if a.FollowedAs(history.KindPage) {
			a.Followers = append(a.Followers, s.freshPage(ctx, a, c))
		}
	}
}

func indexOf(frames []history.Frame, id string) int {
	for i, f := range frames {
		if f.ID == id {
			return i
		}
	}
	return -1
}
