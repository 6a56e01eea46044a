package capture

import (
	"math/bits"
	"time"
)

// clock makes instants of an interface's time stamps: units of 10^-n or 2^-n
// seconds since 1970, moved by whole seconds.
type clock struct {
	units  uint64 // per second; 0 stands for 2^-shift seconds
	shift  uint
	offset int64 // seconds to add (if_tsoffset)
}

// decimalClock counts units of 10^-exponent seconds, exponent being at most 19.
func decimalClock(exponent int) clock {
	units := uint64(1)
	for range exponent {
		units *= 10
	}
	return clock{units: units}
}

// newClock reads if_tsresol: the exponent in the lower seven bits, of ten or,
// with the highest bit set, of two. Finer units than 64 bits can count in a
// second are refused.
func newClock(resolution uint8) (clock, bool) {
	n := resolution & 0x7f
	if resolution&0x80 != 0 {
		return clock{shift: uint(n)}, n < 64
	}
	if n > 19 {
		return clock{}, false
	}
	return decimalClock(int(n)), true
}

// maxSeconds is the end of the year 9999: later instants cannot be written as
// text by everyone downstream, and no packet was captured then.
const maxSeconds = 253402300799

// at gives the instant of a time stamp; zero where it is 0 or out of range.
func (c *clock) at(stamp uint64) time.Time {
	var sec, ns uint64
	switch c.units {
	case 1e9: // division by a constant is much cheaper
		sec, ns = stamp/1e9, stamp%1e9
	case 1e6:
		sec, ns = stamp/1e6, stamp%1e6*1e3
	case 0:
		sec = stamp >> c.shift
		hi, lo := bits.Mul64(stamp-sec<<c.shift, 1e9)
		ns = hi<<(64-c.shift) | lo>>c.shift
	default:
		sec = stamp / c.units
		if rest := stamp % c.units; c.units < 1e9 {
			ns = rest * (1e9 / c.units)
		} else {
			ns = rest / (c.units / 1e9)
		}
	}
	if stamp == 0 {
		return time.Time{}
	}
	return instant(sec, ns, c.offset)
}

// at2 is at for pcap, which writes seconds and their fraction apart. The
// fraction may be more than a second.
func (c *clock) at2(sec, frac uint32) time.Time {
	if sec|frac == 0 {
		return time.Time{}
	}
	return instant(uint64(sec), uint64(frac)*(1e9/c.units), 0)
}

func instant(sec, ns uint64, offset int64) time.Time {
	s := int64(sec) + offset
	if sec > maxSeconds || s < 0 || s > maxSeconds {
		return time.Time{}
	}
	return time.Unix(s, int64(ns)).UTC()
}
