package capture

import (
	"math"
	"testing"
	"time"
)

// Instants of time stamps in all units, with what date -u says of the seconds.
func TestClock(t *testing.T) {
	tests := []struct {
		name       string
		resolution uint8
		offset     int64
		stamp      uint64
		want       string // "" for none
	}{
		{"seconds", 0, 0, 1700000000, "2023-11-14T22:13:20Z"},
		{"milliseconds", 3, 0, 1700000000123, "2023-11-14T22:13:20.123Z"},
		{"microseconds", 6, 0, 1700000000123456, "2023-11-14T22:13:20.123456Z"},
		{"nanoseconds", 9, 0, 1700000000123456789, "2023-11-14T22:13:20.123456789Z"},
		{"10 ps", 11, -1, 100000000012, "1970-01-01T00:00:00Z"},
		{"picoseconds: cut, not rounded", 12, 1700000000, 999999999999, "2023-11-14T22:13:20.999999999Z"},
		{"10^-19 s", 19, 1700000000, 15000000000000000000, "2023-11-14T22:13:21.5Z"},
		{"2^0 s", 0x80, 0, 1700000000, "2023-11-14T22:13:20Z"},
		{"2^-32 s, as NTP", 0x80 | 32, 0, 1700000000<<32 | 1<<30, "2023-11-14T22:13:20.25Z"},
		{"2^-63 s", 0x80 | 63, 1700000000, 1<<63 | 1<<62, "2023-11-14T22:13:21.5Z"},
		{"0 is no time", 9, 1700000000, 0, ""},
		{"the last second of 9999", 0, 0, 253402300799, "9999-12-31T23:59:59Z"},
		{"later", 0, 0, 253402300800, ""},
		{"later by the offset", 0, 253402300799, 1, ""},
		{"before 1970", 6, -2, 1000000, ""},
		{"an offset that would turn the sign", 0, math.MaxInt64, 253402300799, ""},
		{"the largest", 0, 0, math.MaxUint64, ""},
		{"the largest, which an offset would bring back", 0, 2, math.MaxUint64, ""},
	}
	for _, tt := range tests {
		c, ok := newClock(tt.resolution)
		if !ok {
			t.Errorf("%s: refused", tt.name)
			continue
		}
		c.offset = tt.offset
		got := ""
		if at := c.at(tt.stamp); !at.IsZero() {
			got = at.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, resolution := range []uint8{20, 127, 0x80 | 64, 0xff} {
		if _, ok := newClock(resolution); ok {
			t.Errorf("resolution 0x%02x is accepted", resolution)
		}
	}
}
