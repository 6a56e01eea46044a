package lab

import (
	"encoding/binary"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// advertisement returns the frame of a VRRP version 2 advertisement (RFC 3768
// 5): Ethernet, IPv4, VRRP with one address, no authentication, sent every
// second.
func advertisement(r *Router) []byte {
	group, virtual := mac.Addr{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}, r.VRRP.MAC()
	f := append(append(group[:], virtual[:]...), 0x08, 0x00)
	f = append(f, 0x45, 0xc0, 0, 40, 0, 0, 0, 0, 255, 112, 0, 0) // 40 bytes long, TTL 255, protocol 112
	f = append(append(f, r.Address.AsSlice()...), 224, 0, 0, 18)
	binary.BigEndian.PutUint16(f[24:], inet.Checksum(f[14:34]))
	v := []byte{0x21, r.VRRP.ID, r.VRRP.Priority, 1, 0, 1, 0, 0} // version 2, type 1; 1 address; 1 second
	v = append(append(v, r.VRRP.Address.AsSlice()...), make([]byte, 8)...)
	binary.BigEndian.PutUint16(v[6:], inet.Checksum(v))
	return append(f, v...)
}
