package observe_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/observe"
)

// packetOf is an IPv4 packet of a sender whose header has a right checksum, 0, or a
// wrong one.
func packetOf(sender byte, id uint16, checksum string) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, sender, 8, 0, 0x45, 0, 0, 28, byte(id >> 8), byte(id), 0, 0, 64, 1, 0, 0, 192, 0, 2, sender, 192, 0, 2, 90, 8, 0, 0xf7, 0xff, 0, 0, 0, 0}
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = ^(sum>>16 + sum&0xffff) & 0xffff
	switch checksum {
	case "right":
		binary.BigEndian.PutUint16(b[24:], uint16(sum))
	case "wrong":
		binary.BigEndian.PutUint16(b[24:], uint16(sum)^0x20|1)
	}
	return b
}

// Whose checksums are the card's is told by what the sender sends: r and w are
// frames of one sender with right and wrong checksums, 0 those with none, o a wrong
// one that this host sent, d the same frame again at once. In want, u is a frame
// that is unsummed, f one that is so after a frame before it turned out to be, too.
func TestSurveyChecksums(t *testing.T) {
	for _, tt := range []struct{ frames, want string }{
		{"rrrr", "...."},
		{"0", "u"},
		{"0r0r", "u.u."},
		{"rrwr", "...."}, // one that was damaged
		{"wrrr", "...."},
		{"wrww", "...."},
		{"w", "."},     // nobody can tell
		{"wdd", "..."}, // captured thrice
		{"ww", ".f"},   // all of them
		{"wdwww", "..fuu"},
		{"wwrw", ".f.."}, // the sender makes them after all
		{"o", "u"},
		{"ro", ".."}, // it would have been right
	} {
		var s observe.Survey
		got := ""
		at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		id := uint16(0)
		for _, r := range tt.frames {
			checksum := map[rune]string{'r': "right", '0': "none", 'w': "wrong", 'd': "wrong", 'o': "wrong"}[r]
			if r != 'd' {
				id++
				at = at.Add(time.Second)
			}
			b := packetOf(7, id, checksum)
			f := evidence.Frame{Time: at, Data: b, Length: len(b), Out: r == 'o', Unsummed: true}
			again := s.Frame(&f)
			switch {
			case again != nil && f.Unsummed && again.Unsummed && again.Time.Before(f.Time):
				got += "f"
			case again != nil:
				t.Errorf("%s: %+v again", tt.frames, again)
			case f.Unsummed:
				got += "u"
			default:
				got += "."
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.frames, got, tt.want)
		}
	}
}

// What is kept of senders is bounded, and a frame of no doubt costs no allocation.
func TestSurveyBounds(t *testing.T) {
	var s observe.Survey
	for n := range 100_000 {
		b := packetOf(byte(n), uint16(n), "wrong")
		binary.BigEndian.PutUint32(b[7:], uint32(n))
		s.Frame(&evidence.Frame{Data: b, Length: len(b)})
	}
	for _, checksum := range []string{"right", "none"} {
		b := packetOf(200, 1, checksum)
		f := &evidence.Frame{Data: b, Length: len(b)}
		if n := testing.AllocsPerRun(100, func() { s.Frame(f) }); n > 0 {
			t.Errorf("%s: %v allocations", checksum, n)
		}
	}
}

