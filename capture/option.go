package capture

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The codes of pcapng's options that are read or written. What a code means
// depends on the block but for the comment.
const (
	optEnd     = 0
	optComment = 1

	optTool = 4 // shb_userappl

	optInterfaceName  = 2  // if_name
	optTimeResolution = 9  // if_tsresol
	optFCSLength      = 13 // if_fcslen, in bits
	optTimeOffset     = 14 // if_tsoffset, in seconds

	optPacketFlags = 2 // epb_flags, pack_flags

	optInterfaceDrops = 5 // isb_ifdrop
	optSystemDrops    = 7 // isb_osdrop
)

// The direction in a packet's flags.
const (
	flagDirection = 0x3
	flagInbound   = 0x1
	flagOutbound  = 0x2
)

// maxComment is the most bytes that an option has room for.
const maxComment = 65535

// optionList walks the options at the end of a block: code and length of 16
// bits each, value padded to 4 bytes, so that data is a multiple of 4. Before the first next it stands before
// the first option.
type optionList struct {
	data []byte
	swap bool

	code  uint16
	value []byte
	bad   bool // an option goes beyond the end
}

func (o *optionList) next() bool {
	if len(o.data) < 4 { // options may end without the end being said
		return false
	}
	code, n := binary.LittleEndian.Uint16(o.data), binary.LittleEndian.Uint16(o.data[2:])
	if o.swap {
		code, n = bits.ReverseBytes16(code), bits.ReverseBytes16(n)
	}
	if code == optEnd {
		o.data = nil
		return false
	}
	end := 4 + int(n)
	padded := (end + 3) &^ 3
	if padded > len(o.data) {
		o.bad, o.data = true, nil
		return false
	}
	o.code, o.value = code, o.data[4:end]
	o.data = o.data[padded:]
	return true
}

// text makes a string of an option's value: valid UTF-8, at most n bytes, up to
// a zero byte, which some writers leave at the end.
func text(value []byte, n int) string {
	s, _, _ := strings.Cut(string(value), "\x00")
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// appendOption appends an option of at most maxComment bytes.
func appendOption(b []byte, code uint16, value string) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return pad(b, len(value))
}

// pad appends the zeros that n bytes lack to a multiple of 4.
func pad(b []byte, n int) []byte {
	return append(b, make([]byte, -n&3)...)
}
