package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

const (
	// receiveBuffer is what is asked for, in bytes, of kernel memory for
	// frames not read yet. A small frame takes most of a kilobyte of it. Memory
	// is used as frames wait, not before.
	receiveBuffer = 8 << 20

	// minCapture is the least room for one frame, slack what it has beyond
	// the MTU and the Ethernet header with two tags.
	minCapture = 2048
	slack      = 64

	// sendPatience bounds the wait for room in the queue of frames to send.
	sendPatience = time.Second
)

// Link is one interface, opened for probing. Its methods are for one goroutine
// at a time, but for Interrupt, which any may call.
type Link struct {
	name  string
	index int
	mac   mac.Addr
	conn  *packet.Conn
	raw   syscall.RawConn

	filter Filter // in place

	drops       int
	deadline    time.Time // the one that the socket has
	current     bool      // deadline is what the socket has
	interrupted atomic.Bool

	// What recvmsg fills, and the function that calls it: made once, so that
	// a frame costs no allocation.
	buf     []byte
	_       [0]uint64 // oob holds aligned headers
	oob     [128]byte
	from    unix.RawSockaddrLinklayer
	iov     unix.Iovec
	msg     unix.Msghdr
	receive func(fd uintptr) bool
	n       int
	errno   unix.Errno

	sending []byte
	send    func(fd uintptr) bool
	waiting bool // send waits for room
}

// Open opens ifi for sending and receiving; f is in place before the first
// frame can arrive. Frames that other programs and the kernel of this host send
// on ifi are heard too, marked Out; those that the Link sends are not.
//
// The error is an ErrDown, ErrLoopback or ErrNotEthernet where ifi cannot be
// probed, and an os.ErrPermission where the process lacks CAP_NET_RAW.
func Open(ifi *net.Interface, f Filter) (*Link, error) {
	l, err := open(ifi, f)
	if err != nil {
		return nil, linkError("open", ifi.Name, err)
	}
	return l, nil
}

func open(ifi *net.Interface, f Filter) (*Link, error) {
	if err := check(ifi); err != nil {
		return nil, err
	}
	l := &Link{name: ifi.Name, index: ifi.Index, mac: mac.From(ifi.HardwareAddr), filter: f}
	prog, err := l.assemble(f)
	if err != nil {
		return nil, err
	}
	l.conn, err = packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: prog})
	if err != nil {
		return nil, err
	}
	l.raw, err = l.conn.SyscallConn()
	if err == nil {
		// The kernel looks at these when a frame is read, not when it
		// arrives, so frames that came since the bind have them too.
		err = l.raw.Control(func(fd uintptr) { setOptions(int(fd)) })
	}
	if err != nil {
		_ = l.conn.Close()
		return nil, err
	}
	// Where no other socket of the host has asked, the kernel takes most of a
	// millisecond to begin to keep times: beside the first question, not before it.
	go func() { _ = l.raw.Control(askTimes) }()

	l.buf = make([]byte, max(minCapture, ifi.MTU+etherLen+maxTags*tagLen+slack))
	l.iov.Base = &l.buf[0]
	l.iov.SetLen(len(l.buf))
	l.msg.Name = (*byte)(unsafe.Pointer(&l.from))
	l.msg.Iov = &l.iov
	l.msg.SetIovlen(1)
	l.msg.Control = &l.oob[0]
	l.receive = l.recvmsg
	l.send = l.sendto
	return l, nil
}

// setOptions asks for a large receive buffer and VLAN tags. Neither is fatal:
// without, frames may be lost, which is counted, and tags are not known.
func setOptions(fd int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		// Without CAP_NET_ADMIN: as much as net.core.rmem_max allows.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1)
}

// askTimes asks for receive times. Without them a frame's time is that of its
// reading.
func askTimes(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }

// assemble returns f, with this host's address, as the kernel wants it.
func (l *Link) assemble(f Filter) ([]bpf.RawInstruction, error) {
	if f.Self.IsZero() {
		f.Self = l.mac
	}
	prog, err := f.Program()
	if err != nil {
		return nil, err
	}
	return bpf.Assemble(prog)
}

// Name returns the interface's name.
func (l *Link) Name() string { return l.name }

// MAC returns the interface's own link-layer address.
func (l *Link) MAC() mac.Addr { return l.mac }