// Frames that carry others are counted by carrier; what looks alike is not.
func TestSurveyCarried(t *testing.T) {
	udp := func(port int, payload ...byte) []byte {
		b := []byte{0xc0, 1, byte(port >> 8), byte(port), 0, byte(8 + len(payload)), 0, 0}
		return append(b, payload...)
	}
	ip := func(protocol byte, payload ...byte) []byte {
		b := packetOf(3, 1, "right")[:34]
		b[23] = protocol
		b[24], b[25] = 0, 0
		return append(b, payload...)
	}
	over6 := func(protocol byte, payload ...byte) []byte {
		b := append(packetOf(3, 1, "right")[:12:12], 0x86, 0xdd, 0x60, 0, 0, 0, 0, byte(len(payload)), protocol, 64)
		return append(append(b, make([]byte, 32)...), payload...)
	}
	vxlan := []byte{8, 0, 0, 0, 0, 0, 100, 0, 1, 2, 3}
	for _, tt := range []struct {
		name, want string
		frame      []byte
	}{
		{"VXLAN", "VXLAN", ip(17, udp(4789, vxlan...)...)},
		{"VXLAN as Linux had it", "VXLAN", ip(17, udp(8472, vxlan...)...)},
		{"another protocol at its port", "", ip(17, udp(8472, 1, 2, 3, 4, 5, 6, 7, 8)...)},
		{"GENEVE", "GENEVE", ip(17, udp(6081, 0, 0, 0x65, 0x58, 0, 0, 1, 0)...)},
		{"GRE", "GRE", ip(47, 0, 0, 8, 0)},
		{"NVGRE", "GRE", ip(47, 0x20, 0, 0x65, 0x58)},
		{"ERSPAN", "ERSPAN", ip(47, 0x10, 0, 0x88, 0xbe)},
		{"ERSPAN of type III", "ERSPAN", ip(47, 0x10, 0, 0x22, 0xeb)},
		{"IP in IP", "IP in IP", ip(4, 0x45)},
		{"6in4", "IP in IP", ip(41, 0x60)},
		{"MPLS", "MPLS", append(packetOf(3, 1, "right")[:12], 0x88, 0x47, 0, 1, 0x41, 0xff)},
		{"MPLS in a VLAN", "MPLS", append(packetOf(3, 1, "right")[:12], 0x81, 0, 0, 7, 0x88, 0x47, 0, 1, 0x41, 0xff)},
		{"provider backbone bridging", "IEEE 802.1ah", append(packetOf(3, 1, "right")[:12], 0x88, 0xe7, 0, 0, 0, 1)},
		{"TRILL", "TRILL", append(packetOf(3, 1, "right")[:12], 0x22, 0xf3, 0, 0, 0, 1, 0, 2)},
		{"MACsec", "MACsec", append(packetOf(3, 1, "right")[:12], 0x88, 0xe5, 0x2c, 0, 0, 0, 0, 1)},
		{"L2TPv3", "L2TPv3", ip(115, 0, 0, 0, 7)},
		{"EtherIP", "EtherIP", ip(97, 0x30, 0)},
		{"TZSP", "TZSP", ip(17, udp(37008, 1, 0, 0, 1, 1, 2, 3, 4)...)},
		{"TZSP's keepalive", "", ip(17, udp(37008, 1, 4, 0, 1, 1, 2, 3, 4)...)},
		{"VXLAN over IPv6", "VXLAN", over6(17, udp(4789, vxlan...)...)},
		{"GRE over IPv6", "GRE", over6(47, 0, 0, 8, 0)},
		{"4in6", "IP in IP", over6(4, 0x45)},
		{"neighbour discovery", "", over6(58, 135, 0, 0, 0)},
		{"CAPWAP from an access point", "CAPWAP", ip(17, append([]byte{0x14, 0x7f, 0xc0, 1, 0, 24, 0, 0}, 0, 0x10, 0x42, 0, 0, 0, 0, 0, 8, 1)...)},
		{"CAPWAP to one, a longer header", "CAPWAP", ip(17, udp(5247, 0, 0x20, 0x43, 0x10, 0, 0, 0, 0, 6, 2)...)},
		{"CAPWAP, encrypted", "", ip(17, udp(5247, 1, 0, 0, 0, 22, 254, 255, 0, 0, 0)...)},
		{"DNS", "", ip(17, udp(53, vxlan...)...)},
		{"cut", "", ip(17, udp(4789)...)[:30]},
		{"ARP", "", append(packetOf(3, 1, "right")[:12], 8, 6, 0, 1)},
	} {
		var s observe.Survey
		s.Frame(&evidence.Frame{Data: tt.frame, Length: len(tt.frame)})
		got := ""
		for _, c := range s.Carried() {
			got += fmt.Sprint(c.By)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// FuzzSurvey: no frame, however broken, is more than looked at.
func FuzzSurvey(f *testing.F) {
	f.Add(packetOf(1, 1, "right"))
	f.Add(packetOf(1, 1, "wrong"))
	f.Add(append(packetOf(3, 1, "right")[:12], 0x88, 0xa8, 0, 7, 0x91, 0, 0, 8, 8, 0, 0x45))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s observe.Survey
		kept := string(b)
		s.Frame(&evidence.Frame{Data: b, Length: len(b)})
		again := s.Frame(&evidence.Frame{Data: b, Length: len(b), Time: time.Unix(1, 0)})
		if string(b) != kept || again != nil && string(again.Data) != kept[:min(len(kept), 2048)] {
			t.Error("the frame was changed")
		}
	})
}
