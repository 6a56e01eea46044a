package evidence_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func answer(n int) evidence.ARP {
	return evidence.ARP{
		Op: evidence.Reply, EthSrc: mac.Addr{0, 0, byte(n >> 16), byte(n >> 8), byte(n), 1},
		SenderIP: netip.MustParseAddr("172.16.63.241"),
	}
}

func TestLogGathers(t *testing.T) {
	var l evidence.Log
	data := []byte{1, 2, 3}
	frame := &evidence.Frame{Time: t0, Data: data, Length: 60, Place: "eth0"}
	if !l.Add(answer(1), t0, 1, frame) {
		t.Error("the first sighting is not new")
	}
	data[0] = 9 // the caller's buffer is used again
	if l.Add(answer(1), t0.Add(2*time.Second), 1, nil) {
		t.Error("the second sighting is new")
	}
	l.Add(answer(1), t0.Add(-time.Second), 3, nil) // from another file, earlier
	l.Add(answer(1), t0.Add(time.Second), 1, &evidence.Frame{Length: 90, Place: "eth1"})
	l.Add(answer(2), t0, 1, nil)

	items := l.Items()
	if len(items) != 2 {
		t.Fatalf("%d items", len(items))
	}
	it := items[0]
	if it.Fact != answer(1) || it.Count != 6 || !it.First.Equal(t0.Add(-time.Second)) || !it.Last.Equal(t0.Add(2*time.Second)) {
		t.Errorf("item: %+v", it)
	}
	if len(it.Frame.Data) != 3 || it.Frame.Data[0] != 1 || it.Frame.Place != "eth0" {
		t.Errorf("the frame is not a copy of the first: %+v", it.Frame)
	}
	if it.Bytes != 60+90 { // on the wire, not what was kept of it
		t.Errorf("%d bytes", it.Bytes)
	}
	if len(it.Times) != 4 {
		t.Errorf("%d instants", len(it.Times))
	}
}

func TestLogBounds(t *testing.T) {
	var l evidence.Log
	const all = evidence.PerKind + 500
	for n := range all {
		isNew := l.Add(answer(n), t0, 1, nil)
		if isNew != (n < evidence.PerKind) {
			t.Fatalf("answer %d: new is %v", n, isNew)
		}
	}
	// One kind's flood leaves room for the others.
	if !l.Add(evidence.BadARP{Reason: evidence.ReasonShort}, t0, 1, nil) {
		t.Error("a flood of replies left no room for another kind")
	}
	for range 2 * evidence.TimesKept {
		l.Add(answer(0), t0, 1, nil)
	}
	unkept := 0
	for _, it := range l.Items() {
		if u, ok := it.Fact.(evidence.Unkept); ok {
			if u.Of != evidence.KindARPReply {
				t.Errorf("left out: %v", u.Of)
			}
			unkept += it.Count
		}
		if len(it.Times) > evidence.TimesKept {
			t.Errorf("%d instants of one fact", len(it.Times))
		}
	}
	if unkept != 500 {
		t.Errorf("%d left out, want 500", unkept)
	}
	if n := len(l.Items()); n != evidence.PerKind+2 {
		t.Errorf("%d items", n)
	}
}

// Logs that share a budget keep so much together, and say what they left out.
func TestLogBudget(t *testing.T) {
	budget := &evidence.Budget{Facts: 5, Bytes: 10_000, Again: 1000}
	one, two := evidence.Log{Budget: budget}, evidence.Log{Budget: budget}
	frame := &evidence.Frame{Data: make([]byte, 300), Length: 300}
	for n := range 3 {
		one.Add(answer(n), t0, 1, nil)
	}
	if !two.Add(answer(1), t0, 1, frame) || !two.Add(answer(2), t0, 1, nil) {
		t.Error("what the budget has room for is left out")
	}
	if two.Add(answer(3), t0, 1, nil) || one.Add(answer(3), t0, 1, nil) {
		t.Error("more facts than the budget has")
	}
	for range 5 {
		two.Add(answer(1), t0, 1, frame)
	}
	items := two.Items()
	if n := len(items[0].Again); n != 2 || items[0].Count != 6 {
		t.Errorf("%d frames kept again of %d, want 2 of 6", n, items[0].Count)
	}
	if last := items[len(items)-1]; last.Fact != (evidence.Unkept{Of: evidence.KindARPReply}) || last.Count != 1 {
		t.Errorf("not said: %+v", last.Fact)
	}
}

