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

// Flooded says what a flood came to.
type Flooded struct {
	Frames int
	Took   time.Duration
}

// PerSecond returns the rate.
func (f Flooded) PerSecond() float64 { return float64(f.Frames) / f.Took.Seconds() }

// stretch is how long FloodARP sends before it looks at the clock and at stop.
// Between two stretches the kernel takes some 20 ms to set up the next.
const stretch = 250 * time.Millisecond

// FloodARP sends ARP replies of hosts that nobody asked for, out of veth end tx
// to the link-layer address dst, until stop is closed: about rate of them a
// second, at least 100,000, or where rate is 0 as many as one core can send and
// receive. Each is of one of 65,536 hosts in 198.18.0.0/16, a network set aside
// for such tests (RFC 2544), and answers 198.19.255.254. Call it inside tx's
// namespace, after AcceptFlood was called for the other end in that one's.
//
// The frames come from an XDP program that the kernel runs without a system
// call per frame (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18). It takes root.
func FloodARP(tx *net.Interface, dst net.HardwareAddr, rate int, stop <-chan struct{}) (Flooded, error) {
	prog, err := loadXDP(floodProgram(tx.Index))
	if err != nil {
		return Flooded{}, fmt.Errorf("flood: %w", err)
	}
	defer unix.Close(prog)

	frame := foreignARP(dst)
	pause := 0.0  // nanoseconds that each frame is held back
	count := 5000 // of the first stretch, which tells how fast this machine is
	var sent Flooded
	for start := time.Now(); ; {
		select {
		case <-stop:
			return sent, nil
		default:
		}
		began := time.Now()
		binary.NativeEndian.PutUint32(frame[pauseOffset:], uint32(pause))
		if err := runXDP(prog, frame, count); err != nil {
			return sent, fmt.Errorf("flood: %w", err)
		}
		sent.Frames += count
		sent.Took = time.Since(start)

		// The next stretch makes up for what this one was too fast or slow.
		perFrame := float64(time.Since(began)) / float64(count)
		count = int(float64(stretch) / perFrame)
		if rate > 0 {
			count = int(int64(rate) * int64(stretch) / int64(time.Second))
			pause = min(max(0, pause+float64(time.Second)/float64(rate)-perFrame), maxPause)
		}
	}
}

// AcceptFlood makes the veth end called name take what an XDP program on the
// other end sends: it turns on generic receive offload, for which veth begins to
// poll. Call it inside the end's namespace.
func AcceptFlood(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	value := struct{ cmd, data uint32 }{unix.ETHTOOL_SGRO, 1}
	var request struct { // struct ifreq
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	request.data = unsafe.Pointer(&value)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("turn on receive offload of %q: %w", name, os.NewSyscallError("ioctl", errno))
	}
	return nil
}

// The last four bytes of a frame tell the program how long to hold it back, in
// nanoseconds.
const (
	frameLen    = 60
	pauseOffset = frameLen - 4
	maxPause    = 10_000
)

// foreignARP returns the frame that the program varies.
func foreignARP(dst net.HardwareAddr) []byte {
	src := []byte{0x02, 0xf0, 0, 0, 0, 0}
	b := append(append([]byte{}, dst...), src...)
	b = append(b, 0x08, 0x06, // ethertype ARP
		0, 1, 0x08, 0, 6, 4, // IPv4 over Ethernet
		0, 2) // reply
	b = append(append(b, src...), 198, 18, 0, 0)     // sender
	b = append(append(b, dst...), 198, 19, 255, 254) // target
	return append(b, make([]byte, frameLen-len(b))...)
}

// instruction is struct bpf_insn: the destination register is in the lower half
// of regs.
type instruction struct {
	code uint8
	regs uint8
	off  int16
	imm  int32
}

