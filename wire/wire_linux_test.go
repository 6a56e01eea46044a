package wire_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/wire"
	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

// patience is for what must happen; a test that waits so long has failed.
const patience = 5 * time.Second

func open(t testing.TB, s *wiretest.Segment, ifi *net.Interface, f wire.Filter) *wire.Link {
	t.Helper()
	var l *wire.Link
	s.Do(t, func() (err error) {
		l, err = wire.Open(ifi, f)
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l
}

func send(t testing.TB, l *wire.Link, frame []byte) {
	t.Helper()
	if err := l.Send(frame); err != nil {
		t.Fatal(err)
	}
}

func receive(t testing.TB, l *wire.Link) evidence.Frame {
	t.Helper()
	f, err := l.Receive(time.Now().Add(patience))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// answer is a frame that filter hears, and foreign one that it does not.
var (
	filter  = wire.Filter{Addrs: []netip.Addr{vip}}
	answer  = ether(self, node, nil, 0x0806, arp(cluster, vip, self, netip.MustParseAddr("172.16.63.20")))
	foreign = ether(self, other, nil, 0x0806, arp(other, netip.MustParseAddr("172.16.63.30"), self, netip.MustParseAddr("172.16.63.20")))
)

func TestLinkHearsWhatTheFilterWants(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	if a.Name() != "a" || a.MAC() != mac.From(s.A.HardwareAddr) {
		t.Errorf("link is %q, %s; want %q, %s", a.Name(), a.MAC(), "a", s.A.HardwareAddr)
	}

	before := time.Now()
	send(t, a, foreign)
	send(t, a, answer)
	f := receive(t, b)
	after := time.Now()
	if !bytes.Equal(f.Data, answer) || f.Length != len(answer) {
		t.Errorf("got % x of %d bytes, want % x of %d", f.Data, f.Length, answer, len(answer))
	}
	if f.Place != "b" || f.Out || f.VLAN != 0 {
		t.Errorf("got place %q, out %v, VLAN %d; want b, false, 0", f.Place, f.Out, f.VLAN)
	}
	if f.Time.Before(before) || f.Time.After(after) {
		t.Errorf("got time %s, want between %s and %s", f.Time, before, after)
	}

	// The positive control: a filter that wants the foreign address hears it.
	wide := filter
	wide.Addrs = append(slices.Clone(wide.Addrs), netip.MustParseAddr("172.16.63.30"))
	if err := b.SetFilter(wide); err != nil {
		t.Fatal(err)
	}
	send(t, a, foreign)
	if f := receive(t, b); !bytes.Equal(f.Data, foreign) {
		t.Errorf("got % x after SetFilter, want % x", f.Data, foreign)
	}
	if err := b.SetFilter(wire.Filter{Addrs: []netip.Addr{netip.IPv6Loopback()}}); err == nil {
		t.Error("SetFilter took an IPv6 address")
	}
}

// An address that turns out to matter later is heard from then on, beside the
// others.
func TestLinkHear(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	send(t, a, foreign) // not heard
	if err := b.Hear(netip.MustParseAddr("172.16.63.30")); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{foreign, answer} {
		send(t, a, want)
		if f := receive(t, b); !bytes.Equal(f.Data, want) {
			t.Errorf("got % x, want % x", f.Data, want)
		}
	}
	if err := b.Hear(netip.IPv6Loopback()); err == nil {
		t.Error("Hear took an IPv6 address")
	}
	send(t, a, answer)
	if f := receive(t, b); !bytes.Equal(f.Data, answer) {
		t.Errorf("after an error: got % x, want % x", f.Data, answer)
	}
}

// A MAC that turns out to be a cluster's is heard from then on, whatever the frame
// carries.
func TestLinkHearMAC(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	m := mac.Addr{0x02, 0xbf, 198, 51, 100, 9}
	rarp := make([]byte, 60)
	copy(rarp, mac.Broadcast[:])
	copy(rarp[6:], m[:])
	copy(rarp[12:], []byte{0x80, 0x35})
	send(t, a, rarp) // not heard
	if err := b.HearMAC(m); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{rarp, answer} {
		send(t, a, want)
		if f := receive(t, b); !bytes.Equal(f.Data, want) {
			t.Errorf("got % x, want % x", f.Data, want)
		}
	}
}

// The kernel's time is that of the arrival, not that of the reading.
func TestFrameTimeIsOfArrival(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	// The kernel begins to keep times a moment after the first socket asks.
	for range 100 {
		send(t, a, answer)
		sent := time.Now()
		if _, err := a.Receive(sent.Add(10 * time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if f := receive(t, b); !f.Time.After(sent) {
			return
		}
	}
	t.Error("frames that waited 10 ms to be read have the time of reading")
}

func TestFrameOutAndICMPToThisHost(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	second := open(t, s, s.A, filter)

	send(t, a, answer)
	if f := receive(t, second); !f.Out || !bytes.Equal(f.Data, answer) {
		t.Errorf("the other socket on the interface got out %v, % x; want true, % x", f.Out, f.Data, answer)
	}
	receive(t, b)
	icmp := ether(a.MAC(), b.MAC(), nil, 0x0800, ipv4(1, router, netip.MustParseAddr("172.16.63.20")))
	send(t, b, icmp)
	// a comes to the ICMP without having heard its own frame.
	if f := receive(t, a); f.Out || !bytes.Equal(f.Data, icmp) {
		t.Errorf("got out %v, % x; want false, % x", f.Out, f.Data, icmp)
	}
}

func TestFrameVLAN(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	second := open(t, s, s.A, filter)
	body := answer[14:]
	tests := []struct {
		name string
		tags []uint32
		vlan uint16
		data []byte // as b hears it
	}{
		{"priority 5, VLAN 100", []uint32{0x8100_a064}, 100, answer},
		{"IEEE 802.1ad", []uint32{0x88a8_0fff}, 4095, answer},
		{"priority tag", []uint32{0x8100_e000}, 0, answer},
		{"service VLAN 200 around VLAN 100", []uint32{0x88a8_00c8, 0x8100_0064}, 200, ether(self, node, []uint32{0x8100_0064}, 0x0806, body)},
		{"untagged", nil, 0, answer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sent := ether(self, node, tt.tags, 0x0806, body)
			send(t, a, sent)
			if f := receive(t, b); f.VLAN != tt.vlan || !bytes.Equal(f.Data, tt.data) || f.Length != len(tt.data) {
				t.Errorf("got VLAN %d, % x of %d bytes; want %d, % x", f.VLAN, f.Data, f.Length, tt.vlan, tt.data)
			}
			// On its way out the tag may still be in the frame.
			if f := receive(t, second); f.VLAN != tt.vlan && !bytes.Equal(f.Data, sent) {
				t.Errorf("on the way out: VLAN %d, % x", f.VLAN, f.Data)
			}
		})
	}
}

func TestFrameCut(t *testing.T) {
	s := wiretest.NewSegment(t)
	mtu := func(n int) {
		s.Do(t, func() error {
			for _, name := range []string{"a", "b"} {
				link, err := netlink.LinkByName(name)
				if err != nil {
					return err
				}
				if err := netlink.LinkSetMTU(link, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b := open(t, s, s.B, filter)
	mtu(9000) // after Open, which saw 1500
	a := open(t, s, s.A, filter)
	for _, size := range []int{1514, 2000, 9000} {
		frame := append(slices.Clone(answer), make([]byte, size-len(answer))...)
		send(t, a, frame)
		f := receive(t, b)
		if f.Length != size || len(f.Data) != min(size, len(f.Data)) || len(f.Data) < min(size, 2000) {
			t.Errorf("a frame of %d bytes: length %d, %d captured", size, f.Length, len(f.Data))
		}
		if !bytes.Equal(f.Data, frame[:len(f.Data)]) {
			t.Errorf("a frame of %d bytes: % x", size, f.Data)
		}
		if size == 9000 && len(f.Data) == size {
			t.Errorf("9000 bytes fitted: the test cuts nothing")
		}
	}
}

func TestReceiveDeadline(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	for _, d := range []time.Duration{-time.Hour, 0, 20 * time.Millisecond, 20 * time.Millisecond} {
		start := time.Now()
		_, err := b.Receive(start.Add(d))
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, wire.ErrInterrupted) || took < d || took > patience {
			t.Errorf("deadline in %s: %v after %s", d, err, took)
		}
	}
	// A passed deadline leaves nothing behind, and a frame that came in the
	// meantime is kept.
	send(t, a, answer)
	receive(t, b)
}

func TestInterrupt(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)

	for _, deadline := range []time.Time{{}, time.Now().Add(time.Hour)} {
		ctx, cancel := context.WithCancel(t.Context())
		defer context.AfterFunc(ctx, b.Interrupt)()
		wake := time.AfterFunc(20*time.Millisecond, cancel)
		defer wake.Stop()
		start := time.Now()
		_, err := b.Receive(deadline)
		if took := time.Since(start); !errors.Is(err, wire.ErrInterrupted) || !errors.Is(err, os.ErrDeadlineExceeded) || took > time.Second {
			t.Errorf("deadline %s: %v after %s", deadline, err, took)
		}
	}

	// Before the wait, it ends the next one, and only that.
	b.Interrupt()
	if _, err := b.Receive(time.Time{}); !errors.Is(err, wire.ErrInterrupted) {
		t.Errorf("got %v, want %v", err, wire.ErrInterrupted)
	}
	send(t, a, answer)
	receive(t, b)
}

// An interrupt may come at any instant: none may be lost, and none may shorten
// a later wait.
func TestInterruptAtAnyInstant(t *testing.T) {
	s := wiretest.NewSegment(t)
	b := open(t, s, s.B, filter)
	for i := range 500 {
		fired := make(chan struct{})
		go func() {
			for range i % 50 {
				_ = time.Now()
			}
			b.Interrupt()
			close(fired)
		}()
		if _, err := b.Receive(time.Now().Add(patience)); !errors.Is(err, wire.ErrInterrupted) {
			t.Fatalf("round %d: %v", i, err)
		}
		start := time.Now()
		if _, err := b.Receive(start.Add(time.Millisecond)); errors.Is(err, wire.ErrInterrupted) || time.Since(start) < time.Millisecond {
			t.Fatalf("round %d: %v after %s", i, err, time.Since(start))
		}
		<-fired
	}
}

func TestInterfaceGoesDown(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	set := func(change func(netlink.Link) error) {
		s.Do(t, func() error {
			link, err := netlink.LinkByName("b")
			if err != nil {
				return err
			}
			return change(link)
		})
	}
	set(netlink.LinkSetDown)
	_, err := b.Receive(time.Now().Add(patience))
	if want := `receive on "b": the interface is down`; !errors.Is(err, wire.ErrDown) || err.Error() != want {
		t.Errorf("receive: %v, want %s", err, want)
	}
	err = b.Send(answer)
	if want := `send on "b": the interface is down`; !errors.Is(err, wire.ErrDown) || err.Error() != want {
		t.Errorf("send: %v, want %s", err, want)
	}
	s.Do(t, func() error {
		ifi, err := net.InterfaceByName("b")
		if err != nil {
			return err
		}
		if _, err := wire.Open(ifi, filter); !errors.Is(err, wire.ErrDown) {
			t.Errorf("open: %v, want ErrDown", err)
		}
		return nil
	})
	// What goes up again is heard again, once the other end has noticed.
	set(netlink.LinkSetUp)
	for start := time.Now(); ; {
		send(t, a, answer)
		_, err := b.Receive(time.Now().Add(10 * time.Millisecond))
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) > patience {
			t.Fatalf("up again: %v", err)
		}
	}

	set(netlink.LinkDel)
	if _, err := b.Receive(time.Now().Add(patience)); !errors.Is(err, wire.ErrDown) {
		t.Errorf("receive on an interface that was removed: %v, want ErrDown", err)
	}
	if err := b.Send(answer); err == nil {
		t.Error("sent on an interface that was removed")
	}
}

func TestOpenRefuses(t *testing.T) {
	ethernet := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	tests := []struct {
		name string
		ifi  net.Interface
		want error
	}{
		{"loopback", net.Interface{Index: 1, Name: "lo", HardwareAddr: make(net.HardwareAddr, 6), Flags: net.FlagUp | net.FlagLoopback}, wire.ErrLoopback},
		{"down", net.Interface{Index: 2, Name: "eth0", HardwareAddr: ethernet, Flags: net.FlagBroadcast}, wire.ErrDown},
		{"tunnel", net.Interface{Index: 3, Name: "tun0", Flags: net.FlagUp | net.FlagPointToPoint}, wire.ErrNotEthernet},
		{"InfiniBand", net.Interface{Index: 4, Name: "ib0", HardwareAddr: make(net.HardwareAddr, 20), Flags: net.FlagUp}, wire.ErrNotEthernet},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := wire.Open(&tt.ifi, wire.Filter{})
			if l != nil || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.ifi.Name) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	s := wiretest.NewSegment(t)
	s.Do(t, func() error {
		// This thread ends with the function, and its rights with it.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil {
			return err
		}
		data[0].Effective &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&header, &data[0]); err != nil {
			return err
		}
		if _, err := wire.Open(s.A, filter); !errors.Is(err, os.ErrPermission) {
			t.Errorf("got %v, want os.ErrPermission", err)
		}
		return nil
	})
	open(t, s, s.A, filter) // with the right it works
}

// With CAP_NET_RAW alone everything works, but for the size of the buffer.
func TestOpenAsAnOrdinaryUser(t *testing.T) {
	s := wiretest.NewSegment(t)
	var b *wire.Link
	s.Do(t, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		data := [2]unix.CapUserData{{Effective: 1 << unix.CAP_NET_RAW, Permitted: 1 << unix.CAP_NET_RAW}}
		if err := unix.Capset(&header, &data[0]); err != nil {
			return err
		}
		var err error
		if b, err = wire.Open(s.B, filter); err != nil {
			return err
		}
		if err := b.Join(cluster); err != nil {
			return err
		}
		return b.Promiscuous(true)
	})
	defer b.Close()
	a := open(t, s, s.A, filter)
	const burst = 100
	for range burst {
		send(t, a, answer)
	}
	for range burst {
		receive(t, b)
	}
}

func TestJoinAndPromiscuous(t *testing.T) {
	s := wiretest.NewSegment(t)
	b := open(t, s, s.B, filter)
	// joined and promiscuous ask the kernel: a veth pair delivers every frame.
	joined := func() (in bool) {
		s.Do(t, func() error {
			table, err := os.ReadFile("/proc/thread-self/net/dev_mcast")
			in = bytes.Contains(table, []byte(" 03bfac103ff1\n"))
			return err
		})
		return in
	}
	promiscuous := func() (on bool) {
		s.Do(t, func() error {
			link, err := netlink.LinkByName("b")
			if err == nil {
				on = link.Attrs().Promisc != 0
			}
			return err
		})
		return on
	}

	if joined() || promiscuous() {
		t.Fatal("an open link alone has changed what the interface accepts")
	}
	if err := b.Join(cluster); err != nil {
		t.Fatal(err)
	}
	if !joined() || promiscuous() {
		t.Errorf("after Join: joined %v, promiscuous %v", joined(), promiscuous())
	}
	if err := b.Join(node); err == nil {
		t.Errorf("%s, no group address, was joined", node)
	}
	if err := b.Promiscuous(true); err != nil || !promiscuous() {
		t.Errorf("Promiscuous(true): %v, promiscuous %v", err, promiscuous())
	}
	if err := b.Promiscuous(false); err != nil || promiscuous() {
		t.Errorf("Promiscuous(false): %v, promiscuous %v", err, promiscuous())
	}
	if err := b.Promiscuous(true); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if joined() || promiscuous() {
		t.Errorf("after Close: joined %v, promiscuous %v", joined(), promiscuous())
	}
}

func TestClosed(t *testing.T) {
	s := wiretest.NewSegment(t)
	b := open(t, s, s.B, filter)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Receive(time.Now().Add(patience)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("receive: %v", err)
	}
	if err := b.Send(answer); err == nil {
		t.Error("sent on a closed link")
	}
	b.Interrupt()
}

func TestSendRefusesWhatIsNoFrame(t *testing.T) {
	s := wiretest.NewSegment(t)
	a := open(t, s, s.A, filter)
	for _, size := range []int{0, 13, 5000} {
		if err := a.Send(make([]byte, size)); err == nil {
			t.Errorf("%d bytes were sent", size)
		}
	}
}

func TestDrops(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	drops := func() int {
		t.Helper()
		n, err := b.Drops()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	send(t, a, answer)
	receive(t, b)
	if n := drops(); n != 0 {
		t.Fatalf("%d drops after one frame that was read", n)
	}
	// Nobody reads: the buffer overflows, however large the kernel made it.
	lost := 0
	for sent := 0; lost == 0; sent++ {
		if sent == 1_000_000 {
			t.Fatal("a million unread frames were kept")
		}
		send(t, a, answer)
		if sent%1000 == 999 {
			lost = drops()
		}
	}
	if again := drops(); again != lost {
		t.Errorf("%d drops, then %d: reading must not reset", lost, again)
	}
	for range 1000 {
		send(t, a, answer)
	}
	if n := drops(); n != lost+1000 {
		t.Errorf("%d drops, want %d and 1000 more", n, lost)
	}
	// Foreign frames are not lost, they are not wanted.
	for range 1000 {
		send(t, a, foreign)
	}
	if n := drops(); n != lost+1000 {
		t.Errorf("%d drops after foreign frames, want %d", n, lost+1000)
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	deadline := time.Now().Add(patience)
	if n := testing.AllocsPerRun(1000, func() {
		send(t, a, answer)
		if _, err := b.Receive(deadline); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a frame sent and received, want none", n)
	}
}