// Send sends frame, which starts at the destination address and has no frame
// check sequence, as it is. Where the queue to the device is full it waits up to
// a second. The error is an ErrDown where the interface went down.
func (l *Link) Send(frame []byte) error {
	if len(frame) < etherLen {
		return linkError("send on", l.name, fmt.Errorf("a frame of %d bytes is no Ethernet frame", len(frame)))
	}
	l.sending, l.waiting = frame, false
	err := l.raw.Write(l.send)
	if err == nil && l.errno == unix.EAGAIN {
		l.waiting = true
		if err = l.conn.SetWriteDeadline(time.Now().Add(sendPatience)); err == nil {
			err = l.raw.Write(l.send)
			_ = l.conn.SetWriteDeadline(time.Time{})
		}
	}
	l.sending = nil
	if err == nil && l.errno != 0 {
		err = os.NewSyscallError("sendto", l.errno)
	}
	if err != nil {
		return linkError("send on", l.name, reason(err))
	}
	return nil
}

// sendto hands l.sending to the kernel. The socket is bound, so the frame needs
// no address beside the one in it.
func (l *Link) sendto(fd uintptr) bool {
	for {
		_, _, l.errno = unix.Syscall6(unix.SYS_SENDTO, fd,
			uintptr(unsafe.Pointer(&l.sending[0])), uintptr(len(l.sending)), 0, 0, 0)
		if l.errno != unix.EINTR {
			return l.errno != unix.EAGAIN || !l.waiting
		}
	}
}

// Receive waits for the next frame until deadline, or for ever where that is
// zero. Frames come in the order of their arrival; those that arrived before
// Receive was called are kept for it. The frame's Data is valid until the next
// Receive; it is cut where the interface delivers more than its MTU allows.
// Length may exceed the MTU where the network card joins TCP segments.
//
// When deadline has passed the error is an os.ErrDeadlineExceeded, even if
// frames are waiting; after Interrupt it is ErrInterrupted. When the interface
// goes down it is an ErrDown, once; further calls wait for it to come up again.
func (l *Link) Receive(deadline time.Time) (evidence.Frame, error) {
	err := l.wait(deadline)
	if err != nil {
		return evidence.Frame{}, linkError("receive on", l.name, reason(err))
	}
	return l.frame(), nil
}

// wait reads one frame into l. Interrupt works by moving the socket's deadline
// into the past, and may do so at any instant in here: hence a flag beside it,
// and no trust in a deadline that passed too early.
func (l *Link) wait(deadline time.Time) error {
	for {
		if !l.current || !deadline.Equal(l.deadline) {
			if err := l.conn.SetReadDeadline(deadline); err != nil {
				return err
			}
			l.deadline, l.current = deadline, true
		}
		if l.interrupted.Swap(false) {
			l.current = false
			return ErrInterrupted
		}
		err := l.raw.Read(l.receive)
		switch {
		case err == nil && l.errno == 0:
			return nil
		case err == nil:
			return os.NewSyscallError("recvmsg", l.errno)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
		l.current = false
		if l.interrupted.Swap(false) {
			return ErrInterrupted
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return os.ErrDeadlineExceeded
		}
	}
}

// recvmsg takes a frame from the kernel. It returns false when there is none.
func (l *Link) recvmsg(fd uintptr) bool {
	for {
		l.msg.Namelen = unix.SizeofSockaddrLinklayer
		l.msg.SetControllen(len(l.oob))
		n, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&l.msg)), unix.MSG_TRUNC)
		l.n, l.errno = int(n), errno
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}

// frame returns what recvmsg left in l.
func (l *Link) frame() evidence.Frame {
	f := evidence.Frame{
		Data:   l.buf[:min(l.n, len(l.buf))],
		Length: l.n, // MSG_TRUNC makes it the frame's length, not what fitted
		Place:  l.name,
		Out:    l.from.Pkttype == unix.PACKET_OUTGOING,
	}
	rest := l.oob[:l.msg.Controllen]
	for len(rest) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&rest[0]))
		if h.Len < unix.SizeofCmsghdr || uint64(h.Len) > uint64(len(rest)) {
			break
		}
		data := rest[unix.CmsgLen(0):h.Len]
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			f.Time = time.Unix((*unix.Timespec)(unsafe.Pointer(&data[0])).Unix())
		case h.Level == unix.SOL_PACKET && h.Type == unix.PACKET_AUXDATA && len(data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})):
			aux := (*unix.TpacketAuxdata)(unsafe.Pointer(&data[0]))
			if aux.Status&unix.TP_STATUS_VLAN_VALID != 0 {
				f.VLAN = aux.Vlan_tci & 0x0fff
			}
		}
		rest = rest[min(len(rest), unix.CmsgSpace(len(data))):]
	}
	if f.Time.IsZero() {
		f.Time = time.Now()
	}
	return f
}

