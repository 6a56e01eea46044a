package capture

import (
	"fmt"
	"io"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// The sizes of pcap's headers, in bytes.
const (
	pcapFileHeader   = 24
	pcapPacketHeader = 16
)

// pcapMagic tells a pcap file by its first four bytes, read as little-endian:
// the resolution of its times, as exponent of ten, and its byte order.
func pcapMagic(magic uint32) (exponent int, swap, ok bool) {
	switch magic {
	case 0xa1b2c3d4:
		return 6, false, true
	case 0xd4c3b2a1:
		return 6, true, true
	case 0xa1b23c4d:
		return 9, false, true
	case 0x4d3cb2a1:
		return 9, true, true
	}
	return 0, false, false
}

// pcapHeader reads the header of a pcap file: magic, version, two unused words,
// snap length, link type.
func (r *Reader) pcapHeader(exponent int) error {
	if !r.in.need(pcapFileHeader) {
		return r.ended(fmt.Sprintf("the %d of the file header", pcapFileHeader))
	}
	b := r.in.buf[:pcapFileHeader]
	if major, minor := r.u16(b[4:]), r.u16(b[6:]); major != 2 || minor != 4 {
		return r.malformed("pcap version %d.%d; 2.4 can be read", major, minor)
	}
	in := iface{name: r.name, snapLen: r.u32(b[16:]), clock: decimalClock(exponent)}
	// The link type is the lower half; of the upper, four bits are the length of
	// the frame check sequence in units of 16 bits, where the bit below says so.
	link := r.u32(b[20:])
	in.link = linkType(link & 0xffff)
	if link&0x04000000 != 0 {
		in.fcs = int(link>>28) * 2
	}
	if !in.link.known() {
		return r.fault(20, ErrLinkType, in.link.String())
	}
	r.ifaces = []iface{in}
	r.in.pos += pcapFileHeader
	return nil
}

// nextPacket reads a packet of a pcap file. It reports false for one that is no
// Ethernet frame.
func (r *Reader) nextPacket(f *evidence.Frame) (bool, error) {
	w := &r.in
	if !w.need(pcapPacketHeader) {
		if r.atEnd() {
			return false, io.EOF
		}
		return false, r.ended(fmt.Sprintf("the %d of a packet's header", pcapPacketHeader))
	}
	h := w.buf[w.pos : w.pos+pcapPacketHeader]
	sec, frac, captured, length := r.u32(h), r.u32(h[4:]), r.u32(h[8:]), r.u32(h[12:])
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
	whole := pcapPacketHeader + int(captured)
	if !w.need(whole) {
		return false, r.ended(fmt.Sprintf("the %d of a packet with its header", whole))
	}
	data := w.buf[w.pos+pcapPacketHeader : w.pos+whole : w.pos+whole]
	w.pos += whole
	in := &r.ifaces[0]
	return r.frame(f, in, data, int(length), in.clock.at2(sec, frac), false), nil
}
