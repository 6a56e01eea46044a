// Package arpprobe decides how to ask for an address by ARP: what to send, when
// to ask again, and when nothing more can be learnt. It sends nothing itself
// and knows no socket.
package arpprobe

import (
	"fmt"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Source is who asks. Where IP is invalid the host has no address in the
// target's prefix and asks by a probe with the sender address 0.0.0.0 (RFC 5227
// 2.1.1), which changes nobody's ARP cache.
type Source struct {
	MAC mac.Addr
	IP  netip.Addr
}

// Request returns the Ethernet frame, without frame check sequence, of an ARP
// request for target that is broadcast from src (RFC 826; the target hardware
// address is zero, as RFC 5227 2.1.1 wants it).
func Request(src Source, target netip.Addr) ([]byte, error) {
	if !target.Is4() {
		return nil, fmt.Errorf("arpprobe: ask for %v: not an IPv4 address", target)
	}
	ip := src.IP
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	p, err := arp.NewPacket(arp.OperationRequest, src.MAC.HardwareAddr(), ip, mac.Addr{}.HardwareAddr(), target)
	if err != nil {
		return nil, fmt.Errorf("arpprobe: ask for %v from %v: %w", target, ip, err)
	}
	body, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("arpprobe: ask for %v: encode: %w", target, err)
	}
	f := ethernet.Frame{
		Destination: ethernet.Broadcast,
		Source:      src.MAC.HardwareAddr(),
		EtherType:   ethernet.EtherTypeARP,
		Payload:     body,
	}
	b, err := f.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("arpprobe: ask for %v: encode the frame: %w", target, err)
	}
	return b, nil
}
