// Package igmp reads and writes IGMP messages of versions 1 (RFC 1112 appendix
// I), 2 (RFC 2236) and 3 (RFC 3376), and the IPv4 and Ethernet headers that
// carry them. It opens no socket and knows no clock.
//
// All numbers on the wire are in network order. Reading and writing a message
// allocate nothing where the caller's slice has room; what a Message holds of
// lists shares the bytes that it was read from.
package igmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/inet"
)

// Type is a message's first byte.
type Type uint8

// The types (RFC 3376 4, 7.3). A query is of version 1, 2 or 3 by its length
// and second byte.
const (
	Query    Type = 0x11
	ReportV1 Type = 0x12
	ReportV2 Type = 0x16
	Leave    Type = 0x17
	ReportV3 Type = 0x22
)

func (t Type) String() string {
	switch t {
	case Query:
		return "query"
	case ReportV1:
		return "v1 report"
	case ReportV2:
		return "v2 report"
	case Leave:
		return "leave"
	case ReportV3:
		return "v3 report"
	}
	return fmt.Sprintf("type 0x%02x", uint8(t))
}

// Version returns the version that the type belongs to, or 0 for a query: all
// three have the same type.
func (t Type) Version() int {
	switch t {
	case ReportV1:
		return 1
	case ReportV2, Leave:
		return 2
	case ReportV3:
		return 3
	}
	return 0
}

// The timers that a host or switch goes by where nobody says otherwise.
const (
	// QueryInterval is the time between a querier's general queries, and
	// Robustness how many of them may be lost (RFC 3376 8.1, 8.2).
	QueryInterval = 125 * time.Second
	Robustness    = 2
	// MaxResponseV1 is the time that hosts have to answer a query of version 1,
	// which does not say one (RFC 2236 4).
	MaxResponseV1 = 10 * time.Second
	// MembershipInterval is the time without a report after which a group has no
	// members (RFC 3376 8.4): robustness times query interval, and the response time.
	MembershipInterval = Robustness*QueryInterval + MaxResponseV1
	// QuerierPresent is the time without a query after which the querier is gone
	// (RFC 3376 8.5): robustness times query interval, and half a response time.
	QuerierPresent = Robustness*QueryInterval + MaxResponseV1/2
)

// The groups that messages go to.
var (
	AllSystems = netip.AddrFrom4([4]byte{224, 0, 0, 1})  // general queries
	AllRouters = netip.AddrFrom4([4]byte{224, 0, 0, 2})  // leaves (RFC 2236 3)
	AllV3      = netip.AddrFrom4([4]byte{224, 0, 0, 22}) // reports of version 3 (RFC 3376 4.2.14)
)

// Message is one IGMP message. Which fields count depends on Type; the others
// are zero after Parse and not looked at by AppendTo.
type Message struct {
	Type Type

	// Version is 1, 2 or 3. Only of a Query does AppendTo look at it.
	Version int

	// Group is the group that is asked for, reported or left: 0.0.0.0 in a
	// general query, invalid in a report of version 3.
	Group netip.Addr

	// MaxResponse is the time that hosts have to answer a query: whole tenths
	// of a second up to 25.5 s in version 2 (RFC 2236 2.2), up to 3174.4 s and
	// less exact with size in version 3 (RFC 3376 4.1.1). A query of version 1
	// does not say it and gets MaxResponseV1.
	MaxResponse time.Duration

	// Suppress, Robustness and Interval stand in queries of version 3 (RFC 3376
	// 4.1.5 to 4.1.7): whether other routers shall not lower their timers, the
	// querier's robustness (1 to 7, 0 where it is larger) and the time between
	// its general queries, up to 31,744 s.
	Suppress   bool
	Robustness uint8
	Interval   time.Duration

	// Sources are the sources that a query of version 3 asks for.
	Sources Addrs

	// Records are what a report of version 3 reports.
	Records Records
}

// Errors of Parse; match them with errors.Is.
var (
	ErrShort    = errors.New("the message is cut short")
	ErrChecksum = errors.New("wrong checksum")
	ErrType     = errors.New("unknown message type")
	ErrLength   = errors.New("a query of 9 to 11 bytes is of no version") // RFC 3376 7.1
	ErrGroup    = errors.New("the group is not a multicast address")
)

// ParseError says what was read, where reading stopped and why.
type ParseError struct {
	Type   Type
	Offset int   // bytes of the message that were read before the fault
	Err    error // one of the errors above

	record, records int // the record under way and their number; records is 0 outside them
	need, left      int // bytes; need is 0 where the lengths are not the fault
}

func (e *ParseError) Unwrap() error { return e.Err }

