// Package clientsock asks by this host's ordinary sockets, as any program may, and
// tells what the kernel says came back: who answered, and which router said what.
// On Linux it sends ICMP echo requests without a right to raw packets where
// net.ipv4.ping_group_range allows it, and otherwise UDP datagrams; elsewhere it
// opens TCP connections alone.
package clientsock

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// arrival is what came back, and when.
type arrival struct {
	told evidence.Told
	at   time.Time
}

// Source returns the address that packets of this host to ip have as their source.
// Nothing is sent. The error wraps the system's: no route, as a rule.
func Source(ip netip.Addr) (netip.Addr, error) {
	const discard = 9 // any port will do: RFC 863
	conn, err := net.Dial("udp4", netip.AddrPortFrom(ip, discard).String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %v: %w", ip, err)
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, fmt.Errorf("find the way to %v: the system names no source address", ip)
	}
	return local.AddrPort().Addr().Unmap(), nil
}
