package inet_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

func TestGroupMAC(t *testing.T) {
	for _, row := range [...]struct {
		ip   string
		want mac.Addr
	}{
		{"224.0.0.1", mac.Addr{1, 0, 0x5e, 0, 0, 1}},
		{"239.255.63.241", mac.Addr{1, 0, 0x5e, 0x7f, 63, 241}},
		{"239.127.63.241", mac.Addr{1, 0, 0x5e, 0x7f, 63, 241}}, // 32 groups share a MAC
		{"::ffff:224.128.0.5", mac.Addr{1, 0, 0x5e, 0, 0, 5}},
		{"223.255.255.255", mac.Addr{}},
		{"240.0.0.1", mac.Addr{}},
		{"ff02::1", mac.Addr{}},
	} {
		if got := inet.GroupMAC(netip.MustParseAddr(row.ip)); got != row.want {
			t.Errorf("%s: %v, want %v", row.ip, got, row.want)
		}
	}
	if got := inet.GroupMAC(netip.Addr{}); !got.IsZero() {
		t.Errorf("no address: %v", got)
	}
}

// The example of RFC 1071 3: the sum of these words is 0xddf2.
func TestSum(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got := inet.Sum(0, b); got != 0xddf2 {
		t.Errorf("%#04x", got)
	}
	if got := inet.Checksum(b); got != 0x220d {
		t.Errorf("%#04x", got)
	}
	if got := inet.Checksum([]byte{0xff}); got != 0x00ff {
		t.Errorf("an odd byte: %#04x", got)
	}
}

// FuzzChecksum compares with one's complement as RFC 1071 1 words it, word by word
// with an end-around carry, and holds that a field with the checksum makes it zero.
func FuzzChecksum(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add([]byte{0xff, 0xff, 0, 0}, byte(1))
	f.Add([]byte{1, 2, 3}, byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at byte) {
		var words uint16
		for i := 0; i < len(b); i += 2 {
			w := uint16(b[i]) << 8
			if i+1 < len(b) {
				w |= uint16(b[i+1])
			}
			before := words
			if words += w; words < before {
				words++
			}
		}
		if got := inet.Checksum(b); got != ^words {
			t.Fatalf("% x: %#04x, word by word %#04x", b, got, ^words)
		}
		if len(b) < 2 {
			return
		}
		field := int(at) % (len(b) / 2) * 2
		b[field], b[field+1] = 0, 0
		binary.BigEndian.PutUint16(b[field:], inet.Checksum(b))
		if got := inet.Checksum(b); got != 0 && got != 0xffff {
			t.Fatalf("with its checksum % x gives %#04x", b, got)
		}
	})
}

// Only unicast addresses that a host can have on a network are a host's.
func TestIsHost(t *testing.T) {
	for _, row := range []struct {
		ip   string
		want bool
	}{
		{"0.0.0.0", false}, {"0.255.255.255", false}, {"1.0.0.0", true}, {"126.255.255.255", true}, {"127.0.0.1", false}, {"127.255.255.255", false}, {"128.0.0.0", true},
		{"169.254.1.1", true}, {"223.255.255.255", true}, {"224.0.0.0", false}, {"239.255.63.241", false}, {"240.0.0.1", false}, {"255.255.255.255", false},
		{"::ffff:172.16.63.1", true}, {"::ffff:224.0.0.1", false}, {"2001:db8::1", false}, {"::", false},
	} {
		if got := inet.IsHost(netip.MustParseAddr(row.ip)); got != row.want {
			t.Errorf("%s: %v", row.ip, got)
		}
	}
	if inet.IsHost(netip.Addr{}) {
		t.Error("no address is a host's")
	}
}
