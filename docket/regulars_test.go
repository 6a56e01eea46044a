package docket_test

import (
	"testing"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Who comes again is kept, between however many that are invented; and of those
// few are.
func TestRegulars(t *testing.T) {
	var r docket.Regulars
	invented := 0
	invent := func(n int) (kept int) {
		for range n {
			invented++
			if r.Admit(mac.Addr{2, 0xee, byte(invented >> 24), byte(invented >> 16), byte(invented >> 8), byte(invented)}) {
				kept++
			}
		}
		return kept
	}
	if kept := invent(3000); kept != 16 {
		t.Errorf("%d of 3000 inventions are kept", kept)
	}
	if r.Admit(stranger) {
		t.Error("who comes for the first time, after many, is kept at once")
	}
	invent(2000)
	for range 2 {
		if !r.Admit(stranger) {
			t.Error("who came again is not kept")
		}
	}
	r.Admit(node)
	invent(5000)
	if r.Admit(node) {
		t.Error("what came thousands before is remembered")
	}
	for n := range 100 {
		r.Admit(mac.Addr{2, 1, 1, 1, 1, byte(n)})
		r.Admit(mac.Addr{2, 1, 1, 1, 1, byte(n)})
	}
	if r.Admit(mac.Addr{2, 1, 1, 1, 1, 99}) || !r.Admit(stranger) {
		t.Error("the bound does not hold, or those that are kept are forgotten")
	}
}
