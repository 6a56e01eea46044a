package clientsock

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// Client is a set of sockets. Its methods are for one goroutine, but Interrupt.
type Client struct {
	echo    int  // a socket for ICMP echo; -1 where there is none
	raw     bool // echo is a raw socket, which hears what is not ours too
	udp     int  // -1 where there is none
	wake    int  // an eventfd: readable once interrupted
	id      uint16
	token   [8]byte                 // begins each payload, so that what comes back is known for ours
	echoes  map[uint16]evidence.Ask // by their number
	grams   map[uint16]evidence.Ask // by their port
	conns   map[int]evidence.Ask    // connections under way, by descriptor
	queue   []arrival               // not yet handed over
	payload []byte
}

// Open returns a Client. It takes a socket for ICMP echo as an ordinary user may
// have it (icmp(7), ping_group_range); else a raw one, which needs a right; else
// one for UDP.
func Open() (*Client, error) {
	c := &Client{
		echo: -1, udp: -1, echoes: make(map[uint16]evidence.Ask), grams: make(map[uint16]evidence.Ask), conns: make(map[int]evidence.Ask),
	}
	var seed [2]byte
	_, _ = rand.Read(seed[:]) // crypto/rand does not fail
	_, _ = rand.Read(c.token[:])
	c.id = binary.BigEndian.Uint16(seed[:])
	c.payload = append(c.token[:], "nlbprobe: is this address reached from here? github.com/nlbprobe/nlbprobe"...)
	var err error
	if c.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("open sockets to ask by: %w", os.NewSyscallError("eventfd", err))
	}
	if c.echo, err = open(unix.SOCK_DGRAM, unix.IPPROTO_ICMP); err != nil {
		c.echo, err = open(unix.SOCK_RAW, unix.IPPROTO_ICMP)
		c.raw = err == nil
	}
	if err != nil {
		c.udp, err = open(unix.SOCK_DGRAM, unix.IPPROTO_UDP)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("open sockets to ask by: %w", err)
	}
	return c, nil
}

// open returns a socket that tells which router said what (ip(7), IP_RECVERR), or
// -1 and an error.
func open(kind, protocol int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_RECVERR, 1); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("setsockopt IP_RECVERR", err)
	}
	return fd, nil
}

// Way is how the VIP itself can be asked: ByEcho, or ByUDP where the system allows
// no echo.
func (c *Client) Way() evidence.Way {
	if c.echo < 0 {
		return evidence.ByUDP
	}
	return evidence.ByEcho
}

// LimitsHops reports whether an Ask's TTL is obeyed.
func (c *Client) LimitsHops() bool { return true }

// Close closes all sockets.
func (c *Client) Close() {
	for _, fd := range []int{c.echo, c.udp, c.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	for fd := range c.conns {
		_ = unix.Close(fd)
	}
	clear(c.conns)
	c.echo, c.udp = -1, -1
}

// Interrupt ends a Receive at once, and every later one.
func (c *Client) Interrupt() {
	one := binary.NativeEndian.AppendUint64(nil, 1)
	_, _ = unix.Write(c.wake, one) // fails only where it is set already
}

func (c *Client) tell(a evidence.Ask, w evidence.Word) {
	c.queue = append(c.queue, arrival{evidence.Told{Of: a, Word: w}, time.Now()})
}

// Send has the kernel send a packet, or open a connection. What keeps it from
// doing so comes by Receive.
func (c *Client) Send(a evidence.Ask) {
	var err error
	switch {
	case !a.Target.Is4():
		err = unix.EAFNOSUPPORT
	case a.By == evidence.ByTCP:
		err = c.connect(a)
	case a.By == evidence.ByEcho && c.echo >= 0:
		c.echoes[a.Seq] = a
		err = c.send(c.echo, a, c.request(a.Seq), 0)
	case a.By == evidence.ByUDP && c.udp >= 0:
		c.grams[a.Port] = a
		err = c.send(c.udp, a, c.payload, a.Port)
	default:
		err = unix.EOPNOTSUPP
	}
	if err != nil {
		c.tell(a, wordOf(err))
	}
}

// wordOf says what an error of this host's own means.
func wordOf(err error) evidence.Word {
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EADDRNOTAVAIL):
		return evidence.NoRoute
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return evidence.Forbidden
	}
	return evidence.Unsent
}

