// Package mac holds one link-layer address: six bytes in network order, read
// from and written in the spelling of every vendor whose devices an NLB
// cluster meets. It opens no socket and knows no cluster.
package mac

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
)

// Addr is a 48-bit link-layer address, first byte as first on the wire. It is
// comparable and usable as a map key. The zero value is 00:00:00:00:00:00,
// which ARP uses for "not known".
type Addr [6]byte

// Broadcast is the address of every station, ff:ff:ff:ff:ff:ff.
var Broadcast = Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// From returns the address in the first six bytes of b. It panics when b is
// shorter, as indexing does: callers check lengths before they take frames
// apart.
func From(b []byte) Addr { return Addr(b[:6]) }

// IsGroup reports whether the I/G bit is set: a multicast address, or the
// broadcast address (IEEE 802-2014, 8.2.2). Only this bit decides whether a
// router may accept the address in an ARP reply (RFC 1812 3.3.2).
func (a Addr) IsGroup() bool { return a[0]&0x01 != 0 }

// IsLocal reports whether the U/L bit is set: the address is locally
// administered and says nothing about a vendor.
func (a Addr) IsLocal() bool { return a[0]&0x02 != 0 }

// IsBroadcast reports whether a is ff:ff:ff:ff:ff:ff.
func (a Addr) IsBroadcast() bool { return a == Broadcast }

// IsZero reports whether a is the zero value.
func (a Addr) IsZero() bool { return a == Addr{} }

// Compare orders addresses as their bytes do: -1, 0 or +1.
func (a Addr) Compare(b Addr) int { return bytes.Compare(a[:], b[:]) }

// HardwareAddr returns a copy of a in the type that package net uses.
func (a Addr) HardwareAddr() net.HardwareAddr {
	h := make(net.HardwareAddr, len(a))
	copy(h, a[:])
	return h
}

// Style is one way in which vendors spell an address.
type Style uint8

// The spellings, with the systems that print them.
const (
	Colon      Style = iota // 03:00:5e:11:11:11: Junos, Linux, AOS-CX, EXOS, FortiOS
	ColonUpper              // 03:00:5E:11:11:11: RouterOS
	Hyphen                  // 03-00-5e-11-11-11: CatOS, D-Link, Windows
	Dotted                  // 0300.5e11.1111: IOS, NX-OS, EOS, NetIron
	HHH                     // 0300-5e11-1111: Comware, VRP
	SixSix                  // 03005e-111111: AOS-S, ProCurve
	Bare                    // 03005e111111
)

// groups gives, per Style, the hex digits in a group and the separator.
var groups = [...]struct {
	digits int
	sep    byte
}{
	Colon: {2, ':'}, ColonUpper: {2, ':'}, Hyphen: {2, '-'}, Dotted: {4, '.'},
	HHH: {4, '-'}, SixSix: {6, '-'}, Bare: {12, 0},
}

var styleNames = [...]string{
	Colon: "colon", ColonUpper: "colon-upper", Hyphen: "hyphen", Dotted: "dotted",
	HHH: "h-h-h", SixSix: "six-six", Bare: "bare",
}

// String returns the style's name, as platform files write it.
func (s Style) String() string {
	if int(s) < len(styleNames) {
		return styleNames[s]
	}
	return fmt.Sprintf("Style(%d)", uint8(s))
}

// UnmarshalText reads a style's name.
func (s *Style) UnmarshalText(text []byte) error {
	for i, name := range styleNames {
		if name == string(text) {
			*s = Style(i)
			return nil
		}
	}
	return fmt.Errorf("mac: no spelling is called %q; there are %s", text, strings.Join(styleNames[:], ", "))
}

// String returns the address in lower case with colons: 03:00:5e:11:11:11.
func (a Addr) String() string { return a.In(Colon) }

