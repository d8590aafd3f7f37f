package leaks

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { Verify(m) }

// Were it not for the exception, this would fail Verify for up to a second.
func TestAPoolThatCouldNotConnectIsNoLeak(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", PoolSize: 1, MaxRetries: -1, DialerRetries: 1})
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Fatal("something listens at port 1")
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := goleak.Find(); err == nil {
		t.Error("go-redis ends its probing with the pool: the exception can go")
	}
	if err := goleak.Find(late()); err != nil {
		t.Error(err)
	}
}

func TestAGoroutineThatIsLeftIsFound(t *testing.T) {
	left := make(chan struct{})
	go func() { <-left }()
	if goleak.Find(late()) == nil {
		t.Error("it is not found")
	}
	close(left)
}