// A Log that joins a budget takes what it holds from it, even more than there is.
func TestLogJoin(t *testing.T) {
	budget := &evidence.Budget{Facts: 3, Bytes: 10_000, Again: 1000}
	var one, two evidence.Log
	for n := range 2 {
		one.Add(answer(n), t0, 1, nil)
		two.Add(answer(n), t0, 1, nil)
	}
	one.Join(budget)
	if budget.Facts != 1 || budget.Bytes >= 10_000 {
		t.Errorf("left of the budget: %+v", *budget)
	}
	two.Join(budget)
	if one.Add(answer(3), t0, 1, nil) || two.Add(answer(3), t0, 1, nil) {
		t.Errorf("more facts than the budget has: %+v", *budget)
	}
}

// What a fact costs is what it takes in memory, or more.
func TestCosts(t *testing.T) {
	frame := &evidence.Frame{Data: make([]byte, 60), Length: 60}
	for name, of := range map[string]func(n int) evidence.Fact{
		"arp": func(n int) evidence.Fact { return answer(n) },
		"traffic": func(n int) evidence.Fact {
			return evidence.Traffic{EthSrc: mac.Addr{byte(n), byte(n >> 8), byte(n >> 16)}}
		},
		"heartbeat": func(n int) evidence.Fact { return evidence.Heartbeat{HostCode: uint32(n)} },
		"segment":   func(n int) evidence.Fact { return evidence.Segment{Payload: n} },
	} {
		const logs, facts = 20, 1000
		all := evidence.Budget{Facts: logs * facts, Bytes: 1 << 30, Again: 1 << 30}
		left := all
		kept := make([]evidence.Log, logs)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			kept[i].Budget = &left
			for n := range facts {
				kept[i].Add(of(n), t0, 1, frame)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(kept)
		took, charged := int(after.HeapAlloc)-int(before.HeapAlloc), all.Bytes-left.Bytes
		if took > charged*5/4 || took < charged/2 {
			t.Errorf("%s: %d bytes a fact, and %d are charged", name, took/logs/facts, charged/logs/facts)
		}
	}
}

// Every kind has a name of its own, and the facts name their kinds.
func TestKinds(t *testing.T) {
	facts := []evidence.Fact{
		evidence.ARP{Op: evidence.Request}, evidence.ARP{Op: evidence.Reply}, evidence.BadARP{},
		evidence.Echo{}, evidence.ICMPError{}, evidence.TCP{}, evidence.Traffic{}, evidence.Hello{},
		evidence.IGMP{Act: evidence.Query}, evidence.IGMP{Act: evidence.Join}, evidence.IGMP{Act: evidence.Leave},
		evidence.Heartbeat{}, evidence.Malformed{},
		evidence.Segment{}, evidence.Ack{}, evidence.Offer{}, evidence.Ask{}, evidence.Told{},
		evidence.Vantage{}, evidence.Listened{}, evidence.Lost{}, evidence.Unkept{}, evidence.Captured{},
	}
	seen := make(map[evidence.Kind]bool)
	for _, f := range facts {
		seen[f.Kind()] = true
	}
	names := make(map[string]bool)
	for _, k := range evidence.Kinds() {
		if !seen[k] {
			t.Errorf("no fact is of kind %v", k)
		}
		if names[k.String()] || k.String() == "" || k.String() == "unknown" {
			t.Errorf("kind %d is called %q", k, k)
		}
		names[k.String()] = true
	}
}

// A Log that is released gives back to its budget what it took, no more and no
// less.
func TestLogRelease(t *testing.T) {
	whole := evidence.Budget{Facts: 4, Bytes: 10_000, Again: 1000}
	budget := whole
	log := evidence.Log{Budget: &budget}
	frame := &evidence.Frame{Data: make([]byte, 60), Length: 60}
	for range 3 {
		for n := range 6 { // two more than there is room for
			log.Add(answer(n), t0, 1, frame)
		}
		if budget.Facts != 0 || budget.Bytes >= whole.Bytes || budget.Again >= whole.Again {
			t.Errorf("left: %+v", budget)
		}
		log.Release()
		if budget != whole || log.Len() != 0 {
			t.Errorf("after the release: %+v of %+v, %d facts", budget, whole, log.Len())
		}
	}
}