func (e *ParseError) Error() string {
	s := fmt.Sprintf("igmp: %v: ", e.Type)
	if e.records > 0 {
		s += fmt.Sprintf("record %d of %d: ", e.record, e.records)
	}
	s += e.Err.Error()
	if e.need > 0 {
		s += fmt.Sprintf(": %d bytes needed, %d left", e.need, e.left)
	}
	return fmt.Sprintf("%s (at byte %d)", s, e.Offset)
}

// The lengths of messages in bytes.
const (
	shortLen  = 8  // versions 1 and 2, and the head of a report of version 3
	queryLen  = 12 // a query of version 3 without sources
	recordLen = 8  // a record of version 3 without sources
	addrLen   = 4
)

// Parse reads the message that b holds, which is the whole payload of its IPv4
// datagram: Ethernet's padding is not part of it. What lies behind the fields of
// a message is covered by the checksum and otherwise ignored (RFC 3376 4.1.10,
// 4.2.11); reserved fields are ignored. An error is a *ParseError, and the
// message is then zero.
func Parse(b []byte) (Message, error) {
	if len(b) < shortLen {
		return Message{}, &ParseError{Type: first(b), Offset: len(b), Err: ErrShort, need: shortLen, left: len(b)}
	}
	if Checksum(b) != 0 {
		return Message{}, &ParseError{Type: first(b), Offset: 2, Err: ErrChecksum}
	}
	return parse(b)
}

func first(b []byte) Type {
	if len(b) == 0 {
		return 0
	}
	return Type(b[0])
}

func parse(b []byte) (Message, error) {
	m := Message{Type: Type(b[0]), Version: Type(b[0]).Version()}
	var fault *ParseError
	switch m.Type {
	case Query:
		fault = m.query(b)
	case ReportV1, ReportV2, Leave:
		m.Group = netip.AddrFrom4([4]byte(b[4:]))
		if !m.Group.IsMulticast() {
			fault = &ParseError{Offset: 4, Err: ErrGroup}
		}
	case ReportV3:
		fault = m.Records.parse(b)
	default:
		fault = &ParseError{Err: ErrType}
	}
	if fault != nil {
		fault.Type = m.Type
		return Message{}, fault
	}
	return m, nil
}

// query reads a query. Its version is told as RFC 3376 7.1 says.
func (m *Message) query(b []byte) *ParseError {
	m.Group = netip.AddrFrom4([4]byte(b[4:]))
	if !m.Group.IsUnspecified() && !m.Group.IsMulticast() {
		return &ParseError{Offset: 4, Err: ErrGroup}
	}
	switch {
	case len(b) == shortLen && b[1] == 0:
		m.Version, m.MaxResponse = 1, MaxResponseV1
		return nil
	case len(b) == shortLen:
		m.Version, m.MaxResponse = 2, time.Duration(b[1])*tenth
		return nil
	case len(b) < queryLen:
		return &ParseError{Offset: len(b), Err: ErrLength}
	}
	m.Version = 3
	m.MaxResponse = time.Duration(decodeFloat(b[1])) * tenth
	m.Suppress, m.Robustness = b[8]&0x08 != 0, b[8]&0x07
	m.Interval = time.Duration(decodeFloat(b[9])) * time.Second
	n := int(binary.BigEndian.Uint16(b[10:])) * addrLen
	if left := len(b) - queryLen; n > left {
		return &ParseError{Offset: queryLen, Err: ErrShort, need: n, left: left}
	}
	m.Sources = Addrs{b[queryLen : queryLen+n : queryLen+n]}
	return nil
}

const tenth = 100 * time.Millisecond

// decodeFloat returns the number that a code of version 3 stands for: itself
// below 128, and from there mantissa and exponent (RFC 3376 4.1.1, 4.1.7).
func decodeFloat(c byte) int {
	if c < 0x80 {
		return int(c)
	}
	return (int(c&0x0f) | 0x10) << (c>>4&0x07 + 3)
}

// encodeFloat returns the code of the largest number that is not above n, which
// is at most maxFloat: hosts that answer a little earlier are on time.
func encodeFloat(n int) byte {
	if n < 0x80 {
		return byte(n)
	}
	exp := 0
	for n>>(exp+3) > 0x1f {
		exp++
	}
	return 0x80 | byte(exp)<<4 | byte(n>>(exp+3))&0x0f
}

// maxFloat is the largest number that a code stands for.
const maxFloat = 0x1f << 10

// Checksum returns the Internet checksum of b (RFC 1071): what its checksum
// field must hold where that is zero, and zero where that is right.
func Checksum(b []byte) uint16 { return inet.Checksum(b) }
