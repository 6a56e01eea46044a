package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/capture"
)

// pcapKinds are files of the format's kinds, each of two packets: the head, and the
// two lengths and further fields of a packet's header, little-endian.
var pcapKinds = []struct {
	name, head, first, second string
	nanos                     bool
}{
	{"2.4", `d4c3b2a1 02000400 00000000 00000000 ffff0000 01000000`, `12000000 3c000000`, `12000000 3c000000`, false},
	{"2.3", `d4c3b2a1 02000300 00000000 00000000 ffff0000 01000000`, `12000000 3c000000`, `3c000000 12000000`, false},
	{"2.2", `d4c3b2a1 02000200 00000000 00000000 ffff0000 01000000`, `3c000000 12000000`, `3c000000 12000000`, false},
	{"2.0", `d4c3b2a1 02000000 00000000 00000000 ffff0000 01000000`, `3c000000 12000000`, `3c000000 12000000`, false},
	{"DG/UX", `d4c3b2a1 1f020000 00000000 00000000 ffff0000 01000000`, `3c000000 12000000`, `3c000000 12000000`, false},
	{"AIX", `d4c3b2a1 02000200 00000000 00000000 ffff0000 06000000`, `3c000000 12000000`, `3c000000 12000000`, true},
	{"modified", `34cdb2a1 02000400 00000000 00000000 ffff0000 01000000`, `12000000 3c000000 03000000 0608 00 00`, `12000000 3c000000 03000000 0608 04 00`, false},
	{"modified, of 28 bytes", `34cdb2a1 02000400 00000000 00000000 ffff0000 01000000`, `12000000 3c000000 03000000 0608 00 00 00 000000`, `12000000 3c000000 03000000 0608 00 00 01 000000`, false},
	{"Ixia", `ab01001c 02000400 00000000 00000000 ffff0000 01000000 44000000`, `12000000 3c000000`, `12000000 3c000000`, false},
	{"Ixia's hardware", `ac01001c 02000400 00000000 00000000 ffff0000 01000000 44000000`, `12000000 3c000000`, `12000000 3c000000`, true},
}

// file puts a file of such a kind together.
func pcapOfKind(head, first, second string) []byte {
	const at, packet = `00f15365 40e20100 `, `ffffffffffff 020000000009 0806 aabbccdd`
	return unhex(head + at + first + packet + at + second + packet)
}

// Each kind of pcap is read alike, in either byte order.
func TestKindsOfPCAP(t *testing.T) {
	for _, k := range pcapKinds {
		want := kept{at: "2023-11-14T22:13:20.123456Z", data: "ffffffffffff0200000000090806aabbccdd", length: 60, place: "x"}
		if k.nanos {
			want.at = "2023-11-14T22:13:20.000123456Z"
		}
		file := pcapOfKind(k.head, k.first, k.second)
		frames, _, err := read(file, capture.Options{Name: "x"})
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		sameFrames(t, frames, []kept{want, want})

		// The other byte order: the file header's words but the two halves of the
		// version, and of each packet the words, protocol and all.
		swap := func(b []byte, sizes ...int) {
			for _, n := range sizes {
				for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
					b[i], b[j] = b[j], b[i]
				}
				b = b[n:]
			}
		}
		big := bytes.Clone(file)
		head := len(unhex(k.head))
		swap(big, 4, 2, 2, 4, 4, 4, 4)
		if head > 24 {
			swap(big[24:], 4)
		}
		header := 8 + len(unhex(k.first))
		for _, at := range []int{head, head + header + 18} {
			swap(big[at:], 4, 4, 4, 4)
			if header > 16 {
				swap(big[at+16:], 4, 2)
			}
		}
		frames, _, err = read(big, capture.Options{Name: "x"})
		if err != nil {
			t.Errorf("%s, the other byte order: %v", k.name, err)
			continue
		}
		sameFrames(t, frames, []kept{want, want})
	}
}

// A modified pcap of one packet is read, whichever header it has.
func TestModifiedOfOnePacket(t *testing.T) {
	for _, k := range pcapKinds {
		if !strings.HasPrefix(k.name, "modified") {
			continue
		}
		file := pcapOfKind(k.head, k.first, k.second)
		file = file[:24+(len(file)-24)/2]
		if frames, _, err := read(file, capture.Options{}); err != nil || len(frames) != 1 {
			t.Errorf("%s: %d frames, %v", k.name, len(frames), err)
		}
	}
}

// Other formats are named, with the way to convert them.
func TestOtherFormats(t *testing.T) {
	etl := make([]byte, 256)
	binary.LittleEndian.PutUint32(etl, 64<<10)
	etl[0x4a], etl[0x4b] = 2, 0xc0
	for _, tt := range []struct {
		name, begins, want string
	}{
		{"x", "snoop\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x04", "Solaris snoop (RFC 1761): convert it with Wireshark's editcap -F pcap FILE NEW.pcap"},
		{"x", "GMBU\x00\x02", "Network Monitor 2"},
		{"x", "RTSS\x01\x01", "Network Monitor 1"},
		{"x", "TRSNIFF data    \x1a\x01", "Sniffer for DOS"},
		{"x", "XCP\x00\x02", "Sniffer for Windows"},
		{"x", "iptrace 2.0\x00", "AIX iptrace"},
		{"x", "HCPX\x04\x00\x00\x00", "hccapx"},
		{"x", "\x01\x00\x30\x00\x78\x56\x34\x12NetScaler V20 Performance Data\x00", "NetScaler"},
		{"x", "\x7fver\x00", "Peek"},
		{"x", "TR\x00d\x00", "HP-UX nettl"},
		{"x", string(etl), "pktmon etl2pcap FILE --out NEW.pcapng, or etl2pcapng FILE NEW.pcapng"},
		{"Trace.ETL", "\x00\x00\x01\x00 cut", "etl2pcapng"},
		{"x.erf", "\x01\x02\x03\x04\x05", "Endace ERF: convert"},
		{"x", "\xfd7zXZ\x00\x00", "xz -d FILE"},
		{"x", "BZh91AY", "bzip2 -d FILE"},
		{"x", "\x04\x22\x4d\x18\x64", "lz4 -d FILE"},
		{"x", "PK\x03\x04\x14", "a zip archive"},
		{"x", "\x89PNG\r\n", "it begins with 89 50 4e 47, as neither pcap nor pcapng does"},
	} {
		_, err := capture.NewReader(strings.NewReader(tt.begins), capture.Options{Name: tt.name})
		if !errors.Is(err, capture.ErrNotCapture) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", tt.begins[:min(8, len(tt.begins))], err, tt.want)
		}
	}
	future := strings.Replace(pcapHead, "02000400", "02000500", 1)
	if _, err := capture.NewReader(bytes.NewReader(unhex(future)), capture.Options{}); !errors.Is(err, capture.ErrMalformed) || !strings.Contains(err.Error(), "pcap version 2.5; 2.0 to 2.4 can be read: convert it with Wireshark's editcap -F pcap FILE NEW.pcap") {
		t.Errorf("%v", err)
	}
}
