package wiretest

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flood sends frames on ifi as fast as one thread can, round and round, until
// stop is closed. It returns how many it sent in what time, including the time
// that the kernel took to hand them to the other end's listeners. Call it inside
// the segment's namespace.
//
// It goes around the queueing discipline and hands over many frames a system
// call: one core comes near a million small frames a second.
func Flood(ifi *net.Interface, frames [][]byte, stop <-chan struct{}) (sent int, took time.Duration, err error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("flood: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		return 0, 0, fmt.Errorf("flood: %w", os.NewSyscallError("setsockopt", err))
	}
	// Protocol 0: this socket receives nothing.
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifi.Index}); err != nil {
		return 0, 0, fmt.Errorf("flood: %w", os.NewSyscallError("bind", err))
	}

	const batch = 1024
	var (
		messages = make([]mmsghdr, batch)
		vectors  = make([]unix.Iovec, batch)
		next     = 0
		start    = time.Now()
	)
	for i := range messages {
		f := frames[i%len(frames)]
		vectors[i].Base = &f[0]
		vectors[i].SetLen(len(f))
		messages[i].hdr.Iov = &vectors[i]
		messages[i].hdr.SetIovlen(1)
	}
	for {
		select {
		case <-stop:
			return sent, time.Since(start), nil
		default:
		}
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&messages[next])), uintptr(batch-next), 0, 0, 0)
		switch errno {
		case 0:
			sent += int(n)
			next = (next + int(n)) % batch
		case unix.EINTR, unix.EAGAIN, unix.ENOBUFS:
		default:
			return sent, time.Since(start), fmt.Errorf("flood: %w", os.NewSyscallError("sendmmsg", errno))
		}
	}
}

// mmsghdr is struct mmsghdr of the kernel.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// ForeignARP returns n different ARP replies for addresses of 198.18.0.0/15,
// which RFC 2544 sets aside for such tests, from as many hosts to dst.
func ForeignARP(n int, dst net.HardwareAddr) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		src := [6]byte{0x02, 0xf0}
		binary.BigEndian.PutUint32(src[2:], uint32(i))
		ip := [4]byte{198, 18}
		binary.BigEndian.PutUint16(ip[2:], uint16(i))
		b := append(append([]byte{}, dst...), src[:]...)
		b = append(b, 0x08, 0x06, // ethertype ARP
			0, 1, 0x08, 0, 6, 4, // IPv4 over Ethernet
			0, 2) // reply
		b = append(append(b, src[:]...), ip[:]...)       // sender
		b = append(append(b, dst...), 198, 19, 255, 254) // target
		frames[i] = append(b, make([]byte, 60-len(b))...)
	}
	return frames
}
