package embedded

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestAWaitingReadOrWriteEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := newPipe(1 << 10)
		begin := time.Now()
		must(t, client.SetDeadline(begin.Add(time.Second)))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		n, err := client.Write(make([]byte, 2*requestLimit))
		if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write after the deadline: %d bytes, %v", n, err)
		}
		must(t, client.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err = client.Write(make([]byte, 2*requestLimit))
		if n != requestLimit || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d bytes, %v; want as much as there is room for", n, err)
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %v, want 2s", took)
		}
	})
}

func TestANewDeadlineEndsAWaitingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := newPipe(1 << 10)
		got := make(chan error)
		go func() {
			_, err := client.Read(make([]byte, 1))
			got <- err
		}()
		synctest.Wait()
		must(t, client.SetReadDeadline(time.Now().Add(-time.Second)))
		if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
	})
}

func TestThePeerReadsWhatWasSentBeforeClose(t *testing.T) {
	client, engine := newPipe(1 << 10)
	if _, err := client.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	must(t, client.Close())
	if got, err := io.ReadAll(engine); string(got) != "last words" || err != nil {
		t.Errorf("the peer read %q, %v", got, err)
	}
	if _, err := engine.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the peer's write: %v", err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	must(t, client.Close())
}

func TestCloseWakesAWaitingReadOfEitherSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, engine := newPipe(1 << 10)
		mine, theirs := make(chan error), make(chan error)
		go func() { _, err := client.Read(make([]byte, 1)); mine <- err }()
		go func() { _, err := engine.Read(make([]byte, 1)); theirs <- err }()
		synctest.Wait()
		must(t, client.Close())
		if err := <-mine; !errors.Is(err, net.ErrClosed) {
			t.Errorf("own read: %v", err)
		}
		if err := <-theirs; !errors.Is(err, io.EOF) {
			t.Errorf("the peer's read: %v", err)
		}
	})
}

func TestAReplyOverTheLimitCutsBothDirections(t *testing.T) {
	client, engine := newPipe(1 << 10)
	if _, err := engine.Write(make([]byte, 1<<10)); err != nil {
		t.Fatalf("at the limit: %v", err)
	}
	if _, err := engine.Write([]byte("x")); !errors.Is(err, errCut) {
		t.Errorf("past the limit: %v", err)
	}
	for name, do := range map[string]func([]byte) (int, error){
		"client read": client.Read, "client write": client.Write,
		"engine read": engine.Read, "engine write": engine.Write,
	} {
		if _, err := do(make([]byte, 1)); !errors.Is(err, errCut) {
			t.Errorf("%s: %v, want %v", name, err, errCut)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