// Interrupt ends the wait of the Receive that is under way, or else that of the
// next one, with ErrInterrupted. It is safe to call from any goroutine:
//
//	defer context.AfterFunc(ctx, link.Interrupt)()
func (l *Link) Interrupt() {
	l.interrupted.Store(true)
	_ = l.conn.SetReadDeadline(time.Unix(1, 0))
}

// SetFilter puts f in the place of the filter so far. Frames that waited to be
// read stay, so some may still come that f does not want.
func (l *Link) SetFilter(f Filter) error {
	prog, err := l.assemble(f)
	if err == nil {
		err = l.conn.SetBPF(prog)
	}
	if err != nil {
		return linkError("set the filter on", l.name, err)
	}
	l.filter = f
	return nil
}

// Hear adds ip to the addresses that the filter lets through. It is an error
// when ip is not IPv4.
func (l *Link) Hear(ip netip.Addr) error {
	f := l.filter
	if slices.Contains(f.Addrs, ip) {
		return nil
	}
	f.Addrs = append(slices.Clone(f.Addrs), ip)
	return l.SetFilter(f)
}

// HearMAC adds m to the MACs whose frames the filter lets through.
func (l *Link) HearMAC(m mac.Addr) error {
	f := l.filter
	if slices.Contains(f.MACs, m) {
		return nil
	}
	f.MACs = append(slices.Clone(f.MACs), m)
	return l.SetFilter(f)
}

// Join makes the interface accept frames to the group address m, until Close.
// It does not change the filter.
func (l *Link) Join(m mac.Addr) error {
	if !m.IsGroup() {
		return linkError("join on", l.name, fmt.Errorf("%s is not a group address", m))
	}
	if err := l.conn.JoinGroup(m.HardwareAddr()); err != nil {
		return linkError(fmt.Sprintf("join %s on", m), l.name, err)
	}
	return nil
}

// JoinAll makes the interface accept frames to every group address, until Close: for
// many groups it costs less than to join each. It does not change the filter.
func (l *Link) JoinAll() error {
	join := unix.PacketMreq{Ifindex: int32(l.index), Type: unix.PACKET_MR_ALLMULTI}
	var failed error
	err := l.raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptPacketMreq(int(fd), unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &join)
	})
	if err = errors.Join(err, failed); err != nil {
		return linkError("join all groups on", l.name, err)
	}
	return nil
}

// Promiscuous makes the interface accept frames to any address, or ends that;
// so does Close. The kernel counts: call it with false once per true. It does
// not change the filter.
func (l *Link) Promiscuous(on bool) error {
	if err := l.conn.SetPromiscuous(on); err != nil {
		return linkError("set promiscuous mode on", l.name, err)
	}
	return nil
}

// Drops returns how many frames that passed the filter were thrown away since
// Open because the receive buffer was full. What the network card, or the
// kernel before it came to the filter, lost is not in it.
func (l *Link) Drops() (int, error) {
	// Reading sets the kernel's counter to zero.
	stats, err := l.conn.Stats()
	if err != nil {
		return l.drops, linkError("read the drop counter of", l.name, err)
	}
	l.drops += int(stats.Drops)
	return l.drops, nil
}

// Close closes the link. The kernel waits until no processor can still be
// delivering to it, which takes up to some tens of milliseconds: a process that
// is about to exit has no need to call it before its last output.
func (l *Link) Close() error {
	if err := l.conn.Close(); err != nil {
		return linkError("close", l.name, err)
	}
	return nil
}

// reason replaces the system's word for an interface that is down or gone.
func reason(err error) error {
	if errors.Is(err, unix.ENETDOWN) {
		return ErrDown
	}
	return err
}
