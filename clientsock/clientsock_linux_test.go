package clientsock

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/evidence"
)

var (
	loopback = netip.MustParseAddr("127.0.0.1")
	target   = netip.MustParseAddr("172.16.63.241")
	router   = netip.MustParseAddr("192.0.2.1")
)

// next is what comes back within a time that a busy machine needs.
func next(t *testing.T, c *Client) evidence.Told {
	t.Helper()
	told, _, err := c.Receive(time.Now().Add(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// TestLoopback asks this host itself in every way.
func TestLoopback(t *testing.T) {
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := evidence.Ask{Target: loopback, By: c.Way(), Port: 33434, Seq: 7, TTL: 3}
	want := evidence.Told{Of: ask, Word: evidence.Replied}
	if c.Way() == evidence.ByUDP {
		want = evidence.Told{Of: ask, Word: evidence.SaidICMP, From: loopback, Type: 3, Code: 3}
	}
	c.Send(ask)
	if got := next(t, c); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}

	open, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := open.Addr().(*net.TCPAddr).AddrPort().Port()
	ask = evidence.Ask{Target: loopback, By: evidence.ByTCP, Port: port, Seq: 8}
	c.Send(ask)
	if got := next(t, c); got != (evidence.Told{Of: ask, Word: evidence.Accepted}) {
		t.Errorf("an open port: %+v", got)
	}
	open.Close()
	ask.Seq++
	c.Send(ask)
	if got := next(t, c); got != (evidence.Told{Of: ask, Word: evidence.Refused}) {
		t.Errorf("a closed port: %+v", got)
	}
	if len(c.conns) != 0 {
		t.Errorf("%d connections are left", len(c.conns))
	}

	// What this host does not do comes back as well.
	bad := evidence.Ask{Target: netip.MustParseAddr("2001:db8::1"), By: evidence.ByEcho}
	c.Send(bad)
	if got := next(t, c); got != (evidence.Told{Of: bad, Word: evidence.Unsent}) {
		t.Errorf("IPv6: %+v", got)
	}
}

// TestUDP: the way of those who may not send echo requests.
func TestUDP(t *testing.T) {
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.udp < 0 {
		if c.udp, err = open(unix.SOCK_DGRAM, unix.IPPROTO_UDP); err != nil {
			t.Fatal(err)
		}
	}
	ask := evidence.Ask{Target: loopback, By: evidence.ByUDP, Port: 33435, Seq: 2}
	c.Send(ask)
	if got := next(t, c); got != (evidence.Told{Of: ask, Word: evidence.SaidICMP, From: loopback, Type: 3, Code: 3}) {
		t.Errorf("got %+v", got)
	}
	// A pending error must not keep the next packet from being sent.
	for seq := range uint16(5) {
		ask.Seq, ask.Port = 10+seq, 33500+seq
		c.Send(ask)
		if got := next(t, c); got != (evidence.Told{Of: ask, Word: evidence.SaidICMP, From: loopback, Type: 3, Code: 3}) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestDeadlineAndInterrupt(t *testing.T) {
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begin := time.Now()
	if _, _, err := c.Receive(begin.Add(30 * time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) < 30*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	time.AfterFunc(20*time.Millisecond, c.Interrupt)
	for range 2 {
		if _, _, err := c.Receive(time.Now().Add(time.Hour)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
}

func TestSource(t *testing.T) {
	if ip, err := Source(loopback); err != nil || ip != loopback {
		t.Errorf("%v, %v", ip, err)
	}
}

// bare is a Client without sockets, with a packet of each kind under way.
func bare(raw bool) *Client {
	c := &Client{echo: 3, udp: 4, raw: raw, id: 0x1234, token: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	c.echoes = map[uint16]evidence.Ask{7: {Target: target, Seq: 7}}
	c.grams = map[uint16]evidence.Ask{33434: {Target: target, By: evidence.ByUDP, Port: 33434, Seq: 1}}
	c.payload = append(c.token[:], "text"...)
	return c
}

// reply makes an echo reply of our request, with an IPv4 header for a raw socket.
func reply(c *Client, change func([]byte)) []byte {
	b := c.request(7)
	b[0] = echoReply
	if change != nil {
		change(b)
	}
	if c.raw {
		b = append(append([]byte{0x46}, make([]byte, 23)...), b...)
	}
	return b
}

func TestAnswered(t *testing.T) {
	from := netip.AddrPortFrom(target, 0)
	for _, raw := range []bool{false, true} {
		c := bare(raw)
		for _, tt := range []struct {
			name string
			from netip.AddrPort
			data []byte
			want bool
		}{
			{"ours", from, reply(c, nil), true},
			{"another sender", netip.AddrPortFrom(router, 0), reply(c, nil), false},
			{"another number", from, reply(c, func(b []byte) { b[7]++ }), false},
			{"another payload", from, reply(c, func(b []byte) { b[8]++ }), false},
			{"another code", from, reply(c, func(b []byte) { b[1]++ }), false},
			{"our own request", from, reply(c, func(b []byte) { b[0] = echoRequest }), false},
			{"cut", from, reply(c, nil)[:9], false},
			{"nothing", from, nil, false},
		} {
			if _, ok := c.answered(false, tt.from, tt.data); ok != tt.want {
				t.Errorf("raw %v, %s: %v", raw, tt.name, ok)
			}
		}
	}
	if _, ok := bare(true).answered(false, from, reply(bare(true), func(b []byte) { b[5]++ })); ok {
		t.Error("another program's identifier on a raw socket")
	}
	c := bare(false)
	if _, ok := c.answered(true, netip.AddrPortFrom(target, 33434), nil); !ok {
		t.Error("a datagram back")
	}
	if _, ok := c.answered(true, netip.AddrPortFrom(router, 33434), nil); ok {
		t.Error("a datagram of somebody else")
	}
}

func TestQuoted(t *testing.T) {
	c := bare(false)
	to := netip.AddrPortFrom(target, 0)
	whole := c.request(7)
	for _, tt := range []struct {
		name string
		udp  bool
		to   netip.AddrPort
		data []byte
		want bool
	}{
		{"all of it", false, to, whole, true},
		{"the least that is quoted", false, to, whole[:8], true},
		{"less", false, to, whole[:7], false},
		{"another payload", false, to, append(append([]byte{}, whole[:8]...), 9, 9), false},
		{"another target", false, netip.AddrPortFrom(router, 0), whole, false},
		{"a reply", false, to, reply(c, nil), false},
		{"UDP, without payload", true, netip.AddrPortFrom(target, 33434), nil, true},
		{"UDP", true, netip.AddrPortFrom(target, 33434), c.payload, true},
		{"UDP, another payload", true, netip.AddrPortFrom(target, 33434), []byte{9}, false},
		{"UDP, another port", true, netip.AddrPortFrom(target, 33435), c.payload, false},
	} {
		if _, ok := c.quoted(tt.udp, tt.to, tt.data); ok != tt.want {
			t.Errorf("%s: %v", tt.name, ok)
		}
	}
}

// errorMessage is the control message of an ICMP error.
func errorMessage(size int) []byte {
	b := make([]byte, unix.CmsgSpace(size))
	h := unix.CmsgLen(0)
	binary.NativeEndian.PutUint64(b, uint64(h+size))
	binary.NativeEndian.PutUint32(b[8:], unix.SOL_IP)
	binary.NativeEndian.PutUint32(b[12:], unix.IP_RECVERR)
	if size >= 32 {
		binary.NativeEndian.PutUint32(b[h:], uint32(unix.EHOSTUNREACH))
		b[h+4], b[h+5], b[h+6] = unix.SO_EE_ORIGIN_ICMP, 3, 1
		binary.NativeEndian.PutUint16(b[h+16:], unix.AF_INET)
		ip := router.As4()
		copy(b[h+20:], ip[:])
	}
	return b
}

// FuzzErrors: what the kernel hands over of an error, and what is quoted in it, is
// bounded and never fatal.
func FuzzErrors(f *testing.F) {
	f.Add(errorMessage(32), bare(false).request(7))
	f.Add(errorMessage(16), bare(false).payload)
	f.Add(errorMessage(3), []byte{})
	f.Add([]byte{}, reply(bare(true), nil))
	f.Fuzz(func(t *testing.T, control, data []byte) {
		e, ok := extended(control)
		if e.offender.IsValid() && (!ok || !e.offender.Is4()) {
			t.Errorf("%+v, %v", e, ok)
		}
		for _, raw := range []bool{false, true} {
			c := bare(raw)
			for _, udp := range []bool{false, true} {
				to := netip.AddrPortFrom(target, 33434)
				if a, ok := c.quoted(udp, to, data); ok && a.Target != target {
					t.Errorf("quoted %+v", a)
				}
				if a, ok := c.answered(udp, to, data); ok && a.Target != target {
					t.Errorf("answered %+v", a)
				}
			}
		}
	})
}

func TestExtended(t *testing.T) {
	if e, ok := extended(errorMessage(32)); !ok || e.offender != router || e.kind != 3 || e.code != 1 || e.origin != unix.SO_EE_ORIGIN_ICMP || unix.Errno(e.errno) != unix.EHOSTUNREACH {
		t.Errorf("%+v, %v", e, ok)
	}
	if e, ok := extended(errorMessage(16)); !ok || e.offender.IsValid() {
		t.Errorf("without an offender: %+v, %v", e, ok)
	}
	if _, ok := extended(errorMessage(3)); ok {
		t.Error("a message that is too short")
	}
}
