package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// flushAt is how many bytes a Writer gathers before it writes them.
const flushAt = 64 << 10

// Writer writes frames as a pcapng file of one section: little-endian, times in
// nanoseconds, an interface for each Place that frames come from.
type Writer struct {
	w      io.Writer
	buf    []byte
	places map[string]uint32 // the number of the interface of each place
	ifaces int               // how many interfaces were described
	err    error             // of w
}

// NewWriter begins a file. tool is the program that writes it, with its
// version. facts are what is known besides the frames: each interface that they
// are about is described at once, with a vantage note of its Vantage, Listened
// and Lost facts (see AppendNote). Facts of other kinds are left out, so that a
// log's items can be given as they are.
//
// Nothing is sure to be written before Flush.
func NewWriter(w io.Writer, tool string, facts []evidence.Item) (*Writer, error) {
	if len(tool) > maxName {
		return nil, fmt.Errorf("capture: a tool's name of %d bytes; the most is %d", len(tool), maxName)
	}
	wr := &Writer{w: w, places: make(map[string]uint32)}
	start := wr.begin(blockSection)
	b := binary.LittleEndian.AppendUint32(wr.buf, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, 1) // version 1.0
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, math.MaxUint64) // length of the section: not said
	if tool != "" {
		b = appendOption(b, optTool, strings.ToValidUTF8(tool, "\ufffd"))
		b = appendOption(b, optEnd, "")
	}
	wr.end(b, start)

	var order []string
	byPlace := make(map[string][]evidence.Item)
	for _, it := range facts {
		name, word := noteWord(it.Fact)
		if word == "" {
			continue
		}
		if _, seen := byPlace[name]; !seen {
			order = append(order, name)
		}
		byPlace[name] = append(byPlace[name], it)
	}
	for _, name := range order {
		for items := range slices.Chunk(byPlace[name], notesEach*noteItems) {
			var notes []string
			for some := range slices.Chunk(items, noteItems) {
				note, err := AppendNote(nil, name, some)
				if err != nil {
					return nil, err
				}
				notes = append(notes, string(note))
			}
			if _, err := wr.describe(name, notes...); err != nil {
				return nil, err
			}
		}
	}
	return wr, nil
}

// An item's line in a note has less than 300 bytes: so many fit in a note, and so
// many notes in a block.
const (
	noteItems = 200
	notesEach = 8
)

// begin starts a block and returns where it starts.
func (w *Writer) begin(blockType uint32) int {
	start := len(w.buf)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, blockType)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, 0) // the length, by end
	return start
}

// end closes the block that starts at start of b, which is w.buf extended.
func (w *Writer) end(b []byte, start int) {
	total := uint32(len(b) - start + 4)
	binary.LittleEndian.PutUint32(b[start+4:], total)
	w.buf = binary.LittleEndian.AppendUint32(b, total)
}

// describe writes an Interface Description Block.
func (w *Writer) describe(name string, notes ...string) (uint32, error) {
	if w.ifaces == maxInterfaces {
		return 0, fmt.Errorf("capture: more than %d interfaces", maxInterfaces)
	}
	if len(name) > maxName {
		return 0, fmt.Errorf("capture: an interface name of %d bytes; the most is %d", len(name), maxName)
	}
	start := w.begin(blockInterface)
	b := binary.LittleEndian.AppendUint16(w.buf, uint16(linkEthernet))
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, 0) // snap length: none
	if name != "" {
		b = appendOption(b, optInterfaceName, strings.ToValidUTF8(name, "\ufffd"))
	}
	b = appendOption(b, optTimeResolution, "\x09")
	for _, note := range notes {
		b = appendOption(b, optComment, note)
	}
	b = appendOption(b, optEnd, "")
	w.end(b, start)
	id := uint32(w.ifaces)
	w.ifaces++
	w.places[name] = id
	return id, nil
}

// Write adds a frame with comments on it, which Wireshark shows with the
// packet. A VLAN tag that was taken off (Frame.VLAN) is put back into the frame
// as an IEEE 802.1Q tag; its priority bits are not known and zero. A frame
// without a time, or with one outside 1970 to 2261, is written with time zero.
func (w *Writer) Write(f *evidence.Frame, comments ...string) error {
	if w.err != nil {
		return w.err
	}
	const tag = 4
	data, length := f.Data, max(f.Length, len(f.Data))
	if len(data) > MaxFrame-tag {
		return fmt.Errorf("capture: a frame of %d bytes; the most is %d", len(data), MaxFrame-tag)
	}
	if length > maxLength-tag {
		return fmt.Errorf("capture: a frame of %d bytes on the wire; the most is %d", length, maxLength-tag)
	}
	if len(comments) > maxComments {
		return fmt.Errorf("capture: %d comments on one frame; the most is %d", len(comments), maxComments)
	}
	room := maxBlock - MaxFrame - 64
	for i := range comments {
		if room -= len(comments[i]) + 8; len(comments[i]) > maxComment || room < 0 {
			return fmt.Errorf("capture: comment %d, of %d bytes, does not fit on a frame", i+1, len(comments[i]))
		}
	}
	id, ok := w.places[f.Place]
	if !ok {
		var err error
		if id, err = w.describe(f.Place); err != nil {
			return err
		}
	}
	captured := len(data)
	if f.VLAN != 0 {
		length += tag
		if captured >= 12 { // else the tag is beyond where the frame was cut
			captured += tag
		}
	}
	start := w.begin(blockEnhanced)
	b := binary.LittleEndian.AppendUint32(w.buf, id)
	var stamp uint64
	if y := f.Time.Year(); y >= 1970 && y <= 2261 {
		stamp = uint64(max(f.Time.UnixNano(), 0))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp))
	b = binary.LittleEndian.AppendUint32(b, uint32(captured))
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	if captured > len(data) {
		b = append(b, data[:12]...)
		b = append(b, 0x81, 0x00)
		b = binary.BigEndian.AppendUint16(b, f.VLAN&0x0fff)
		b = append(b, data[12:]...)
	} else {
		b = append(b, data...)
	}
	b = pad(b, captured)
	for _, c := range comments {
		b = appendOption(b, optComment, validComment(c))
	}
	direction := uint32(flagInbound)
	if f.Out {
		direction = flagOutbound
	}
	b = appendOption(b, optPacketFlags, string(binary.LittleEndian.AppendUint32(nil, direction)))
	b = appendOption(b, optEnd, "")
	w.end(b, start)
	if len(w.buf) >= flushAt {
		return w.Flush()
	}
	return nil
}

// validComment replaces what is not UTF-8 byte by byte, so that a comment does
// not outgrow its room.
func validComment(s string) string { return strings.ToValidUTF8(s, "?") }

// Flush writes what was gathered. After an error nothing more can be written.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	if _, err := w.w.Write(w.buf); err != nil {
		w.err = fmt.Errorf("capture: write: %w", err)
		return w.err
	}
	w.buf = w.buf[:0]
	return nil
}
