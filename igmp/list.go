package igmp

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
)

// Addrs is a list of IPv4 addresses as it stands on the wire. The zero value is
// empty.
type Addrs struct{ raw []byte }

// AddrsOf returns the list of the given addresses, at most 65,535. An address
// that is not IPv4 is an error.
func AddrsOf(addrs ...netip.Addr) (Addrs, error) {
	if len(addrs) > maxCount {
		return Addrs{}, fmt.Errorf("igmp: %d source addresses; a list holds at most %d", len(addrs), maxCount)
	}
	raw := make([]byte, 0, len(addrs)*addrLen)
	for _, a := range addrs {
		if !a.Is4() {
			return Addrs{}, fmt.Errorf("igmp: source %v is not an IPv4 address", a)
		}
		o := a.As4()
		raw = append(raw, o[:]...)
	}
	return Addrs{raw}, nil
}

// maxCount is the most that a count on the wire can say.
const maxCount = 1<<16 - 1

// Len returns the number of addresses.
func (a Addrs) Len() int { return len(a.raw) / addrLen }

// All returns the addresses in order.
func (a Addrs) All() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for raw := a.raw; len(raw) >= addrLen; raw = raw[addrLen:] {
			if !yield(netip.AddrFrom4([4]byte(raw))) {
				return
			}
		}
	}
}

// RecordType says what a record reports (RFC 3376 4.2.12).
type RecordType uint8

// The record types.
const (
	IsInclude RecordType = 1 + iota // the group is wanted from these sources only
	IsExclude                       // from all but these
	ToInclude                       // as IsInclude, and it was not so before; with no source the group is left
	ToExclude                       // as IsExclude, and it was not so before
	Allow                           // from these sources too
	Block                           // from these no longer
)

func (t RecordType) String() string {
	switch t {
	case IsInclude:
		return "is_in"
	case IsExclude:
		return "is_ex"
	case ToInclude:
		return "to_in"
	case ToExclude:
		return "to_ex"
	case Allow:
		return "allow"
	case Block:
		return "block"
	}
	return fmt.Sprintf("record type %d", uint8(t))
}

// Record is what a report of version 3 says about one group (RFC 3376 4.2.4). A
// record of an unknown type is kept: it is the reader who ignores it (4.2.12).
type Record struct {
	Type    RecordType
	Group   netip.Addr
	Sources Addrs
	Aux     []byte // auxiliary data, of which none is defined; a multiple of four bytes, at most 1020
}

// Joins reports whether a host that says so is a member of the group from then
// on, as far as this record tells.
func (r Record) Joins() bool {
	switch r.Type {
	case IsExclude, ToExclude:
		return true
	case IsInclude, ToInclude, Allow:
		return r.Sources.Len() > 0
	}
	return false
}

// Leaves reports whether the record says that no source of the group is wanted
// any longer: what a leave is in version 2.
func (r Record) Leaves() bool { return r.Type == ToInclude && r.Sources.Len() == 0 }

// Records is the list of records of a report of version 3 as it stands on the
// wire. The zero value is empty.
type Records struct {
	raw []byte
	n   int
}

// RecordsOf returns the list of the given records, at most 65,535.
func RecordsOf(records ...Record) (Records, error) {
	if len(records) > maxCount {
		return Records{}, fmt.Errorf("igmp: %d records; a report holds at most %d", len(records), maxCount)
	}
	list := Records{n: len(records)}
	for i, r := range records {
		switch {
		case !r.Group.Is4():
			return Records{}, fmt.Errorf("igmp: record %d of %d: group %v is not an IPv4 address", i+1, len(records), r.Group)
		case len(r.Aux)%4 != 0 || len(r.Aux) > 4*255:
			return Records{}, fmt.Errorf("igmp: record %d of %d: %d bytes of auxiliary data; a multiple of 4 up to 1020 is possible",
				i+1, len(records), len(r.Aux))
		}
		g := r.Group.As4()
		list.raw = append(list.raw, byte(r.Type), byte(len(r.Aux)/4))
		list.raw = binary.BigEndian.AppendUint16(list.raw, uint16(r.Sources.Len()))
		list.raw = append(list.raw, g[:]...)
		list.raw = append(list.raw, r.Sources.raw...)
		list.raw = append(list.raw, r.Aux...)
	}
	return list, nil
}

// Len returns the number of records.
func (r Records) Len() int { return r.n }

// All returns the records in order. They share the list's bytes.
func (r Records) All() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		raw := r.raw
		for range r.n {
			record, n := record(raw)
			if !yield(record) {
				return
			}
			raw = raw[n:]
		}
	}
}

// record reads the record at the start of b, which is known to be whole, and
// returns its length.
func record(b []byte) (Record, int) {
	sources := recordLen + int(binary.BigEndian.Uint16(b[2:]))*addrLen
	end := sources + int(b[1])*4
	return Record{
		Type:    RecordType(b[0]),
		Group:   netip.AddrFrom4([4]byte(b[4:])),
		Sources: Addrs{b[recordLen:sources:sources]},
		Aux:     b[sources:end:end],
	}, end
}

// parse reads the records of the report of version 3 in b. Each count is held
// against the bytes that are there before anything is read by it: a claim of
// 65,535 records costs no more than the message is long.
func (r *Records) parse(b []byte) *ParseError {
	n := int(binary.BigEndian.Uint16(b[6:]))
	rest := b[shortLen:]
	fault := func(i, need int) *ParseError {
		return &ParseError{Offset: len(b) - len(rest), Err: ErrShort, record: i + 1, records: n, need: need, left: len(rest)}
	}
	for i := range n {
		if len(rest) < recordLen {
			return fault(i, recordLen)
		}
		need := recordLen + int(binary.BigEndian.Uint16(rest[2:]))*addrLen + int(rest[1])*4
		if len(rest) < need {
			return fault(i, need)
		}
		rest = rest[need:]
	}
	*r = Records{b[shortLen : len(b)-len(rest)], n}
	return nil
}
