package route

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Interfaces returns this host's interfaces, by index.
//
// It asks the kernel with the standard library's rtnetlink calls: this stands in
// the way of the first frame, and a netlink library takes more than twice the
// time to start and to read the same.
func Interfaces() ([]Interface, error) {
	var tables [3][]syscall.NetlinkMessage
	for i, request := range []struct {
		what       string
		kind, with int
	}{
		{"interfaces", syscall.RTM_GETLINK, syscall.AF_UNSPEC},
		{"addresses", syscall.RTM_GETADDR, syscall.AF_INET},
		{"routes", syscall.RTM_GETROUTE, syscall.AF_INET},
	} {
		b, err := syscall.NetlinkRIB(request.kind, request.with)
		if err == nil {
			tables[i], err = syscall.ParseNetlinkMessage(b)
		}
		if err != nil {
			return nil, fmt.Errorf("read this host's %s: %w", request.what, os.NewSyscallError("netlink", err))
		}
	}
	return assemble(tables[0], tables[1], tables[2]), nil
}

// assemble makes interfaces of what the kernel says. It leaves out what is too
// short to be read.
func assemble(links, addrs, routes []syscall.NetlinkMessage) []Interface {
	var all []Interface
	for _, m := range links {
		if i, ok := link(m); ok {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b Interface) int { return cmp.Compare(a.Index, b.Index) })
	find := func(index uint32) *Interface {
		i, ok := slices.BinarySearchFunc(all, int(index), func(i Interface, index int) int { return cmp.Compare(i.Index, index) })
		if !ok {
			return nil
		}
		return &all[i]
	}

	// The kernel lists secondary addresses last, and the routes to one
	// destination in the order of their metric.
	for _, m := range addrs {
		if index, prefix, ok := address(m); ok {
			if i := find(index); i != nil {
				i.Prefixes = append(i.Prefixes, prefix)
			}
		}
	}

	var hops []hop
	for _, m := range routes {
		hops = append(hops, nextHops(m)...)
	}
	slices.SortStableFunc(hops, func(a, b hop) int {
		switch {
		case a.isDefault == b.isDefault:
			return 0
		case a.isDefault:
			return -1
		}
		return 1
	})
	for _, h := range hops {
		if i := find(h.index); i != nil && !slices.Contains(i.Gateways, h.gateway) {
			i.Gateways = append(i.Gateways, h.gateway)
		}
	}
	return all
}

// link reads struct ifinfomsg and its attributes.
func link(m syscall.NetlinkMessage) (Interface, bool) {
	if m.Header.Type != syscall.RTM_NEWLINK || len(m.Data) < syscall.SizeofIfInfomsg {
		return Interface{}, false
	}
	flags := binary.NativeEndian.Uint32(m.Data[8:])
	i := Interface{
		Index:    int(binary.NativeEndian.Uint32(m.Data[4:])),
		Up:       flags&syscall.IFF_UP != 0,
		Running:  flags&syscall.IFF_RUNNING != 0,
		Loopback: flags&syscall.IFF_LOOPBACK != 0,
		NoARP:    flags&syscall.IFF_NOARP != 0,
	}
	ethernet := binary.NativeEndian.Uint16(m.Data[2:]) == syscall.ARPHRD_ETHER
	for kind, value := range attributes(m.Data[syscall.SizeofIfInfomsg:]) {
		switch kind {
		case syscall.IFLA_IFNAME:
			i.Name = string(value[:max(0, len(value)-1)]) // without the zero byte
		case syscall.IFLA_ADDRESS:
			if ethernet && len(value) == len(i.MAC) {
				i.MAC = mac.From(value)
			}
		case syscall.IFLA_MTU:
			if len(value) >= 4 {
				i.MTU = int(binary.NativeEndian.Uint32(value))
			}
		}
	}
	return i, i.Index > 0 && i.Name != ""
}

// address reads struct ifaddrmsg and its attributes: an interface's index and an
// IPv4 address of it.
func address(m syscall.NetlinkMessage) (index uint32, prefix netip.Prefix, ok bool) {
	if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg || m.Data[0] != syscall.AF_INET {
		return 0, netip.Prefix{}, false
	}
	var local, peer netip.Addr
	for kind, value := range attributes(m.Data[syscall.SizeofIfAddrmsg:]) {
		switch kind {
		case syscall.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(value)
		case syscall.IFA_ADDRESS:
			peer, _ = netip.AddrFromSlice(value)
		}
	}
	bits := int(m.Data[1])
	switch {
	case !local.IsValid():
		local = peer
	case peer.IsValid() && peer != local: // the prefix is the other end's
		bits = 32
	}
	prefix = netip.PrefixFrom(local, bits)
	return binary.NativeEndian.Uint32(m.Data[4:]), prefix, local.Is4() && prefix.IsValid()
}

// hop is a router that a route uses.
type hop struct {
	index     uint32
	gateway   netip.Addr
	isDefault bool
}

// nextHops reads struct rtmsg and its attributes: a route's routers, of which a
// multipath route has several. Routes of every table count, so that those of a
// VRF do.
func nextHops(m syscall.NetlinkMessage) []hop {
	if m.Header.Type != syscall.RTM_NEWROUTE || len(m.Data) < syscall.SizeofRtMsg || m.Data[0] != syscall.AF_INET {
		return nil
	}
	var hops []hop
	single := hop{isDefault: m.Data[1] == 0}
	for kind, value := range attributes(m.Data[syscall.SizeofRtMsg:]) {
		switch kind {
		case syscall.RTA_OIF:
			if len(value) >= 4 {
				single.index = binary.NativeEndian.Uint32(value)
			}
		case syscall.RTA_GATEWAY:
			single.gateway, _ = netip.AddrFromSlice(value)
		case syscall.RTA_MULTIPATH:
			hops = multipath(value, single.isDefault)
		}
	}
	if single.gateway.Is4() {
		hops = append(hops, single)
	}
	return hops
}

// multipath reads a row of struct rtnexthop, each with attributes of its own.
func multipath(b []byte, isDefault bool) (hops []hop) {
	for len(b) >= syscall.SizeofRtNexthop {
		n := int(binary.NativeEndian.Uint16(b))
		if n < syscall.SizeofRtNexthop || n > len(b) {
			break
		}
		h := hop{index: binary.NativeEndian.Uint32(b[4:]), isDefault: isDefault}
		for kind, value := range attributes(b[syscall.SizeofRtNexthop:n]) {
			if kind == syscall.RTA_GATEWAY {
				h.gateway, _ = netip.AddrFromSlice(value)
			}
		}
		if h.gateway.Is4() {
			hops = append(hops, h)
		}
		b = b[min(len(b), align(n)):]
	}
	return hops
}

// attributes yields the kind and value of each struct rtattr in b. What
// syscall.ParseNetlinkRouteAttr does with a last attribute that lacks its
// padding is to panic.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= syscall.SizeofRtAttr {
			n := int(binary.NativeEndian.Uint16(b))
			if n < syscall.SizeofRtAttr || n > len(b) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(b[2:]), b[syscall.SizeofRtAttr:n]) {
				return
			}
			b = b[min(len(b), align(n)):]
		}
	}
}

// align rounds up to four bytes, as RTA_ALIGN and RTNH_ALIGN do.
func align(n int) int { return (n + 3) &^ 3 }

// Forwards reports whether this host passes on IPv4 packets that come by the
// interface called name: whether it is a router. What cannot be read is no.
func Forwards(name string) bool {
	if strings.ContainsRune(name, '/') {
		return false
	}
	b, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + name + "/forwarding")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}
