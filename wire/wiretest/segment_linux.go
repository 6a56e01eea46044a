package wiretest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Segment is an Ethernet cable, a veth pair, in a network namespace of its own
// in which IPv6 is off: nothing is on the cable but what the test puts there.
type Segment struct {
	A, B *net.Interface // its ends, both up

	ns int // a descriptor that keeps the namespace
}

// NewSegment makes a segment that lasts until tb ends. Where the system does not
// allow that, tb is skipped with the reason; with CI=true in the environment it
// fails instead.
func NewSegment(tb testing.TB) *Segment {
	tb.Helper()
	s := &Segment{ns: -1}
	err := onNewThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		var err error
		s.ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open the network namespace: %w", err)
		}
		return s.build()
	})
	if s.ns >= 0 {
		tb.Cleanup(func() { unix.Close(s.ns) })
	}
	if err != nil {
		denied := errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EOPNOTSUPP)
		if denied && os.Getenv("CI") != "true" {
			tb.Skipf("needs the right to make network namespaces: %v", err)
		}
		tb.Fatal(err)
	}
	return s
}

func (s *Segment) build() error {
	for _, which := range []string{"all", "default"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("turn IPv6 off: %w", err)
		}
	}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "a"}, PeerName: "b"}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("make a veth pair: %w", err)
	}
	for _, name := range []string{"a", "b"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("set %s up: %w", name, err)
		}
	}
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		var err error
		if s.A, err = net.InterfaceByName("a"); err != nil {
			return err
		}
		if s.B, err = net.InterfaceByName("b"); err != nil {
			return err
		}
		// An end that is up throws frames away until it has noticed, a moment
		// later, that the other is.
		if s.A.Flags&s.B.Flags&net.FlagRunning != 0 {
			return nil
		}
		if time.Since(start) > 5*time.Second {
			return errors.New("the veth pair does not come up")
		}
	}
}

// Do runs f inside the segment's namespace: sockets that f opens, and netlink
// requests that it makes, belong there. Sockets stay so after f has returned. An
// error of f ends tb; goroutines that f starts run elsewhere.
func (s *Segment) Do(tb testing.TB, f func() error) {
	tb.Helper()
	err := onNewThread(func() error {
		if err := unix.Setns(s.ns, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return f()
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// onNewThread runs f on a thread that ends with f: one that has been in another
// namespace must not run anybody's goroutines afterwards.
func onNewThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		done <- f()
	}()
	return <-done
}
