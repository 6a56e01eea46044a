package capture

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// The types of pcapng's blocks that are understood; others are left out.
const (
	blockInterface  = 0x00000001
	blockPacket     = 0x00000002 // obsolete, but written once
	blockSimple     = 0x00000003
	blockStatistics = 0x00000005
	blockEnhanced   = 0x00000006
	blockSection    = 0x0a0d0d0a // the same in both byte orders
)

// byteOrderMagic is what a section says in its own byte order.
const (
	byteOrderMagic   = 0x1a2b3c4d
	byteOrderSwapped = 0x4d3c2b1a
)

// blockFrame is a block's type and length before its body and the length again
// after it, in bytes.
const blockFrame = 12

// fixed is the least length of the body of each block that is understood.
func fixed(blockType uint32) (least int, name string, ok bool) {
	switch blockType {
	case blockSection:
		return 16, "section", true
	case blockInterface:
		return 8, "interface", true
	case blockEnhanced, blockPacket:
		return 20, "packet", true
	case blockSimple:
		return 4, "simple packet", true
	case blockStatistics:
		return 12, "statistics", true
	}
	return 0, "unknown", false
}

// nextBlock reads a block. It reports whether it held a frame.
func (r *Reader) nextBlock(f *evidence.Frame) (bool, error) {
	w := &r.in
	if !w.need(blockFrame) {
		if r.atEnd() {
			return false, io.EOF
		}
		return false, r.ended(fmt.Sprintf("the %d that a block has at least", blockFrame))
	}
	blockType := r.u32(w.buf[w.pos:])
	if blockType == blockSection {
		switch r.u32(w.buf[w.pos+8:]) {
		case byteOrderMagic:
		case byteOrderSwapped:
			r.swap = !r.swap
		default:
			return false, r.malformed("a section without byte order")
		}
	}
	total := r.u32(w.buf[w.pos+4:])
	least, name, known := fixed(blockType)
	switch {
	case total < uint32(least+blockFrame):
		return false, r.malformed("%s block (type 0x%08x) of %d bytes; at least %d", name, blockType, total, least+blockFrame)
	case total%4 != 0:
		return false, r.malformed("%s block (type 0x%08x) of %d bytes, no multiple of 4", name, blockType, total)
	case !known:
		return false, r.skipBlock(total)
	case total > maxBlock:
		return false, r.malformed("%s block of %d bytes; the most is %d", name, total, maxBlock)
	}
	n := int(total)
	if !w.need(n) {
		return false, r.ended(fmt.Sprintf("the %d of a %s block", n, name))
	}
	b := w.buf[w.pos : w.pos+n : w.pos+n]
	if again := r.u32(b[n-4:]); again != total {
		return false, r.malformed("%s block of %d bytes at its begin, of %d at its end", name, total, again)
	}
	ok, err := r.block(f, blockType, b[8:n-4])
	if err != nil {
		return false, err
	}
	w.pos += n
	return ok, nil
}

// skipBlock leaves out a block of any length that nothing is known about.
func (r *Reader) skipBlock(total uint32) error {
	at := r.in.offset()
	if !r.in.skip(int64(total)-4) || !r.in.need(4) {
		if !errors.Is(r.in.err, io.EOF) {
			return r.ended("a block")
		}
		return r.fault(at, ErrTruncated, fmt.Sprintf("a block of %d bytes goes beyond the end", total))
	}
	if again := r.u32(r.in.buf[r.in.pos:]); again != total {
		return r.fault(at, ErrMalformed, fmt.Sprintf("a block of %d bytes at its begin, of %d at its end", total, again))
	}
	r.in.pos += 4
	return nil
}

// block reads the body b of a block.
func (r *Reader) block(f *evidence.Frame, blockType uint32, b []byte) (bool, error) {
	switch blockType {
	case blockEnhanced:
		return r.packet(f, r.u32(b), b)
	case blockPacket: // its interface has 16 bits; the other 16 count losses
		return r.packet(f, uint32(r.u16(b)), b)
	case blockSimple:
		return r.simplePacket(f, b)
	case blockSection:
		return false, r.section(b)
	case blockInterface:
		return false, r.describe(b)
	case blockStatistics:
		return false, r.statistics(b)
	}
	return false, nil
}

func (r *Reader) lookup(id uint32) (*iface, error) {
	if uint64(id) >= uint64(len(r.ifaces)) {
		return nil, r.malformed("interface %d is named, of %d described", id, len(r.ifaces))
	}
	return &r.ifaces[id], nil
}

// packet reads an Enhanced Packet Block, or a Packet Block, which differs in
// the interface only: interface, time stamp in two halves, captured length,
// length on the wire, data padded to 4 bytes, options.
func (r *Reader) packet(f *evidence.Frame, id uint32, b []byte) (bool, error) {
	in, err := r.lookup(id)
	if err != nil {
		return false, err
	}
	const header = 20
	stamp := uint64(r.u32(b[4:]))<<32 | uint64(r.u32(b[8:]))
	captured, length := r.u32(b[12:]), r.u32(b[16:])
	switch {
	case captured > MaxFrame:
		return false, r.malformed("a packet of %d bytes; the most is %d", captured, MaxFrame)
	case length > maxLength:
		return false, r.malformed("a packet of %d bytes on the wire; the most is %d", length, maxLength)
	case int(captured) > len(b)-header:
		return false, r.malformed("a packet of %d bytes in a block with room for %d", captured, len(b)-header)
	}
	end := header + int(captured)
	r.options = b[min((end+3)&^3, len(b)):] // the length of b is a multiple of 4
	out := false
	if len(r.options) > 0 {
		o := optionList{data: r.options, swap: r.swap}
		for o.next() {
			if o.code == optPacketFlags && len(o.value) == 4 {
				out = r.u32(o.value)&flagDirection == flagOutbound
			}
		}
		if o.bad {
			return false, r.malformed("the options of a packet do not fit into its block")
		}
	}
	if !in.link.known() {
		r.skipped++
		return false, nil
	}
	return r.frame(f, in, b[header:end:end], int(length), in.clock.at(stamp), out), nil
}

