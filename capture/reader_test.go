package capture_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// A packet of 18 bytes, of 60 on the wire, in each of pcap's four forms
// (draft-ietf-opsawg-pcap, sections 4 and 5), at 2023-11-14T22:13:20 and a part.
var pcapForms = map[string]string{
	"little-endian, microseconds": `
		d4 c3 b2 a1  # magic
		02 00 04 00  # version 2.4
		00 00 00 00  00 00 00 00  # unused
		ff ff 00 00  # snap length
		01 00 00 00  # Ethernet
		00 f1 53 65  # 1700000000 s
		40 e2 01 00  # 123456 us
		12 00 00 00  3c 00 00 00  # 18 bytes of 60` + packet18,
	"big-endian, microseconds": `
		a1 b2 c3 d4  00 02 00 04  00 00 00 00  00 00 00 00  00 00 ff ff  00 00 00 01
		65 53 f1 00  00 01 e2 40  00 00 00 12  00 00 00 3c` + packet18,
	"little-endian, nanoseconds": `
		4d 3c b2 a1  02 00 04 00  00 00 00 00  00 00 00 00  ff ff 00 00  01 00 00 00
		00 f1 53 65
		00 ca 5b 07  # 123456000 ns
		12 00 00 00  3c 00 00 00` + packet18,
	"big-endian, nanoseconds": `
		a1 b2 3c 4d  00 02 00 04  00 00 00 00  00 00 00 00  00 00 ff ff  00 00 00 01
		65 53 f1 00  07 5b ca 00  00 00 00 12  00 00 00 3c` + packet18,
}

const packet18 = `
	ff ff ff ff ff ff  02 00 00 00 00 09  # to all, from a host
	81 00 00 3f 08 06                     # VLAN 63, ARP`

var packet18Hex = hex.EncodeToString(unhex(packet18))

func TestPcapForms(t *testing.T) {
	want := []kept{{at: "2023-11-14T22:13:20.123456Z", data: packet18Hex, length: 60, place: "x.pcap"}}
	for name, text := range pcapForms {
		t.Run(name, func(t *testing.T) {
			got, _, err := read(unhex(text), capture.Options{Name: "x.pcap"})
			if err != nil {
				t.Fatal(err)
			}
			sameFrames(t, got, want)
		})
	}
}

// Headers of pcap files and sections that the rows below use.
const (
	pcapHead = `d4c3b2a1 02000400 00000000 00000000 ffff0000 01000000`

	ngHead = `
		0a0d0d0a 1c000000  4d3c2b1a  # section of 28 bytes, little-endian
		0100 0000                    # version 1.0
		ffffffffffffffff             # length: not said
		1c000000`
	ngEther = `
		01000000 14000000  # interface of 20 bytes
		0100 0000 00000000 # Ethernet, no snap length; times in microseconds
		14000000`
	// 4 bytes of 60, at 1700000000.123456
	ngPacket = `
		06000000 24000000  # packet of 36 bytes
		00000000           # interface 0
		240a0600 40222018  # 0x60a2418202240 us
		04000000 3c000000  # 4 bytes of 60
		deadbeef
		24000000`
)

