package wire

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

// An Interrupt whose flag an earlier Receive has taken may move the socket's
// deadline later: that must not end a wait that nobody interrupted.
func TestLateInterrupt(t *testing.T) {
	s := wiretest.NewSegment(t)
	var l *Link
	s.Do(t, func() (err error) {
		l, err = Open(s.A, Filter{})
		return err
	})
	defer l.Close()

	deadline := time.Now().Add(50 * time.Millisecond)
	l.deadline, l.current = deadline, true
	if err := l.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	_, err := l.Receive(deadline)
	if early := time.Until(deadline); !errors.Is(err, os.ErrDeadlineExceeded) || early > 0 {
		t.Errorf("%v, %s too early", err, early)
	}
}
