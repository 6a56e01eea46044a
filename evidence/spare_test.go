package evidence_test

import (
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// flooded is a log with no room left for ordinary answers: all from different
// sources, with one cluster's MAC.
func flooded(n int) *evidence.Log {
	l := new(evidence.Log)
	for i := range n {
		l.Add(clusterAnswer(i), t0, 1, nil)
	}
	return l
}

func clusterAnswer(n int) evidence.ARP {
	a := answer(n)
	a.SenderMAC = mac.Addr{0x03, 0xbf, 172, 16, 63, 241}
	return a
}

// What a flood is not to hide, and how often it has to come.
func TestLogSpares(t *testing.T) {
	stranger := mac.Addr{0x00, 0x1b, 0x21, 0xaa, 0xbb, 0xcc}
	own := answer(0)
	own.EthSrc, own.SenderMAC = stranger, stranger
	zero := own
	zero.SenderMAC = mac.Addr{}
	all := own
	all.SenderMAC = mac.Broadcast
	like := clusterAnswer(1 << 20)
	for _, tt := range []struct {
		name  string
		fact  evidence.Fact
		times int // after which it is kept
	}{
		{"an ordinary host's answer", own, 1},
		{"an answer with no MAC", zero, 1},
		{"an answer with the broadcast MAC", all, 1},
		{"one like those of the flood", like, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := flooded(3 * evidence.PerKind)
			for n := 1; n <= tt.times; n++ {
				if kept := l.Add(tt.fact, t0, 1, nil); kept != (n == tt.times) {
					t.Fatalf("kept is %v the %d. time", kept, n)
				}
			}
			if !l.Has(tt.fact) {
				t.Error("it is not in the log")
			}
		})
	}
}

// Who comes again after others have come in between is still known, and a flood
// that repeats itself is bounded too.
func TestLogSparesBounds(t *testing.T) {
	l := flooded(2 * evidence.PerKind)
	like := clusterAnswer(1 << 20)
	l.Add(like, t0, 1, nil)
	for i := range evidence.PerKind {
		l.Add(clusterAnswer(1<<21+i), t0, 1, nil)
	}
	if !l.Add(like, t0, 1, nil) {
		t.Error("what came again was forgotten")
	}
	for range 3 {
		for i := range evidence.PerKind {
			l.Add(clusterAnswer(1<<21+i), t0, 1, nil)
		}
	}
	if n, most := l.Len(), evidence.PerKind+evidence.PerKind/16+1; n > most {
		t.Errorf("%d facts, at most %d expected", n, most)
	}

	// ICMP errors have 65,536 types and codes.
	l = new(evidence.Log)
	for i := range 1 << 16 {
		l.Add(evidence.ICMPError{Type: uint8(i >> 8), Code: uint8(i)}, t0, 1, nil)
	}
	if n, most := l.Len(), evidence.PerKind+64+1; n > most {
		t.Errorf("%d errors, at most %d expected", n, most)
	}
}
