package capture

import (
	"fmt"
	"io"
	"math/bits"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// The sizes of pcap's headers, in bytes.
const (
	pcapFileHeader   = 24
	pcapPacketHeader = 16
)

// pcapKind is a kind of pcap file, as far as its first four bytes tell it.
type pcapKind struct {
	exponent int // of ten: the resolution of times
	modified bool
	ixia     bool // four bytes more in the file header: how much follows
}

// pcapMagic tells a pcap file by its first four bytes, read as little-endian, and
// its byte order. Beside the two of the format there are those of Alexey Kuznetsov's
// libpcap, as home routers have it, and of Ixia's (Wireshark, wiretap/libpcap.h).
func pcapMagic(magic uint32) (kind pcapKind, swap, ok bool) {
	for _, swap := range [...]bool{false, true} {
		switch magic {
		case 0xa1b2c3d4:
			return pcapKind{exponent: 6}, swap, true
		case 0xa1b23c4d:
			return pcapKind{exponent: 9}, swap, true
		case 0xa1b2cd34:
			return pcapKind{exponent: 6, modified: true}, swap, true
		case 0x1c0001ab:
			return pcapKind{exponent: 6, ixia: true}, swap, true
		case 0x1c0001ac:
			return pcapKind{exponent: 9, ixia: true}, swap, true
		}
		magic = bits.ReverseBytes32(magic)
	}
	return pcapKind{}, false, false
}

// lengthOrder says which of a packet's two lengths comes first. Before version 2.3
// that on the wire did, and some files of 2.3 still have it so (pcap-savefile(5),
// libpcap's sf-pcap.c).
type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	capturedLess              // the lesser one is that captured
	wireFirst
)

// pcapHeader reads the header of a pcap file: magic, version, two unused words,
// snap length, link type.
func (r *Reader) pcapHeader(kind pcapKind) error {
	whole := pcapFileHeader
	if kind.ixia {
		whole += 4
	}
	if !r.in.need(whole) {
		return r.ended(fmt.Sprintf("the %d of the file header", whole))
	}
	b := r.in.buf[:whole]
	// The link type is the lower half; of the upper, four bits are the length of
	// the frame check sequence in units of 16 bits, where the bit below says so.
	link := r.u32(b[20:])
	switch major, minor := r.u16(b[4:]), r.u16(b[6:]); {
	case major == 2 && minor == 2 && link == aixEthernet:
		// AIX has numbers of its own for links, and times in nanoseconds.
		link, kind.exponent, r.lengths = uint32(linkEthernet), 9, wireFirst
	case major == 2 && minor < 3, major == 543 && minor == 0: // the latter is DG/UX
		r.lengths = wireFirst
	case major == 2 && minor == 3:
		r.lengths = capturedLess
	case major == 2 && minor == 4:
	default:
		return r.malformed("pcap version %d.%d; 2.0 to 2.4 can be read: %s", major, minor, convertIt)
	}
	in := iface{name: r.name, snapLen: r.u32(b[16:]), clock: decimalClock(kind.exponent)}
	in.link = linkType(link & 0xffff)
	if link&0x04000000 != 0 {
		in.fcs = int(link>>28) * 2
	}
	if !in.link.known() {
		return r.fault(20, ErrLinkType, in.link.String())
	}
	r.ifaces = []iface{in}
	r.in.pos += whole
	r.header = pcapPacketHeader
	if kind.modified {
		r.header = r.modifiedHeader()
	}
	return nil
}

// aixEthernet is Ethernet in the pcap files of AIX, by the numbers of RFC 1573.
const aixEthernet = 6

// The packet headers of the modified pcap: eight bytes more than usual (interface,
// protocol, packet type), and in one version of it four more (Wireshark,
// wiretap/libpcap.h).
const (
	modifiedHeader = pcapPacketHeader + 8
	olderModified  = pcapPacketHeader + 12
)

// modifiedHeader finds out which of the two packet headers a modified pcap has, by
// the one with which the first packets make sense.
func (r *Reader) modifiedHeader() int {
	if r.fits(modifiedHeader) >= r.fits(olderModified) {
		return modifiedHeader
	}
	return olderModified
}

// fits counts the packets of the first ones that make sense with headers of a
// length, up to four. Nothing is used up.
func (r *Reader) fits(header int) int {
	const most = 4
	n, at := 0, 0
	for n < most {
		if !r.in.need(at + header) {
			if r.in.left() == at { // it ends where a packet does
				n = most
			}
			break
		}
		h := r.in.buf[r.in.pos+at:]
		frac, captured, length, index := r.u32(h[4:]), r.u32(h[8:]), r.u32(h[12:]), r.u32(h[16:])
		if frac >= 1e6 || captured > MaxFrame || length > maxLength || captured > length || length == 0 || index > 1<<16 {
			break
		}
		n++
		at += header + int(captured)
	}
	return n
}

// nextPacket reads a packet of a pcap file. It reports false for one that is no
// Ethernet frame.
func (r *Reader) nextPacket(f *evidence.Frame) (bool, error) {
	w := &r.in
	if !w.need(r.header) {
		if r.atEnd() {
			return false, io.EOF
		}
		return false, r.ended(fmt.Sprintf("the %d of a packet's header", r.header))
	}
	h := w.buf[w.pos : w.pos+r.header]
	sec, frac, captured, length := r.u32(h), r.u32(h[4:]), r.u32(h[8:]), r.u32(h[12:])
	if r.lengths == wireFirst || r.lengths == capturedLess && captured > length {
		captured, length = length, captured
	}
	switch {
	case captured > MaxFrame:
		return false, r.malformed("a packet of %d bytes; the most is %d", captured, MaxFrame)
	case length > maxLength:
		return false, r.malformed("a packet of %d bytes on the wire; the most is %d", length, maxLength)
	case sec|frac|captured|length == 0:
		// Disks leave such ends when the machine went down; and a bomb of zeros
		// would be a packet every 16 bytes.
		return false, r.malformed("a packet header of zeros: the file was not written to its end")
	}
	whole := r.header + int(captured)
	if !w.need(whole) {
		return false, r.ended(fmt.Sprintf("the %d of a packet with its header", whole))
	}
	data := w.buf[w.pos+r.header : w.pos+whole : w.pos+whole]
	w.pos += whole
	in := &r.ifaces[0]
	return r.frame(f, in, data, int(length), in.clock.at2(sec, frac), false), nil
}
