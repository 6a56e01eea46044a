package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// Reader reads the frames of one capture.
type Reader struct {
	in       window
	name     string
	expanded bool
	ng       bool
	swap     bool // the file's byte order is not little-endian
	header   int  // of a packet of a pcap file
	lengths  lengthOrder
	made     []byte // the last frame that was made of an IP packet

	ifaces  []iface // of the current section; pcap has one
	options []byte  // of the last packet
	log     evidence.Log
	skipped int
	late    error // a fault that is told when all else was read
	done    error // what Next returned last, if not a frame
}

// iface is an interface as a capture describes it.
type iface struct {
	name    string
	link    linkType
	snapLen uint32
	clock   clock
	fcs     int  // bytes of frame check sequence at the end of each packet
	noted   bool // it carries a vantage note of ours
	lost    uint64
	lostAt  time.Time
}

// NewReader finds out what r holds and reads up to the first packet of a pcap
// file, or the first bytes of a pcapng file. Input compressed with gzip, or
// with zstd where Options has a decoder, is expanded.
//
// A Reader takes what r has to give and never waits for more than the next
// frame needs, so that it can follow a growing input.
func NewReader(r io.Reader, opts Options) (*Reader, error) {
	rd := &Reader{in: window{r: r, size: opts.readSize()}, name: opts.Name, log: evidence.Log{Most: MaxFacts}}
	if err := rd.open(opts); err != nil {
		return nil, err
	}
	return rd, nil
}

func (r *Reader) open(opts Options) error {
	if !r.in.need(4) {
		return r.ended("the first 4 bytes, which say what it is")
	}
	if expand := expander(r.in.buf, opts); expand != nil {
		// The window holds the first bytes: hand them on with the rest.
		inner, err := expand(io.MultiReader(bytes.NewReader(r.in.buf[:r.in.end]), r.in.r))
		if err != nil {
			return r.fault(0, err, "")
		}
		r.in = window{r: inner, size: opts.readSize()}
		r.expanded = true
		if !r.in.need(4) {
			return r.ended("the first 4 bytes, which say what it is")
		}
	}
	magic := binary.LittleEndian.Uint32(r.in.buf)
	if magic == blockSection {
		r.ng = true
		return nil
	}
	kind, swap, ok := pcapMagic(magic)
	if !ok {
		if other := r.otherFormat(); other != "" {
			return r.fault(0, ErrNotCapture, other)
		}
		return r.fault(0, ErrNotCapture, fmt.Sprintf("it begins with % x, as neither pcap nor pcapng does", r.in.buf[:4]))
	}
	r.swap = swap
	return r.pcapHeader(kind)
}

// Next reads the next frame into *f; every field is set. It returns io.EOF
// after the last, or an *Error; after that it returns the same again.
//
// f.Data is valid until the next call. VLAN tags stay in it. The source of a Linux
// cooked capture does not record the destination address: it is all zero there, or
// the broadcast address where the capture says so much. Of a link that has no
// Ethernet frames, as PPP, the frame is an Ethernet header with both addresses zero,
// and the IP packet. f.Time is in UTC, and zero where the capture has no time for
// the packet, or one after the year 9999. Times are those in the file and may go
// backwards.
func (r *Reader) Next(f *evidence.Frame) error {
	if r.done != nil {
		return r.done
	}
	for {
		r.options = nil
		var ok bool
		var err error
		if r.ng {
			ok, err = r.nextBlock(f)
		} else {
			ok, err = r.nextPacket(f)
		}
		switch {
		case err != nil:
			r.endSection()
			if errors.Is(err, io.EOF) && r.late != nil {
				err = r.late
			}
			r.done = err
			*f = evidence.Frame{}
			return err
		case ok:
			return nil
		}
	}
}

// Comments returns the comments on the packet that Next read last, the first
// 64 of them. They come from the file: whoever shows them must escape them.
func (r *Reader) Comments() []string {
	var all []string
	for o := (optionList{data: r.options, swap: r.swap}); len(all) < maxComments && o.next(); {
		if o.code == optComment {
			all = append(all, text(o.value, maxComment))
		}
	}
	return all
}

// Facts returns what the capture itself said so far that no frame does: from
// the vantage notes of a Writer, evidence.Vantage, Listened and Lost; from other
// tools' statistics, evidence.Lost. They are whole when Next has returned an
// error.
func (r *Reader) Facts() []evidence.Item { return r.log.Items() }

// Known is the number of those facts so far; it costs nothing to ask.
func (r *Reader) Known() int { return r.log.Len() }

// Skipped is the number of packets so far that were left out as they are neither
// Ethernet frames nor hold IP in a way that is known.
func (r *Reader) Skipped() int { return r.skipped }

// fault makes an error of a kind, at an offset.
func (r *Reader) fault(at int64, kind error, detail string) error {
	return &Error{Name: r.name, Offset: at, Expanded: r.expanded, Detail: detail, Err: kind}
}

// malformed is the fault of the header, packet or block that comes next.
func (r *Reader) malformed(format string, args ...any) error {
	return r.fault(r.in.offset(), ErrMalformed, fmt.Sprintf(format, args...))
}

// ended is the fault of an input that ends before the whole of what.
func (r *Reader) ended(what string) error {
	if r.in.err != nil && !errors.Is(r.in.err, io.EOF) && !errors.Is(r.in.err, io.ErrUnexpectedEOF) {
		return r.fault(r.in.offset()+int64(r.in.left()), r.in.err, "")
	}
	detail := fmt.Sprintf("%d bytes are there of %s", r.in.left(), what)
	if r.in.offset() == 0 && r.in.left() == 0 && !r.expanded {
		detail = "it is empty"
	}
	if errors.Is(r.in.err, io.ErrUnexpectedEOF) {
		detail += "; the compressed data end too early"
	}
	return r.fault(r.in.offset(), ErrTruncated, detail)
}

// atEnd reports whether the input ends here, between two packets or blocks.
func (r *Reader) atEnd() bool { return r.in.left() == 0 && errors.Is(r.in.err, io.EOF) }

// setLate keeps the first fault that does not end the reading.
func (r *Reader) setLate(err error) {
	if r.late == nil {
		r.late = err
	}
}

func (r *Reader) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if r.swap {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (r *Reader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.swap {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *Reader) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if r.swap {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// frame fills *f from a packet's bytes, which it may change. It reports whether
// the packet is an Ethernet frame, or can be made one.
func (r *Reader) frame(f *evidence.Frame, in *iface, data []byte, length int, at time.Time, out bool) bool {
	length = max(length, len(data))
	if in.fcs > 0 {
		length = max(length-in.fcs, 0)
		data = data[:min(len(data), length)]
	}
	if in.link != linkEthernet {
		var p linkPacket
		var ok bool
		if p, ok = in.link.packet(data, length); !ok {
			r.skipped++
			return false
		}
		if data, length = p.frame, p.wire; data == nil {
			data = p.ethernet(r.made[:0])
			r.made, length = data, p.wire+etherHeader
		}
		out = out || p.out
	}
	f.Time = at
	f.Data = data
	f.Length = length
	f.VLAN = 0
	f.Place = in.name
	f.Out = out
	f.Unsummed = false
	return true
}