// In returns the address in the given spelling. An unknown style gives Colon.
func (a Addr) In(s Style) string {
	if int(s) >= len(groups) {
		s = Colon
	}
	var digits [12]byte
	hex.Encode(digits[:], a[:])
	g := groups[s]
	out := make([]byte, 0, 17)
	for i, d := range digits {
		if i > 0 && i%g.digits == 0 {
			out = append(out, g.sep)
		}
		out = append(out, d)
	}
	if s == ColonUpper {
		out = bytes.ToUpper(out)
	}
	return string(out)
}

// MarshalText writes the colon form.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads any spelling that Parse reads.
func (a *Addr) UnmarshalText(text []byte) error {
	p, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = p
	return nil
}

// ParseError says what was given, where reading stopped and why.
type ParseError struct {
	Input  string
	Offset int // bytes of Input that were read before the fault
	Reason string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("%q is not a MAC address: %s (at character %d); write it like 03:00:5e:11:11:11 or 0300.5e11.1111",
		clip(e.Input), e.Reason, e.Offset+1)
}

// clip bounds what an error quotes.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// Parse reads an address in any spelling of this package, in either case:
// twelve hex digits, bare or in equal groups of two, four or six that one
// separator (colon, hyphen, dot or space) parts. It also reads six groups
// without their leading zeros, as BSD, Solaris and HP-UX print them
// (3:0:5e:11:11:11), bare digits behind 0x, and spaces around an address. An
// error is a *ParseError.
func Parse(s string) (Addr, error) {
	in := strings.Trim(s, " ")
	if a, ok := unpadded(in); ok {
		return a, nil
	}
	before := len(s) - len(strings.TrimLeft(s, " ")) // bytes of s that in lacks
	number := len(in) > 2 && in[0] == '0' && (in[1] == 'x' || in[1] == 'X')
	if number {
		in, before = in[2:], before+2
	}
	var (
		a     Addr
		n     int // digits read
		sep   byte
		group int // digits in a group, once the first separator is seen
		last  int // digits read when the last separator came
	)
	fail := func(at int, reason string) (Addr, error) {
		return Addr{}, &ParseError{Input: s, Offset: before + at, Reason: reason}
	}
	for i := range len(in) {
		c := in[i]
		d, ok := hexDigit(c)
		switch {
		case ok:
			if n == 12 {
				return fail(i, "more than 12 hex digits")
			}
			a[n/2] = a[n/2]<<4 | d
			n++
		case !isSeparator(c) || number:
			return fail(i, "not a hex digit")
		case n == 0:
			return fail(i, "a separator before the first digit")
		case sep == 0:
			if n != 2 && n != 4 && n != 6 {
				return fail(i, fmt.Sprintf("a group of %d digits", n))
			}
			sep, group, last = c, n, n
		case c != sep:
			return fail(i, "two kinds of separator")
		case n-last != group:
			return fail(i, fmt.Sprintf("a group of %d digits after one of %d", n-last, group))
		default:
			last = n
		}
	}
	switch {
	case n < 12:
		return fail(len(in), fmt.Sprintf("%d of 12 hex digits", n))
	case sep != 0 && n-last != group:
		return fail(len(in), fmt.Sprintf("a group of %d digits after one of %d", n-last, group))
	}
	return a, nil
}

// isSeparator reports whether c may stand between two groups of digits.
func isSeparator(c byte) bool { return c == ':' || c == '-' || c == '.' || c == ' ' }

// unpadded reads six groups of one or two digits, none with a leading zero:
// where one is padded all would be, and a single digit is half of a group that
// was cut.
func unpadded(s string) (Addr, bool) {
	var (
		a      Addr
		sep    byte
		groups int
		digits int // of the group at hand
	)
	for i := range len(s) {
		c := s[i]
		d, ok := hexDigit(c)
		switch {
		case ok && digits < 2:
			if digits == 0 {
				groups++
			}
			if groups > len(a) {
				return Addr{}, false
			}
			if digits == 1 && a[groups-1] == 0 {
				return Addr{}, false
			}
			a[groups-1] = a[groups-1]<<4 | d
			digits++
		case digits > 0 && isSeparator(c) && (sep == 0 || sep == c):
			sep, digits = c, 0
		default:
			return Addr{}, false
		}
	}
	return a, groups == len(a) && digits > 0
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
