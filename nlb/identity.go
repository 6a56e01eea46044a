package nlb

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"unicode/utf16"
	"unicode/utf8"
)

// RecordType says what a record of an identity heartbeat holds.
type RecordType uint8

// The record types that Wireshark's dissector knows.
const (
	RecordName    RecordType = 1 // the host's full name
	RecordAddress RecordType = 2 // one of its addresses
)

// Record is one of the records of an identity heartbeat:
//
//	0  1  type
//	1  1  length, in a unit that no public source tells: kept, not relied on
//	2  2  reserved
//	4  4  reserved
//	8     a name in UTF-16, little-endian, that a zero ends, and 6 more bytes; or
//	      an address family, little-endian, 2 for IPv4 and 0x17 for IPv6, and
//	      the address in network order, and padding to the end of the frame
//
// This layout is inferred: it is what Wireshark's dissector does, and no
// capture of such a heartbeat is public.
type Record struct {
	Type   RecordType
	Length uint8
	Addr   netip.Addr // of RecordAddress: IPv4 or IPv6

	name  []byte // of RecordName: UTF-16 without the zero; shares the frame's bytes
	ended bool   // the zero was there
}

// MaxName is the most UTF-16 units of a name that are read: the DNS allows 255
// (RFC 1035 2.3.4).
const MaxName = 255

const (
	recordHead = 8
	namePad    = 6
	familyIPv4 = 2
	familyIPv6 = 0x17
)

// Records returns the records of an identity heartbeat as far as they can be
// told apart: behind an address, or a record of unknown type, all is padding.
// The caller escapes a name before anybody sees it: it is text from the wire.
func (h Heartbeat) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if h.Signature != SignatureIdentity {
			return
		}
		for b := h.body; len(b) >= recordHead; {
			r, n := record(b)
			if n == 0 || !yield(r) {
				return
			}
			b = b[min(n, len(b)):]
		}
	}
}

// record reads the record at the start of b and returns its length: 0 where it
// has an unknown type or is cut before its content.
func record(b []byte) (Record, int) {
	r := Record{Type: RecordType(b[0]), Length: b[1]}
	data := b[recordHead:]
	switch r.Type {
	case RecordName:
		i := 0
		for ; i+1 < len(data) && i < 2*MaxName; i += 2 {
			if data[i] == 0 && data[i+1] == 0 {
				r.ended = true
				break
			}
		}
		r.name = data[:i:i]
		return r, recordHead + i + 2 + namePad
	case RecordAddress:
		if len(data) < 2 {
			return Record{}, 0
		}
		switch family := binary.LittleEndian.Uint16(data); {
		case family == familyIPv4 && len(data) >= 2+4:
			r.Addr = netip.AddrFrom4([4]byte(data[2:]))
		case family == familyIPv6 && len(data) >= 2+16:
			r.Addr = netip.AddrFrom16([16]byte(data[2:]))
		default:
			return Record{}, 0
		}
		return r, len(b)
	}
	return Record{}, 0
}

// Whole reports whether the record is all there: a name's end may be cut off.
func (r Record) Whole() bool { return r.Type != RecordName || r.ended }

// AppendName appends a RecordName's name in UTF-8 to dst. A half of a surrogate
// pair alone becomes U+FFFD, so the result is valid UTF-8; nothing is escaped.
func (r Record) AppendName(dst []byte) []byte {
	for b := r.name; len(b) >= 2; b = b[2:] {
		u := rune(binary.LittleEndian.Uint16(b))
		if utf16.IsSurrogate(u) {
			pair := rune(utf8.RuneError)
			if len(b) >= 4 {
				pair = utf16.DecodeRune(u, rune(binary.LittleEndian.Uint16(b[2:])))
			}
			if u = pair; u != utf8.RuneError {
				b = b[2:]
			}
		}
		dst = utf8.AppendRune(dst, u)
	}
	return dst
}

// Name returns a RecordName's name, unescaped.
func (r Record) Name() string { return string(r.AppendName(nil)) }

// AppendName appends a record with the name to dst, at most MaxName units of
// it, up to the first zero. The length field is left zero, since its unit is
// unknown.
func AppendName(dst []byte, name string) []byte {
	dst = append(dst, byte(RecordName), 0, 0, 0, 0, 0, 0, 0)
	units := 0
	for _, c := range name {
		if n := utf16.RuneLen(c); c == 0 || units+n > MaxName {
			break
		} else if n == 2 {
			hi, lo := utf16.EncodeRune(c)
			dst = binary.LittleEndian.AppendUint16(dst, uint16(hi))
			dst = binary.LittleEndian.AppendUint16(dst, uint16(lo))
			units += n
			continue
		}
		dst = binary.LittleEndian.AppendUint16(dst, uint16(c))
		units++
	}
	return append(dst, make([]byte, 2+namePad)...)
}

// AppendAddress appends a record with the address to dst, padded to a multiple
// of eight bytes. It is the last record of a heartbeat.
func AppendAddress(dst []byte, a netip.Addr) []byte {
	start := len(dst)
	dst = append(dst, byte(RecordAddress), 0, 0, 0, 0, 0, 0, 0)
	family := uint16(familyIPv6)
	if a.Is4() {
		family = familyIPv4
	}
	dst = binary.LittleEndian.AppendUint16(dst, family)
	dst = append(dst, a.AsSlice()...)
	return append(dst, make([]byte, (8-(len(dst)-start)%8)%8)...)
}
