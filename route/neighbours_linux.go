package route

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"github.com/nlbprobe/nlbprobe/mac"
)

// The states of an entry of the kernel's neighbour table, from
// linux/neighbour.h, in which its MAC is known.
const (
	nudReachable = 0x02
	nudKnown     = nudReachable | 0x04 | 0x08 | 0x10 | 0x80 // stale, delay, probe, permanent
)

// neighbour is an entry of the kernel's neighbour table.
type neighbour struct {
	index int // of the interface
	ip    netip.Addr
	mac   mac.Addr
	state uint16
}

// Neighbours returns the IPv4 hosts on the interface with that index whose MAC
// the kernel knows, those confirmed of late first, then by address. Hosts with
// a group MAC are not among them.
func Neighbours(index int) ([]netip.Addr, error) {
	b, err := syscall.NetlinkRIB(syscall.RTM_GETNEIGH, syscall.AF_INET)
	var table []syscall.NetlinkMessage
	if err == nil {
		table, err = syscall.ParseNetlinkMessage(b)
	}
	if err != nil {
		return nil, fmt.Errorf("read this host's neighbours: %w", os.NewSyscallError("netlink", err))
	}
	return known(table, index), nil
}

// known picks the neighbours on one interface. It leaves out what is too short
// to be read.
func known(table []syscall.NetlinkMessage, index int) []netip.Addr {
	var all []neighbour
	for _, m := range table {
		if n, ok := readNeighbour(m); ok && n.index == index && n.state&nudKnown != 0 && !n.mac.IsZero() && !n.mac.IsGroup() {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(b.state&nudReachable, a.state&nudReachable), a.ip.Compare(b.ip))
	})
	ips := make([]netip.Addr, len(all))
	for i, n := range all {
		ips[i] = n.ip
	}
	return ips
}

// readNeighbour reads struct ndmsg and its attributes.
func readNeighbour(m syscall.NetlinkMessage) (neighbour, bool) {
	const size = 12
	if m.Header.Type != syscall.RTM_NEWNEIGH || len(m.Data) < size || m.Data[0] != syscall.AF_INET {
		return neighbour{}, false
	}
	n := neighbour{index: int(binary.NativeEndian.Uint32(m.Data[4:])), state: binary.NativeEndian.Uint16(m.Data[8:])}
	const dst, lladdr = 1, 2 // NDA_DST, NDA_LLADDR
	for kind, value := range attributes(m.Data[size:]) {
		switch kind {
		case dst:
			n.ip, _ = netip.AddrFromSlice(value)
		case lladdr:
			if len(value) == len(n.mac) {
				n.mac = mac.From(value)
			}
		}
	}
	return n, n.ip.Is4()
}
