package main

import (
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/observe"
	"github.com/nlbprobe/nlbprobe/wire"
)

// A live run hears what a capture would show: the kernel's filter and the observer
// look behind the same headers.
func TestFilterHearsWhatIsRead(t *testing.T) {
	vip := netip.MustParseAddr("192.0.2.90")
	prog, err := wire.Filter{Addrs: []netip.Addr{vip}}.Program()
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	addresses := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	arp := []byte{0, 1, 8, 0, 6, 4, 0, 2, 3, 0xbf, 192, 0, 2, 90, 192, 0, 2, 90, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1}
	types := [][]byte{{8, 6}, {0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6}, {0, 36, 0xaa, 0xaa, 3, 0, 0, 1, 8, 6}, {0, 3, 0x42, 0x42, 3}, {8, 5}, {5, 0xff, 8, 6}}
	tags := [][]byte{nil, {0x81, 0, 0, 7}, {0x88, 0xa8, 0, 7}, {0x91, 0, 0, 7}, {0x92, 0, 0, 7}, {0x93, 0, 0, 7}, {0x81, 1, 0, 7}}
	read := 0
	for _, outer := range tags {
		for _, inner := range tags {
			for _, innermost := range [][]byte{nil, {0x81, 0, 0, 9}} {
				for _, etherType := range types {
					b := slices.Concat(addresses, outer, inner, innermost, etherType, arp)
					n, err := vm.Run(b)
					if err != nil {
						t.Fatal(err)
					}
					facts := observe.Facts(nil, &evidence.Frame{Data: b, Length: len(b)})
					if (n > 0) != (len(facts) > 0) {
						t.Errorf("% x: heard %v, facts %v", b[:30], n > 0, facts)
					}
					if len(facts) > 0 {
						read++
					}
				}
			}
		}
	}
	if read < 40 {
		t.Errorf("only %d frames were read", read)
	}
}