// simplePacket reads a Simple Packet Block, which has the length on the wire
// and data of the first interface, but no time and no options.
func (r *Reader) simplePacket(f *evidence.Frame, b []byte) (bool, error) {
	in, err := r.lookup(0)
	if err != nil {
		return false, err
	}
	length := r.u32(b)
	captured := length
	if in.snapLen != 0 {
		captured = min(captured, in.snapLen)
	}
	switch {
	case length > maxLength:
		return false, r.malformed("a packet of %d bytes on the wire; the most is %d", length, maxLength)
	case captured > MaxFrame:
		return false, r.malformed("a packet of %d bytes; the most is %d", captured, MaxFrame)
	case int(captured) > len(b)-4:
		return false, r.malformed("a packet of %d bytes in a block with room for %d", captured, len(b)-4)
	}
	if !in.link.known() {
		r.skipped++
		return false, nil
	}
	end := 4 + int(captured)
	return r.frame(f, in, b[4:end:end], int(length), time.Time{}, false), nil
}

// section begins a section: byte order, version, length of the section (not
// needed), options. Interfaces are numbered anew.
func (r *Reader) section(b []byte) error {
	// The standard has written 1.2 for the same layout as 1.0.
	if major, minor := r.u16(b[4:]), r.u16(b[6:]); major != 1 || minor != 0 && minor != 2 {
		return r.malformed("pcapng version %d.%d; 1.0 and 1.2 can be read", major, minor)
	}
	r.endSection()
	return nil
}

// endSection makes facts of what the section's statistics said in the end.
func (r *Reader) endSection() {
	for i := range r.ifaces {
		in := &r.ifaces[i]
		if in.lost > 0 && !in.noted {
			n := int(min(in.lost, 1<<31-1))
			r.log.Add(evidence.Lost{Interface: in.name}, in.lostAt, n, nil)
		}
	}
	r.ifaces = r.ifaces[:0]
}

// describe reads an Interface Description Block: link type, 16 unused bits,
// snap length, options.
func (r *Reader) describe(b []byte) error {
	if len(r.ifaces) == maxInterfaces {
		return r.malformed("more than %d interfaces", maxInterfaces)
	}
	in := iface{name: r.name, link: linkType(r.u16(b)), snapLen: r.u32(b[4:]), clock: decimalClock(6)}
	o := optionList{data: b[8:], swap: r.swap}
	for o.next() {
		switch {
		case o.code == optInterfaceName && len(o.value) > 0:
			in.name = text(o.value, maxName)
		case o.code == optTimeResolution && len(o.value) == 1:
			c, ok := newClock(o.value[0])
			if !ok {
				return r.malformed("an interface with time stamps of resolution 0x%02x", o.value[0])
			}
			c.offset = in.clock.offset // the options come in any order
			in.clock = c
		case o.code == optTimeOffset && len(o.value) == 8:
			in.clock.offset = int64(r.u64(o.value))
		case o.code == optFCSLength && len(o.value) == 1:
			in.fcs = int(o.value[0]) / 8
		case o.code == optComment && IsNote(o.value):
			items, err := ParseNote(o.value)
			if err != nil {
				r.setLate(r.fault(r.in.offset(), ErrNote, err.Error()))
				continue
			}
			in.noted = true
			r.remember(items)
		}
	}
	if o.bad {
		return r.malformed("the options of an interface do not fit into its block")
	}
	if !in.link.known() {
		r.setLate(r.fault(r.in.offset(), ErrLinkType, fmt.Sprintf("%v on interface %q; its packets were left out", in.link, in.name)))
	}
	r.ifaces = append(r.ifaces, in)
	return nil
}

// remember adds the facts of a note.
func (r *Reader) remember(items []evidence.Item) {
	for _, it := range items {
		r.log.Add(it.Fact, it.First, it.Count, nil)
		if it.Last.After(it.First) {
			r.log.Add(it.Fact, it.Last, 0, nil)
		}
	}
}

// statistics reads an Interface Statistics Block: interface, time stamp in two
// halves, options. Its counts are totals, so the last block holds.
func (r *Reader) statistics(b []byte) error {
	in, err := r.lookup(r.u32(b))
	if err != nil {
		return err
	}
	var lost uint64
	o := optionList{data: b[12:], swap: r.swap}
	for o.next() {
		if (o.code == optInterfaceDrops || o.code == optSystemDrops) && len(o.value) == 8 {
			lost += min(r.u64(o.value), 1<<62)
		}
	}
	if o.bad {
		return r.malformed("the options of statistics do not fit into their block")
	}
	in.lost = lost
	in.lostAt = in.clock.at(uint64(r.u32(b[4:]))<<32 | uint64(r.u32(b[8:])))
	return nil
}
