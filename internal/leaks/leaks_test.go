package leaks

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { Verify(m) }

func TestAPoolThatCouldNotConnectIsNoLeak(t *testing.T) {
	var dials atomic.Int64
	probing, goOn := make(chan struct{}), make(chan struct{})
	client := redis.NewClient(&redis.Options{
		PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			if dials.Add(1) == 2 { // the pool retries automatically
				close(probing)
				<-goOn
			}
			return nil, errors.New("refused")
		},
	})
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Fatal("it has connected")
	}
	<-probing
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if goleak.Find() == nil {
		t.Error("nothing is left: this test shows nothing any more")
	}
	if err := goleak.Find(late()); err != nil {
		t.Error(err)
	}
	close(goOn)
}

func TestAGoroutineThatIsLeftIsFound(t *testing.T) {
	left := make(chan struct{})
	go func() { <-left }()
	if goleak.Find(late()) == nil {
		t.Error("it is not found")
	}
	close(left)
}