// request builds an echo request. The kernel puts in the identifier and the
// checksum, but for a raw socket.
func (c *Client) request(seq uint16) []byte {
	b := make([]byte, 8, 8+len(c.payload))
	b[0] = echoRequest
	binary.BigEndian.PutUint16(b[4:], c.id)
	binary.BigEndian.PutUint16(b[6:], seq)
	b = append(b, c.payload...)
	binary.BigEndian.PutUint16(b[2:], checksum(b))
	return b
}

const (
	echoReply   = 0 // RFC 792
	echoRequest = 8
)

// checksum is that of the internet protocols (RFC 1071), of bytes whose own
// checksum field is zero.
func checksum(b []byte) uint16 {
	var s uint32
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// send sends a datagram with the hops that it may go. The kernel hands an error
// that came for an earlier one to the next call: such an error is in the queue of
// errors as well, and the call is made again.
func (c *Client) send(fd int, a evidence.Ask, data []byte, port uint16) error {
	to := &unix.SockaddrInet4{Addr: a.Target.As4(), Port: int(port)}
	ttl := -1 // the system's own (ip(7), IP_TTL)
	if a.TTL > 0 {
		ttl = int(a.TTL)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TTL, ttl); err != nil {
		return os.NewSyscallError("setsockopt IP_TTL", err)
	}
	var err error
	for range 3 {
		c.errors(fd)
		if err = unix.Sendto(fd, data, 0, to); err == nil {
			return nil
		}
	}
	return err
}

// connect begins a connection.
func (c *Client) connect(a evidence.Ask) error {
	fd, err := open(unix.SOCK_STREAM, unix.IPPROTO_TCP)
	if err != nil {
		return err
	}
	// A connection that was opened is reset at once: nothing is left at the other end.
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: a.Target.As4(), Port: int(a.Port)})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return err
	}
	c.conns[fd] = a
	return nil
}

// Receive waits until something comes back, or until the deadline: then its error
// is os.ErrDeadlineExceeded.
func (c *Client) Receive(deadline time.Time) (evidence.Told, time.Time, error) {
	for {
		if len(c.queue) > 0 {
			a := c.queue[0]
			c.queue = c.queue[1:]
			return a.told, a.at, nil
		}
		fds := []unix.PollFd{{Fd: int32(c.wake), Events: unix.POLLIN}}
		for _, fd := range []int{c.echo, c.udp} {
			if fd >= 0 {
				fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
		}
		for fd := range c.conns {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT})
		}
		left := max(0, time.Until(deadline))
		timeout := unix.NsecToTimespec(int64(left))
		n, err := unix.Ppoll(fds, &timeout, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return evidence.Told{}, time.Time{}, os.NewSyscallError("ppoll", err)
		case n == 0, fds[0].Revents != 0:
			return evidence.Told{}, time.Time{}, os.ErrDeadlineExceeded
		}
		for _, f := range fds[1:] {
			if f.Revents != 0 {
				c.ready(int(f.Fd))
			}
		}
		// What is not ours must not keep us here, however much comes.
		if len(c.queue) == 0 && !time.Now().Before(deadline) {
			return evidence.Told{}, time.Time{}, os.ErrDeadlineExceeded
		}
	}
}

// ready reads what there is at a socket.
func (c *Client) ready(fd int) {
	if a, ok := c.conns[fd]; ok {
		c.connected(fd, a)
		return
	}
	c.errors(fd)
	buf := make([]byte, 2048)
	n, from, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
	if err != nil {
		return // an error that came for a packet of ours: the queue of errors has it
	}
	sender, ok := from.(*unix.SockaddrInet4)
	if !ok {
		return
	}
	if a, ok := c.answered(fd == c.udp, netip.AddrPortFrom(netip.AddrFrom4(sender.Addr), uint16(sender.Port)), buf[:n]); ok {
		c.tell(a, evidence.Replied)
	}
}

// answered returns the packet that data from a sender is the answer to. An echo
// reply must have our identifier, which the kernel has matched but for a raw
// socket, the number of a packet to that sender, and our payload.
func (c *Client) answered(udp bool, from netip.AddrPort, data []byte) (evidence.Ask, bool) {
	if udp {
		a, ok := c.grams[from.Port()]
		return a, ok && a.Target == from.Addr()
	}
	if c.raw {
		if data = body(data); len(data) < 8 || binary.BigEndian.Uint16(data[4:]) != c.id {
			return evidence.Ask{}, false
		}
	}
	if len(data) < 8+len(c.token) || data[0] != echoReply || data[1] != 0 || !bytes.Equal(data[8:8+len(c.token)], c.token[:]) {
		return evidence.Ask{}, false
	}
	a, ok := c.echoes[binary.BigEndian.Uint16(data[6:])]
	return a, ok && a.Target == from.Addr()
}

