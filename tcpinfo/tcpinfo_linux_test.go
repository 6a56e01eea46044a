package tcpinfo_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/tcpinfo"
)

// listen listens on loopback, with a segment size where it is not 0.
func listen(t *testing.T, address string, mss int) netip.AddrPort {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var setErr error
		err := c.Control(func(fd uintptr) {
			if mss != 0 {
				setErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, mss)
			}
		})
		return errors.Join(err, setErr)
	}}
	l, err := lc.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestDial(t *testing.T) {
	for _, mss := range []int{512, 536, 1400} {
		server := listen(t, "127.0.0.1:0", mss)
		o, err := tcpinfo.Dial(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		if o.MSS != mss || o.AtLeast || o.Src != server || o.Dst.Addr() != server.Addr() || o.Interface != "lo" || o.MTU == 0 || o.PathMTU == 0 {
			t.Errorf("%d: %+v", mss, o)
		}
	}
	o, err := tcpinfo.Dial(t.Context(), listen(t, "127.0.0.1:0", 0))
	if err != nil || o.MSS < 1460 || !o.AtLeast {
		t.Errorf("all that the path takes: %+v, %v", o, err)
	}
}

func TestDialFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	if _, err := tcpinfo.Dial(t.Context(), closed); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a closed port: %v", err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := tcpinfo.Dial(ctx, closed); err == nil {
		t.Error("the context had ended")
	}
}
