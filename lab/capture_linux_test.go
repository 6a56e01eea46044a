package lab_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/mac"
)

// tap is a packet socket on one host: it sees what the host's interface
// receives, whole frames.
type tap struct {
	t  *testing.T
	fd int
}

// openTap listens on a host from now on. Promiscuous mode stays off: a veth
// hands everything over anyway.
func openTap(t *testing.T, l *lab.Lab, host string) *tap {
	t.Helper()
	c := &tap{t: t, fd: -1}
	err := l.Do(host, func() error {
		dev, err := net.InterfaceByName(l.Interface(host))
		if err != nil {
			return err
		}
		all := binary.BigEndian.Uint16([]byte{unix.ETH_P_ALL & 0xff, unix.ETH_P_ALL >> 8}) // network order
		if c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(c.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
		return unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(c.fd) })
	return c
}

// frames returns what comes until stop says that it has seen enough, or
// until limit.
func (c *tap) frames(limit time.Duration, stop func([]byte) bool) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	buf := make([]byte, 2048)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return
		}
		tv := unix.NsecToTimeval(int64(max(left, time.Millisecond)))
		if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
			c.t.Fatal(err)
		}
		n, _, err := unix.Recvfrom(c.fd, buf, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			c.t.Fatal(err)
		}
		if stop(append([]byte(nil), buf[:n]...)) {
			return
		}
	}
}

// arp is an ARP packet with its Ethernet source, by the offsets of RFC 826.
type arp struct {
	source    mac.Addr // bytes 6..11 of the frame
	operation uint16   // bytes 20, 21: 1 asks, 2 answers
	sender    mac.Addr // bytes 22..27
	senderIP  netip.Addr
	targetIP  netip.Addr
}

func parseARP(f []byte) (arp, bool) {
	if len(f) < 42 || binary.BigEndian.Uint16(f[12:]) != unix.ETH_P_ARP {
		return arp{}, false
	}
	return arp{
		source: mac.From(f[6:]), operation: binary.BigEndian.Uint16(f[20:]), sender: mac.From(f[22:]),
		senderIP: netip.AddrFrom4([4]byte(f[28:32])), targetIP: netip.AddrFrom4([4]byte(f[38:42])),
	}, true
}

// answers asks for an address by the kernel of host and returns the answers,
// "Ethernet source > sender MAC" each, with how often. It waits until want
// have come and a little longer, for those that should not.
func answers(t *testing.T, l *lab.Lab, host string, vip netip.Addr, want int) map[string]int {
	t.Helper()
	c := openTap(t, l, host)
	poke(t, l, host, vip)
	got := map[string]int{}
	collect := func(f []byte) bool {
		if a, ok := parseARP(f); ok && a.operation == 2 && a.senderIP == vip {
			got[fmt.Sprintf("%s > %s", a.source, a.sender)]++
			want--
		}
		return want == 0
	}
	if want > 0 {
		c.frames(5*time.Second, collect)
	}
	want = -1
	c.frames(100*time.Millisecond, collect)
	return got
}

// poke makes a host's kernel look for an address: one datagram.
func poke(t *testing.T, l *lab.Lab, host string, to netip.Addr) {
	t.Helper()
	pokeFrom(t, l, host, netip.IPv4Unspecified(), to)
}

func pokeFrom(t *testing.T, l *lab.Lab, host string, from, to netip.Addr) {
	t.Helper()
	err := l.Do(host, func() error {
		conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)),
			net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("?"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// send puts a frame on the wire.
func (c *tap) send(frame []byte) {
	c.t.Helper()
	if _, err := unix.Write(c.fd, frame); err != nil {
		c.t.Fatal(err)
	}
}

// echo returns an echo request in a frame: 14 bytes Ethernet, 20 bytes IPv4
// (RFC 791) with TTL 64, 8 bytes ICMP (RFC 792).
func echo(to, from mac.Addr, src, dst netip.Addr) []byte {
	f := append(append(to[:], from[:]...), 0x08, 0x00)
	f = append(f, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, unix.IPPROTO_ICMP, 0, 0) // 28 bytes long, identification 1
	f = append(append(f, src.AsSlice()...), dst.AsSlice()...)
	var sum uint32
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(f[24:], ^uint16(sum+sum>>16))
	return append(f, 8, 0, 0xf7, 0xfd, 0, 1, 0, 1) // checksum f7fd = ^0802
}