// body returns what follows the IPv4 header, or nil.
func body(b []byte) []byte {
	if len(b) < 20 {
		return nil
	}
	if n := int(b[0]&0xf) * 4; n >= 20 && n <= len(b) {
		return b[n:]
	}
	return nil
}

// connected says how a connection came out, and closes it.
func (c *Client) connected(fd int, a evidence.Ask) {
	before := len(c.queue)
	c.errors(fd)
	said := len(c.queue) > before
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	delete(c.conns, fd)
	_ = unix.Close(fd)
	switch e := unix.Errno(errno); {
	case err != nil || said:
	case errno == 0:
		c.tell(a, evidence.Accepted)
	case e == unix.ECONNREFUSED:
		c.tell(a, evidence.Refused)
	case e == unix.ETIMEDOUT: // silence
	case e == unix.EHOSTUNREACH:
		c.queue = append(c.queue, arrival{evidence.Told{Of: a, Word: evidence.SaidICMP, Type: evidence.Unreachable, Code: 1}, time.Now()})
	default:
		c.tell(a, wordOf(e))
	}
}

// errors reads a socket's queue of errors until it is empty.
func (c *Client) errors(fd int) {
	// A hostile flood of errors must not keep us here.
	for range 64 {
		buf, control := make([]byte, 512), make([]byte, 512)
		n, oobn, flags, from, err := unix.Recvmsg(fd, buf, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return
		}
		e, ok := extended(control[:oobn])
		if !ok || flags&unix.MSG_CTRUNC != 0 {
			continue
		}
		a, ok := c.conns[fd] // its own addresses and ports: the kernel has matched them
		if to, is := from.(*unix.SockaddrInet4); !ok && is {
			a, ok = c.quoted(fd == c.udp, netip.AddrPortFrom(netip.AddrFrom4(to.Addr), uint16(to.Port)), buf[:n])
		}
		if !ok {
			continue
		}
		switch e.origin {
		case unix.SO_EE_ORIGIN_ICMP:
			c.queue = append(c.queue, arrival{evidence.Told{Of: a, Word: evidence.SaidICMP, From: e.offender, Type: e.kind, Code: e.code}, time.Now()})
		case unix.SO_EE_ORIGIN_LOCAL:
			c.tell(a, wordOf(unix.Errno(e.errno)))
		}
	}
}

// quoted returns the packet to a target that an error is about. What it quotes of
// that packet must be ours, as far as it goes: eight bytes at least (RFC 792), of
// which the kernel leaves the header away for UDP.
func (c *Client) quoted(udp bool, to netip.AddrPort, data []byte) (a evidence.Ask, ok bool) {
	if udp {
		a, ok = c.grams[to.Port()]
	} else {
		if len(data) < 8 || data[0] != echoRequest || c.raw && binary.BigEndian.Uint16(data[4:]) != c.id {
			return a, false
		}
		a, ok = c.echoes[binary.BigEndian.Uint16(data[6:])]
		data = data[8:]
	}
	n := min(len(data), len(c.token))
	return a, ok && a.Target == to.Addr() && bytes.Equal(data[:n], c.token[:n])
}

// extendedError is struct sock_extended_err (ip(7)), and who sent the ICMP error.
type extendedError struct {
	errno              uint32
	origin, kind, code uint8
	offender           netip.Addr
}

// extended reads the control message of an error.
func extended(control []byte) (e extendedError, ok bool) {
	all, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return e, false
	}
	for _, m := range all {
		if m.Header.Level != unix.SOL_IP || m.Header.Type != unix.IP_RECVERR || len(m.Data) < 16 {
			continue
		}
		e = extendedError{errno: binary.NativeEndian.Uint32(m.Data), origin: m.Data[4], kind: m.Data[5], code: m.Data[6]}
		// A struct sockaddr_in follows: family, port, address.
		if b := m.Data[16:]; len(b) >= 8 && binary.NativeEndian.Uint16(b) == unix.AF_INET {
			e.offender = netip.AddrFrom4([4]byte(b[4:8]))
		}
		return e, true
	}
	return e, false
}