// floodProgram returns an XDP program that writes a random number into the last
// two bytes of the source address, of ARP's sender hardware address and of
// its sender address, waits, and sends the frame out of the interface.
func floodProgram(index int) []instruction {
	const (
		r0, r1, r2, r3, r6, r7, r8, r9 = 0, 1, 2, 3, 6, 7, 8, 9

		movReg   = unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X
		movConst = unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K
		addConst = unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K
		subReg   = unix.BPF_ALU64 | unix.BPF_SUB | unix.BPF_X
		load32   = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W
		store16  = unix.BPF_STX | unix.BPF_MEM | unix.BPF_H
		ifGtReg  = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_X
		ifGeReg  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_X
		ifLt     = unix.BPF_JMP | unix.BPF_JLT | unix.BPF_K
		ifEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		call     = unix.BPF_JMP | unix.BPF_CALL
		exit     = unix.BPF_JMP | unix.BPF_EXIT

		helperTime     = 5 // bpf_ktime_get_ns
		helperRandom   = 7 // bpf_get_prandom_u32
		helperRedirect = 23

		mostReadings = 1000 // of the clock, some 20 ns each
	)
	regs := func(dst, src uint8) uint8 { return src<<4 | dst }
	return []instruction{
		{code: load32, regs: regs(r6, r1), off: 0},           // 0: data
		{code: load32, regs: regs(r3, r1), off: 4},           // 1: data_end
		{code: movReg, regs: regs(r2, r6)},                   // 2
		{code: addConst, regs: r2, imm: frameLen},            // 3
		{code: ifGtReg, regs: regs(r2, r3), off: 14},         // 4: too short for us: to 19
		{code: call, imm: helperRandom},                      // 5
		{code: store16, regs: regs(r6, r0), off: 6 + 4},      // 6: source address
		{code: store16, regs: regs(r6, r0), off: 22 + 4},     // 7: sender hardware address
		{code: store16, regs: regs(r6, r0), off: 28 + 2},     // 8: sender address
		{code: load32, regs: regs(r8, r6), off: pauseOffset}, // 9
		{code: ifEqual, regs: r8, imm: 0, off: 8},            // 10: to 19
		{code: call, imm: helperTime},                        // 11
		{code: movReg, regs: regs(r7, r0)},                   // 12: the beginning
		{code: movConst, regs: r9, imm: 0},                   // 13: readings
		{code: call, imm: helperTime},                        // 14
		{code: subReg, regs: regs(r0, r7)},                   // 15
		{code: ifGeReg, regs: regs(r0, r8), off: 2},          // 16: to 19
		{code: addConst, regs: r9, imm: 1},                   // 17
		{code: ifLt, regs: r9, imm: mostReadings, off: -5},   // 18: to 14
		{code: movConst, regs: r1, imm: int32(index)},        // 19
		{code: movConst, regs: r2, imm: 0},                   // 20
		{code: call, imm: helperRedirect},                    // 21
		{code: exit},                                         // 22
	}
}

// loadXDP returns a descriptor of the program.
func loadXDP(prog []instruction) (int, error) {
	licence := []byte("BSD\x00")
	attr := struct { // union bpf_attr for BPF_PROG_LOAD
		kind, count    uint32
		code, licence  unsafe.Pointer
		level, logSize uint32
		log            unsafe.Pointer
		_              [64]byte
	}{
		kind: unix.BPF_PROG_TYPE_XDP, count: uint32(len(prog)),
		code: unsafe.Pointer(&prog[0]), licence: unsafe.Pointer(&licence[0]),
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, fmt.Errorf("load an XDP program: %w", os.NewSyscallError("bpf", errno))
	}
	return int(fd), nil
}

// runXDP runs the program on n copies of frame, which go where it says.
func runXDP(fd int, frame []byte, n int) error {
	attr := struct { // union bpf_attr for BPF_PROG_TEST_RUN
		fd, result       uint32
		inSize, outSize  uint32
		in, out          unsafe.Pointer
		repeat, duration uint32
		ctxIn, ctxOut    uint32
		ctx, ctxResult   unsafe.Pointer
		flags, cpu       uint32
		batch, _         uint32
	}{
		fd: uint32(fd), inSize: uint32(len(frame)), in: unsafe.Pointer(&frame[0]),
		repeat: uint32(n), flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES, batch: 64,
	}
	for {
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		switch errno {
		case 0:
			return nil
		case unix.EINTR: // the Go runtime interrupts long calls; some frames were sent
		default:
			return fmt.Errorf("run an XDP program: %w", os.NewSyscallError("bpf", errno))
		}
	}
}