// Each row is one trait of a file and what must be read of it.
func TestReader(t *testing.T) {
	const at = "2023-11-14T22:13:20.123456Z"
	plain := kept{at: at, data: "deadbeef", length: 60, place: "x"}
	named := plain
	named.place = "eth0"
	tests := []struct {
		name string
		file string
		want []kept
	}{
		{"pcap: no packet", pcapHead, nil},
		{"pcap: an empty packet, with a time", pcapHead + `00f15365 40e20100 00000000 3c000000`,
			[]kept{{at: at, length: 60, place: "x"}}},
		{"pcap: no time, so none is made up", pcapHead + `00000000 00000000 04000000 3c000000 deadbeef`,
			[]kept{{data: "deadbeef", length: 60, place: "x"}}},
		{"pcap: microseconds beyond the second run over", pcapHead + `fff05365 80a53700 04000000 3c000000 deadbeef`, // 3.65 s
			[]kept{{at: "2023-11-14T22:13:22.646848Z", data: "deadbeef", length: 60, place: "x"}}},
		{"pcap: after 2038 the seconds are not negative", pcapHead + `ffffffff 00000000 04000000 3c000000 deadbeef`,
			[]kept{{at: "2106-02-07T06:28:15Z", data: "deadbeef", length: 60, place: "x"}}},
		{"pcap: a packet longer than the snap length, as some writers make", strings.Replace(pcapHead, "ffff0000", "02000000", 1) + `00f15365 40e20100 04000000 3c000000 deadbeef`,
			[]kept{plain}},
		{"pcap: less on the wire than captured", pcapHead + `00f15365 40e20100 04000000 02000000 deadbeef`,
			[]kept{{at: at, data: "deadbeef", length: 4, place: "x"}}},
		{"pcap: the link type says a frame check sequence of 2 x 16 bits", `d4c3b2a1 02000400 00000000 00000000 ffff0000 01000024` +
			`00f15365 40e20100 06000000 06000000 deadbeef cccc` + // all of 6 bytes: 4 of them are check
			`00f15365 40e20100 04000000 3c000000 deadbeef`, // cut: the check was not captured
			[]kept{{at: at, data: "dead", length: 2, place: "x"}, {at: at, data: "deadbeef", length: 56, place: "x"}}},

		{"pcapng: a section without interface", ngHead, nil},
		{"pcapng: a packet", ngHead + ngEther + ngPacket, []kept{plain}},
		{"pcapng: version 1.2 is 1.0", strings.Replace(ngHead, "0100 0000 ", "0100 0200 ", 1) + ngEther + ngPacket, []kept{plain}},
		{"pcapng: big-endian, with an outbound packet and comments", ngBig,
			[]kept{{at: at, data: "deadbe", length: 60, place: "eth0", out: true, comments: "one|two"}}},
		{"pcapng: an inbound packet; options that end without saying so", ngHead + ngEther + `
			06000000 30000000 00000000 240a0600 40222018 04000000 3c000000 deadbeef
				0200 0400 01000000  # epb_flags: inbound
				ffff 0000           # an option that nobody knows, empty
				30000000`, []kept{plain}},
		{"pcapng: two interfaces, the second in nanoseconds, and named", ngHead + ngEther + `
			01000000 28000000 0100 0000 00000000
				0200 0400 65746830  # if_name "eth0"
				0900 0100 09000000  # if_tsresol 10^-9
				0000 0000
				28000000
			06000000 24000000 01000000 fe9c9717 00ca853d 04000000 3c000000 deadbeef 24000000` + ngPacket,
			[]kept{named, plain}},
		{"pcapng: units of 2^-20 s, moved by -1 s", ngHead + `
			01000000 2c000000 0100 0000 00000000
				0e00 0800 ffffffffffffffff  # if_tsoffset -1
				0900 0100 94000000          # if_tsresol 2^-20
				0000 0000
				2c000000
			06000000 24000000 00000000 15400600 00001800 04000000 3c000000 deadbeef 24000000`,
			// 0x64015_00180000 >> 20 = 1677807617 s, and half a second
			[]kept{{at: "2023-03-03T01:40:16.5Z", data: "deadbeef", length: 60, place: "x"}}},
		{"pcapng: a frame check sequence of 32 bits is cut off", ngHead + `
			01000000 20000000 0100 0000 00000000
				0d00 0100 20000000  # if_fcslen 32
				0000 0000
				20000000
			06000000 28000000 00000000 240a0600 40222018 06000000 06000000 deadbeefcccc 0000 28000000`,
			[]kept{{at: at, data: "dead", length: 2, place: "x"}}},
		{"pcapng: a second section numbers interfaces anew and may turn the byte order", ngHead + ngEther + ngPacket + ngBig,
			[]kept{plain, {at: at, data: "deadbe", length: 60, place: "eth0", out: true, comments: "one|two"}}},
		{"pcapng: simple packets have no time; the snap length cuts them", ngHead + `
			01000000 14000000 0100 0000 02000000 14000000  # snap length 2
			03000000 14000000 3c000000 dead 0000 14000000  # 60 bytes on the wire`,
			[]kept{{data: "dead", length: 60, place: "x"}}},
		{"pcapng: the obsolete packet block", ngHead + ngEther + `
			02000000 24000000
			0000 ffff  # interface 0, losses not known
			240a0600 40222018 04000000 3c000000 deadbeef 24000000`, []kept{plain}},
		{"pcapng: blocks that nobody knows are left out", ngHead + `
			ad0b0000 14000000 0102030405060708 14000000` + ngEther + `0a000000 0c000000 0c000000` + ngPacket, []kept{plain}},
		{"pcapng: a time beyond the year 9999 is none", ngHead + ngEther + strings.Replace(ngPacket, "240a0600", "ffffffff", 1),
			[]kept{{data: "deadbeef", length: 60, place: "x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := unhex(tt.file)
			got, _, err := read(file, capture.Options{Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			sameFrames(t, got, tt.want)

			// Whatever size the pieces are that a pipe gives.
			r, err := capture.NewReader(iotest.OneByteReader(bytes.NewReader(file)), capture.Options{Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			var f evidence.Frame
			for i, want := range tt.want {
				if err := r.Next(&f); err != nil || hex.EncodeToString(f.Data) != want.data {
					t.Fatalf("in pieces: frame %d: %x, %v", i, f.Data, err)
				}
			}
			if err := r.Next(&f); !errors.Is(err, io.EOF) {
				t.Errorf("in pieces: %v at the end", err)
			}
		})
	}
}

// ngBig is a big-endian section with one interface, eth0, and one packet.
const ngBig = `
	0a0d0d0a 0000001c  1a2b3c4d  0001 0000  ffffffffffffffff  0000001c
	00000001 0000001c  0001 0000 00000000
		0002 0004 65746830  # if_name "eth0"
		0000001c
	00000006 00000040  00000000  00060a24 18202240  00000003 0000003c
		deadbe 00
		0001 0003 6f6e65 00  # opt_comment "one"
		0002 0004 00000002   # epb_flags: outbound
		0001 0003 74776f 00  # opt_comment "two"
		0000 0000
		00000040  # 28 to the data, 4 of data, 8 + 8 + 8 + 4 of options, 4 for the length`

// A fault names its kind and the byte where it stands; what came before it was
// read.
func TestReaderFaults(t *testing.T) {
	whole := len(unhex(ngHead + ngEther)) // 48
	tests := []struct {
		name   string
		file   string
		frames int
		kind   error
		offset int
		says   string
	}{
		{"nothing", ``, 0, capture.ErrTruncated, 0, "it is empty"},
		{"text", `6e6f2063 61707475 7265`, 0, capture.ErrNotCapture, 0, "6e 6f 20 63"},
		{"pcap: cut in its header", pcapHead[:20], 0, capture.ErrTruncated, 0, "9 bytes are there of the 24"},
		{"pcap: a version that never was", strings.Replace(pcapHead, "02000400", "02000500", 1), 0, capture.ErrMalformed, 0, "version 2.5"},
		{"pcap: another link type", strings.Replace(pcapHead, "01000000", "7f000000", 1), 0, capture.ErrLinkType, 20, "link type 127 (IEEE 802.11 with radiotap)"},
		{"pcap: a link type without a name", strings.Replace(pcapHead, "01000000", "93000000", 1), 0, capture.ErrLinkType, 20, "link type 147"},
		{"pcap: cut in a packet's header", pcapHead + `00f15365 40e20100 04000000 3c0000`, 0, capture.ErrTruncated, 24, "15 bytes are there of the 16"},
		{"pcap: cut after a packet's header", pcapHead + `00f15365 40e20100 04000000 3c000000`, 0, capture.ErrTruncated, 24, "16 bytes are there of the 20"},
		{"pcap: cut in the second packet", pcapHead + `00f15365 40e20100 04000000 3c000000 deadbeef` + `00f15365 40e20100 04000000 3c000000 dead`,
			1, capture.ErrTruncated, 44, "18 bytes are there of the 20"},
		{"pcap: a packet of 4 GiB", pcapHead + `00f15365 40e20100 ffffffff ffffffff`, 0, capture.ErrMalformed, 24, "a packet of 4294967295 bytes"},
		{"pcap: a packet of one byte too many", pcapHead + `00f15365 40e20100 01000400 01000400`, 0, capture.ErrMalformed, 24, "a packet of 262145 bytes"},
		{"pcap: 4 GiB on the wire", pcapHead + `00f15365 40e20100 04000000 ffffffff deadbeef`, 0, capture.ErrMalformed, 24, "4294967295 bytes on the wire"},
		{"pcap: an end of zeros", pcapHead + `00f15365 40e20100 04000000 3c000000 deadbeef` + strings.Repeat("00", 64), 1, capture.ErrMalformed, 44, "zeros"},

		{"pcapng: cut in the section's header", ngHead[:24], 0, capture.ErrTruncated, 0, "of the 12 that a block has at least"},
		{"pcapng: a section without byte order", strings.Replace(ngHead, "4d3c2b1a", "00000000", 1), 0, capture.ErrMalformed, 0, "without byte order"},
		{"pcapng: a version to come", strings.Replace(ngHead, "0100 0000 ", "0200 0000 ", 1), 0, capture.ErrMalformed, 0, "version 2.0"},
		{"pcapng: an interface block of length zero", ngHead + `01000000 00000000 01000000 00000000`, 0, capture.ErrMalformed, 28, "interface block (type 0x00000001) of 0 bytes; at least 20"},
		{"pcapng: an interface block with no body", ngHead + `01000000 0c000000 0c000000`, 0, capture.ErrMalformed, 28, "interface block (type 0x00000001) of 12 bytes"},
		{"pcapng: zeros", ngHead + ngEther + ngPacket + strings.Repeat("00", 40), 1, capture.ErrMalformed, whole + 36, "unknown block (type 0x00000000) of 0 bytes"},
		{"pcapng: a length that is no multiple of 4", ngHead + ngEther + `06000000 25000000` + strings.Repeat("00", 29), 0, capture.ErrMalformed, whole, "no multiple of 4"},
		{"pcapng: a packet block of 4 GiB", ngHead + ngEther + `06000000 fcffffff 00000000`, 0, capture.ErrMalformed, whole, "packet block of 4294967292 bytes"},
		{"pcapng: an unknown block of 4 GiB", ngHead + ngEther + `ad0b0000 fcffffff 00000000`, 0, capture.ErrTruncated, whole, "a block of 4294967292 bytes goes beyond the end"},
		{"pcapng: two lengths that differ", ngHead + ngEther + ngPacket[:len(ngPacket)-8] + `28000000`, 0, capture.ErrMalformed, whole, "36 bytes at its begin, of 40 at its end"},
		{"pcapng: two lengths of an unknown block that differ", ngHead + `ad0b0000 10000000 00000000 14000000`, 0, capture.ErrMalformed, 28, "16 bytes at its begin, of 20 at its end"},
		{"pcapng: a packet longer than its block", ngHead + ngEther + strings.Replace(ngPacket, "04000000 3c", "05000000 3c", 1), 0, capture.ErrMalformed, whole, "5 bytes in a block with room for 4"},
		{"pcapng: a packet of 4 GiB in a small block", ngHead + ngEther + strings.Replace(ngPacket, "04000000 3c", "ffffffff 3c", 1), 0, capture.ErrMalformed, whole, "a packet of 4294967295 bytes"},
		{"pcapng: a packet of an interface that was not described", ngHead + ngPacket, 0, capture.ErrMalformed, 28, "interface 0 is named, of 0 described"},
		{"pcapng: a simple packet before any interface", ngHead + `03000000 10000000 00000000 10000000`, 0, capture.ErrMalformed, 28, "interface 0"},
		{"pcapng: statistics of an interface that was not described", ngHead + ngEther + `05000000 18000000 01000000 00000000 00000000 18000000`, 0, capture.ErrMalformed, whole, "interface 1 is named, of 1"},
		{"pcapng: an option beyond its block", ngHead + ngEther + `
			06000000 28000000 00000000 240a0600 40222018 04000000 3c000000 deadbeef 0100 0400 28000000`, 0, capture.ErrMalformed, whole, "options of a packet"},
		{"pcapng: an interface's option beyond its block", ngHead + `01000000 18000000 0100 0000 00000000 0200 ffff 18000000`, 0, capture.ErrMalformed, 28, "options of an interface"},
		{"pcapng: units of 10^-20 s", ngHead + `01000000 1c000000 0100 0000 00000000 0900 0100 14000000 1c000000`, 0, capture.ErrMalformed, 28, "resolution 0x14"},
		{"pcapng: units of 2^-64 s", ngHead + `01000000 1c000000 0100 0000 00000000 0900 0100 c0000000 1c000000`, 0, capture.ErrMalformed, 28, "resolution 0xc0"},
		{"pcapng: cut in a block", ngHead + ngEther + ngPacket + ngPacket[:100], 1, capture.ErrTruncated, whole + 36, "of the 36 of a packet block"},
		{"pcapng: an interface of another link; the other is read", ngHead + `01000000 14000000 dc00 0000 00000000 14000000` + ngEther +
			strings.Replace(ngPacket, "00000000           #", "01000000 #", 1) + ngPacket, 1, capture.ErrLinkType, 28, `link type 220 (USB on Linux) on interface "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, r, err := read(unhex(tt.file), capture.Options{Name: "x"})
			if len(frames) != tt.frames {
				t.Errorf("%d frames, want %d", len(frames), tt.frames)
			}
			var fault *capture.Error
			if !errors.As(err, &fault) || !errors.Is(err, tt.kind) {
				t.Fatalf("error %v, want %v", err, tt.kind)
			}
			if fault.Offset != int64(tt.offset) || fault.Name != "x" {
				t.Errorf("at byte %d of %q, want %d: %v", fault.Offset, fault.Name, tt.offset, err)
			}
			if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q does not say %q in one line", err, tt.says)
			}
			if r != nil {
				var f evidence.Frame
				if again := r.Next(&f); !errors.Is(again, err) {
					t.Errorf("after the error: %v", again)
				}
			}
		})
	}
}

// The error of the reader beneath is told, with the place where it came.
func TestReaderError(t *testing.T) {
	broken := errors.New("input/output error")
	for _, file := range []string{pcapHead, ngHead, ngHead + `ad0b0000 00010000 00000000`} {
		b := unhex(file)
		r, err := capture.NewReader(io.MultiReader(bytes.NewReader(b), iotest.ErrReader(broken)), capture.Options{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		var f evidence.Frame
		err = r.Next(&f)
		var fault *capture.Error
		if !errors.Is(err, broken) || !errors.As(err, &fault) || fault.Offset != int64(len(b)) {
			t.Errorf("after %d bytes: %v", len(b), err)
		}
	}
	r, err := capture.NewReader(io.MultiReader(bytes.NewReader(unhex(pcapHead)), stuck{}), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Next(new(evidence.Frame)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// A claimed length costs no memory.
func TestReaderClaims(t *testing.T) {
	for _, file := range []string{
		pcapHead + `00f15365 40e20100 ffffffff ffffffff`,
		ngHead + ngEther + `06000000 fcffffff 00000000`,
		ngHead + ngEther + `ad0b0000 fcffffff 00000000`,
	} {
		b := unhex(file)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := read(b, capture.Options{}); err == nil {
			t.Fatal("no error")
		}
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		if got > 300<<10 {
			t.Errorf("%d KiB allocated for a file of %d bytes", got>>10, len(b))
		}
	}
}

// Reading allocates nothing per frame, also with options on each packet.
func TestReaderAllocations(t *testing.T) {
	for _, name := range []string{"pcap", "pcapng"} {
		r, err := capture.NewReader(bytes.NewReader(small(name)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var f evidence.Frame
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(1000, func() {
			if err := r.Next(&f); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per frame", name, n)
		}
	}
}

// A follower gets each frame as soon as its bytes are there.
func TestReaderDoesNotWait(t *testing.T) {
	pr, pw := io.Pipe()
	defer pw.Close()
	wrote := make(chan error, 1)
	more := make(chan struct{})
	go func() {
		_, err := pw.Write(unhex(ngHead + ngEther + ngPacket))
		<-more // until the frame was read; nothing else comes before
		if err == nil {
			_, err = pw.Write(unhex(ngPacket))
		}
		wrote <- errors.Join(err, pw.Close())
	}()
	r, err := capture.NewReader(pr, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var f evidence.Frame
	for i := range 2 {
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			close(more)
		}
	}
	if err := r.Next(&f); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// Comments are valid UTF-8 and not without number, whatever the file says.
func TestReaderComments(t *testing.T) {
	options := strings.Repeat(`0100 0200 ff41 0000`, 100)
	file := fmt.Sprintf("%s %s 06000000 %s 00000000 240a0600 40222018 04000000 3c000000 deadbeef %s %[3]s",
		ngHead, ngEther, "44030000", options) // 8 + 20 + 4 + 800 + 4 bytes
	frames, _, err := read(unhex(file), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSuffix(strings.Repeat("\ufffdA|", 64), "|"); frames[0].comments != want {
		t.Errorf("comments %q", frames[0].comments)
	}
}
