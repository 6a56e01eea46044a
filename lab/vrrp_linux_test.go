package lab

import (
	"bytes"
	"net/netip"
	"testing"
)

// The master's advertisement, byte by byte (RFC 3768 5.1, 5.3; RFC 791).
func TestAdvertisement(t *testing.T) {
	got := advertisement(&Router{
		Address: netip.MustParseAddr("172.16.63.2"),
		VRRP:    &VRRP{ID: 5, Address: netip.MustParseAddr("172.16.63.1"), Priority: 200},
	})
	want := []byte{
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, // to the group of 224.0.0.18
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x05, // from virtual router 5
		0x08, 0x00, // IPv4
		0x45, 0xc0, 0x00, 0x28, // 20 bytes of header, internetwork control, 40 in all
		0x00, 0x00, 0x00, 0x00, // no fragment
		0xff, 0x70, 0xef, 0x80, // TTL 255, VRRP, checksum
		172, 16, 63, 2, // the master itself
		224, 0, 0, 18,
		0x21, 0x05, 0xc8, 0x01, // version 2, advertisement; router 5; priority 200; 1 address
		0x00, 0x01, 0x2b, 0xe6, // no authentication; every second; checksum
		172, 16, 63, 1, // the shared address
		0, 0, 0, 0, 0, 0, 0, 0, // authentication data
	}
	if !bytes.Equal(got, want) {
		t.Errorf("advertisement\n got % x\nwant % x", got, want)
	}
}
