package mss_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mss"
)

// tcpFrame is a TCP segment of IPv4 or, with six, IPv6, with what a test varies.
type tcpFrame struct {
	six, back bool
	port      uint16 // the client's
	flags     byte
	seq, ack  uint32
	mss       uint16 // as an option; 0 is none
	stamps    bool   // 12 bytes of options
	payload   int
	id        uint16
	tags      int
	link      string // "" is Ethernet II; "snap", "pppoe", "9100"
	sum       uint16 // of the IPv4 header; 0 is the right one
	blank     bool   // no checksum and no total length, as before the card has made them
	snap      int    // bytes captured; 0 is all
}

func (f tcpFrame) bytes() []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for range f.tags {
		b = append(b, 0x81, 0, 0, 63)
	}
	switch f.link {
	case "9100":
		b = append(b, 0x91, 0, 0, 7, 0x81, 0, 0, 63)
	case "snap":
		b = append(b, 0, 200, 0xaa, 0xaa, 3, 0, 0, 0)
	case "pppoe":
		b = append(b, 0x88, 0x64, 0x11, 0, 0, 1, 2, 0)
	}
	var options []byte
	if f.mss != 0 {
		options = append(options, 2, 4, byte(f.mss>>8), byte(f.mss))
	}
	if f.stamps {
		options = append(options, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2)
	}
	length := 20 + len(options) + f.payload
	client, server := []byte{172, 16, 63, 9}, []byte{10, 99, 0, 25}
	if f.six {
		client, server = append([]byte{0x20, 1, 13: 0, 9}, 0)[:16], append([]byte{0x20, 1, 13: 0, 25}, 0)[:16]
	}
	from, to, sport, dport := client, server, f.port, uint16(25)
	if f.back {
		from, to, sport, dport = server, client, 25, f.port
	}
	if f.six {
		if b = append(b, 0x86, 0xdd); f.link == "pppoe" {
			binary.BigEndian.PutUint16(b[len(b)-2:], 0x57)
		}
		b = append(b, 0x60, 0, 0, 0, byte(length>>8), byte(length), 6, 64)
		b = append(append(b, from...), to...)
	} else {
		at := len(b) + 2
		if b = append(b, 0x08, 0x00); f.link == "pppoe" {
			binary.BigEndian.PutUint16(b[len(b)-2:], 0x21)
		}
		b = append(b, 0x45, 0, byte((20+length)>>8), byte(20+length), byte(f.id>>8), byte(f.id), 0x40, 0, 64, 6, 0, 0)
		b = append(append(b, from...), to...)
		sum := uint32(0)
		for i := at; i < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		binary.BigEndian.PutUint16(b[at+10:], ^uint16(sum))
		if f.sum != 0 {
			binary.BigEndian.PutUint16(b[at+10:], f.sum)
		}
		if f.blank {
			clear(b[at+10 : at+12])
			clear(b[at+2 : at+4])
		}
	}
	b = binary.BigEndian.AppendUint16(b, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	b = binary.BigEndian.AppendUint32(b, f.seq)
	b = binary.BigEndian.AppendUint32(b, f.ack)
	b = append(b, byte(5+len(options)/4)<<4, f.flags, 0x20, 0, 0, 0, 0, 0)
	b = append(b, options...)
	b = append(b, make([]byte, f.payload)...)
	if f.snap > 0 {
		b = b[:min(f.snap, len(b))]
	}
	return b
}

const (
	fSYN, fACK, fRST = 0x02, 0x10, 0x04
)

// play gives frames to a tracker, 10 ms apart.
func play(s *mss.Follower, frames ...tcpFrame) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i, f := range frames {
		if f.port == 0 {
			f.port = 50000
		}
		b := f.bytes()
		s.Frame(&evidence.Frame{Time: at.Add(time.Duration(i) * 10 * time.Millisecond), Data: b, Length: len(b), Place: "x"})
	}
}

// opened is a handshake in which the server offers so much.
func opened(mss uint16, more ...tcpFrame) []tcpFrame {
	return append([]tcpFrame{{flags: fSYN, mss: 1460}, {back: true, flags: fSYN | fACK, mss: mss}}, more...)
}

func TestFollowerFound(t *testing.T) {
	data := func(seq uint32, n int) tcpFrame { return tcpFrame{flags: fACK, seq: seq, payload: n} }
	twice := data(1, 536)
	twice.id = 7
	tests := []struct {
		name   string
		frames []tcpFrame
		over   int // segments longer than offered, all sightings
		again  int
		fitted int
		acks   string // "i" inside, "w" whole
		resets int
		none   bool
	}{
		{name: "no more than usual", frames: opened(1460, data(1, 1460)), none: true},
		{name: "a handshake below the floor", frames: opened(512)},
		{name: "the floor", frames: opened(512, data(1, 536), data(537, 536)), over: 2},
		{name: "with time stamps", frames: opened(512, tcpFrame{flags: fACK, payload: 524, stamps: true}), over: 1},
		{name: "too long by its options alone", frames: opened(512, tcpFrame{flags: fACK, payload: 508, stamps: true}, tcpFrame{flags: fACK, payload: 508, stamps: true}), over: 2, again: 1},
		{name: "options count", frames: opened(512, tcpFrame{flags: fACK, payload: 500, stamps: true}), fitted: 1},
		{name: "sent again", frames: opened(512, data(1, 536), data(1, 536), data(1, 536)), over: 3, again: 2},
		{name: "captured twice", frames: opened(512, twice, twice), over: 1},
		{name: "the same place, another length", frames: opened(512, data(1, 536), data(1, 600)), over: 2},
		{name: "acknowledged", frames: opened(512, data(1, 536), tcpFrame{back: true, flags: fACK, ack: 537}), over: 1, acks: "w"},
		{name: "acknowledged in part", frames: opened(512, data(1, 2048), tcpFrame{back: true, flags: fACK, ack: 513}), over: 1, acks: "i"},
		{name: "acknowledged in part, then to its end", frames: opened(512, data(1, 2048), tcpFrame{back: true, flags: fACK, ack: 513}, tcpFrame{back: true, flags: fACK, ack: 2049}), over: 1, acks: "iw"},
		{name: "acknowledged before", frames: opened(512, data(1000, 536), tcpFrame{back: true, flags: fACK, ack: 1000}), over: 1},
		{name: "reset", frames: opened(512, data(1, 536), tcpFrame{flags: fRST | fACK}), over: 1, resets: 1},
		{name: "what the server sends", frames: opened(512, tcpFrame{back: true, flags: fACK, payload: 1460}), none: false},
		{name: "no size said", frames: opened(0, data(1, 537)), over: 1},
		{name: "no size said, and kept to", frames: opened(0, data(1, 536)), none: true},
		{name: "a SYN alone", frames: []tcpFrame{{flags: fSYN, mss: 265}}, none: true},
		{name: "a SYN alone, and data that keeps to it", frames: []tcpFrame{{flags: fSYN, mss: 265}, {back: true, flags: fACK, payload: 200}}, fitted: 1},
		{name: "the opening was not seen", frames: []tcpFrame{data(1, 5000)}, none: true},
		{name: "only the answer was seen", frames: []tcpFrame{{back: true, flags: fSYN | fACK, mss: 512}, data(1, 536)}, over: 1},
		{name: "offload beyond the usual offer", frames: opened(1460, data(1, 2920)), over: 1},
		{name: "less than usual", frames: opened(1360, data(1, 1460)), over: 1},
		{name: "IPv6 without a size", frames: []tcpFrame{{six: true, flags: fSYN, mss: 1440}, {six: true, back: true, flags: fSYN | fACK}, {six: true, flags: fACK, payload: 1221}}, over: 1},
		{name: "IPv6 below Windows' floor", frames: []tcpFrame{{six: true, flags: fSYN, mss: 1440}, {six: true, back: true, flags: fSYN | fACK, mss: 500}}, none: true},
		{name: "in VLANs, headers only captured", frames: []tcpFrame{{flags: fSYN, mss: 1460, tags: 2}, {back: true, flags: fSYN | fACK, mss: 512, tags: 2}, {flags: fACK, payload: 536, tags: 2, snap: 68}}, over: 1},
		{name: "in a double tag of the older type", frames: []tcpFrame{{flags: fSYN, mss: 1460, link: "9100"}, {back: true, flags: fSYN | fACK, mss: 512, link: "9100"}, {flags: fACK, payload: 536, link: "9100"}}, over: 1},
		{name: "in SNAP", frames: []tcpFrame{{flags: fSYN, mss: 1460, link: "snap"}, {back: true, flags: fSYN | fACK, mss: 512, link: "snap"}, {flags: fACK, payload: 536, link: "snap"}}, over: 1},
		{name: "in PPPoE", frames: []tcpFrame{{flags: fSYN, mss: 1460, link: "pppoe"}, {back: true, flags: fSYN | fACK, mss: 512, link: "pppoe"}, {flags: fACK, payload: 536, link: "pppoe"}}, over: 1},
		{name: "IPv6 in PPPoE", frames: []tcpFrame{{six: true, flags: fSYN, mss: 1440, link: "pppoe"}, {six: true, back: true, flags: fSYN | fACK, link: "pppoe"}, {six: true, flags: fACK, payload: 1221, link: "pppoe"}}, over: 1},
		{name: "neither checksum nor length yet", frames: []tcpFrame{{flags: fSYN, mss: 1460, blank: true}, {back: true, flags: fSYN | fACK, mss: 512}, {flags: fACK, payload: 5000, blank: true}}, over: 1},
		{name: "a header that was damaged", frames: opened(512, tcpFrame{flags: fACK, payload: 536, sum: 0xbeef})},
		{name: "the SYN behind its answer", frames: []tcpFrame{{back: true, flags: fSYN | fACK, ack: 8, mss: 512}, {flags: fSYN, seq: 7, mss: 1460}, data(8, 536)}, over: 1},
		{name: "the SYN of a new connection", frames: append(opened(512), tcpFrame{flags: fSYN, seq: 900, mss: 1460}, data(901, 536)), none: false},
		{name: "the SYN again", frames: append(opened(512, data(1, 536)), tcpFrame{flags: fSYN, mss: 1460}, data(1, 536)), over: 2, again: 1},
	}
	for _, tt := range tests {
		var s mss.Follower
		play(&s, tt.frames...)
		found, more := s.Connections()
		if more != 0 || (len(found) == 0) != tt.none || len(found) > 1 {
			t.Errorf("%s: %d connections, %d more", tt.name, len(found), more)
			continue
		}
		if tt.none {
			continue
		}
		if found[0].Client.Port() != 50000 || found[0].Server.Port() != 25 {
			t.Errorf("%s: from %v to %v", tt.name, found[0].Client, found[0].Server)
		}
		mss := map[netip.AddrPort]int{}
		over, again, fitted, resets, acks := 0, 0, 0, 0, ""
		for _, it := range found[0].Items {
			switch f := it.Fact.(type) {
			case evidence.TCP:
				if f.RST {
					resets += it.Count
				} else if it.Count != 1 {
					t.Errorf("%s: a SYN counted %d times", tt.name, it.Count)
				}
				mss[f.Src] = int(f.MSS)
			case evidence.Segment:
				limit := mss[f.Dst]
				if limit == 0 {
					limit = 536
				}
				if f.Size() <= limit {
					fitted += it.Count
					continue
				}
				over += it.Count
				if f.Again {
					again += it.Count
				}
			case evidence.Ack:
				if f.Inside {
					acks += "i"
				} else {
					acks += "w"
				}
			}
			if len(it.Frame.Data) == 0 || len(it.Frame.Data) > 256 || it.Frame.Length < len(it.Frame.Data) {
				t.Errorf("%s: a frame of %d bytes kept, %d long", tt.name, len(it.Frame.Data), it.Frame.Length)
			}
		}
		if over != tt.over || again != tt.again || fitted != tt.fitted || acks != tt.acks || resets != tt.resets {
			t.Errorf("%s: %d over, %d again, %d fitted, acknowledged %q, %d resets; want %d, %d, %d, %q, %d",
				tt.name, over, again, fitted, acks, resets, tt.over, tt.again, tt.fitted, tt.acks, tt.resets)
		}
	}
}

// Many connections, and ports used again, stay within bounds; those of evidence
// are not forgotten.
func TestFollowerBounds(t *testing.T) {
	var s mss.Follower
	play(&s, opened(512, tcpFrame{flags: fACK, payload: 536})...)
	for n := range 20_000 {
		port := uint16(1024 + n%60_000)
		play(&s, tcpFrame{port: port, flags: fSYN, seq: uint32(n), mss: 1460}, tcpFrame{port: port, back: true, flags: fSYN | fACK, mss: 1460})
	}
	for n := range 2 * mss.MaxOfEvidence {
		port := uint16(2000 + n)
		play(&s, tcpFrame{port: port, flags: fSYN, seq: 7, mss: 400}, tcpFrame{port: port, back: true, flags: fSYN | fACK, mss: 1460})
	}
	for n := range 5000 { // somebody tries ports
		play(&s, tcpFrame{port: uint16(10_000 + n), flags: fSYN, seq: 9, mss: 265})
	}
	found, more := s.Connections()
	if len(found) != mss.MaxOfEvidence || more != mss.MaxOfEvidence+1 {
		t.Errorf("%d connections, %d more", len(found), more)
	}
	if found[0].Client.Port() != 50000 || len(found[0].Items) != 3 {
		t.Errorf("the first one: %v, %d items", found[0].Client, len(found[0].Items))
	}
}

// The worst stay: what exceeds an offer takes the place of a remark whenever it
// comes, and what gives way is counted.
func TestFollowerKeepTheWorst(t *testing.T) {
	const many = mss.MaxOfEvidence + 100
	connect := func(s *mss.Follower, port uint16, mss uint16, more ...tcpFrame) {
		all := []tcpFrame{{port: port, flags: fSYN, mss: 1460}, {port: port, back: true, flags: fSYN | fACK, mss: mss}}
		for _, f := range more {
			f.port = port
			all = append(all, f)
		}
		play(s, all...)
	}
	remark := func(s *mss.Follower, port uint16) { connect(s, port, 1460, tcpFrame{flags: fACK, payload: 2920}) }
	small := func(s *mss.Follower, port uint16) { connect(s, port, 512) }
	again := tcpFrame{flags: fACK, seq: 1, payload: 536}
	is := map[string]func(s *mss.Follower){
		"lost": func(s *mss.Follower) { connect(s, 60_000, 512, again, again) },
		"two of the floor": func(s *mss.Follower) {
			connect(s, 60_000, 512, again, tcpFrame{flags: fACK, seq: 537, payload: 536})
		},
		"below the floor":   func(s *mss.Follower) { small(s, 60_000) },
		"a remark":          func(s *mss.Follower) { remark(s, 60_000) },
		"kept to, then not": func(s *mss.Follower) { connect(s, 60_000, 512, tcpFrame{flags: fACK, payload: 512}, again, again) },
		"long, then one is lost": func(s *mss.Follower) {
			connect(s, 60_000, 512, tcpFrame{flags: fACK, seq: 9, payload: 5120}, again, again)
		},
	}
	flood := map[string]func(s *mss.Follower, port uint16){"remarks": remark, "small offers": small}
	for _, tt := range []struct {
		flood, is string
		kept      bool
	}{
		{"remarks", "lost", true}, {"remarks", "two of the floor", true}, {"remarks", "below the floor", true}, {"remarks", "a remark", false},
		{"remarks", "kept to, then not", true}, {"remarks", "long, then one is lost", true},
		{"small offers", "lost", true}, {"small offers", "two of the floor", true}, {"small offers", "below the floor", false}, {"small offers", "a remark", false},
	} {
		for _, first := range []bool{false, true} {
			var s mss.Follower
			if first {
				is[tt.is](&s)
			}
			for n := range many {
				flood[tt.flood](&s, uint16(2000+n))
			}
			if !first {
				is[tt.is](&s)
			}
			found, more := s.Connections()
			at := slices.IndexFunc(found, func(c mss.Followed) bool { return c.Client.Port() == 60_000 })
			if len(found) != mss.MaxOfEvidence || more != many+1-len(found) || at < 0 && (tt.kept || first && tt.is != "a remark") {
				t.Errorf("%s, then %s (the other way: %v): at %d of %d, %d more", tt.flood, tt.is, first, at, len(found), more)
			}
			if at < 0 || !tt.kept {
				continue
			}
			over := 0
			for _, it := range found[at].Items {
				if f, ok := it.Fact.(evidence.Segment); ok && f.Size() == 536 {
					over += it.Count
				}
			}
			if want := 2; tt.is != "below the floor" && over != want {
				t.Errorf("%s, then %s: %d segments of evidence, want %d", tt.flood, tt.is, over, want)
			}
		}
	}
}

// Of one connection, what a card cuts crowds out nothing that it does not.
func TestFollowerKeepTheWorstOfOne(t *testing.T) {
	var s mss.Follower
	frames := opened(512)
	for n := range 200 {
		frames = append(frames, tcpFrame{flags: fACK, seq: uint32(10_000 * n), payload: 1600 + n}, tcpFrame{back: true, flags: fACK, ack: uint32(10_000*n + 512)})
	}
	lost := tcpFrame{flags: fACK, seq: 1 << 30, payload: 536}
	play(&s, append(frames, lost, lost, lost, tcpFrame{flags: fRST})...)
	found, _ := s.Connections()
	again, resets, unkept := 0, 0, 0
	for _, it := range found[0].Items {
		switch f := it.Fact.(type) {
		case evidence.Segment:
			if f.Again {
				again += it.Count
			}
		case evidence.TCP:
			if f.RST {
				resets++
			}
		case evidence.Unkept:
			unkept += it.Count
		}
	}
	if again != 2 || resets != 1 || unkept < 180 {
		t.Errorf("%d sent again, %d resets, %d facts left out", again, resets, unkept)
	}
}

// Remarks of many facts use up no memory that the worst needs.
func TestFollowerMemoryIsTheWorsts(t *testing.T) {
	var s mss.Follower
	for port := range uint16(mss.MaxOfEvidence - 1) {
		frames := []tcpFrame{{port: 2000 + port, flags: fSYN, mss: 1460, stamps: true}, {port: 2000 + port, back: true, flags: fSYN | fACK, mss: 1200}}
		for n := range 20 {
			frames = append(frames, tcpFrame{port: 2000 + port, flags: fACK, seq: uint32(10_000 * n), payload: 2000 + n}, tcpFrame{port: 2000 + port, back: true, flags: fACK, ack: uint32(10_000*n + 1200 + n)},
				tcpFrame{port: 2000 + port, flags: fACK, seq: uint32(10_000*n + 5000), payload: 1210 + n})
		}
		play(&s, frames...)
	}
	lost := tcpFrame{port: 60_000, flags: fACK, seq: 1, payload: 536}
	play(&s, tcpFrame{port: 60_000, flags: fSYN, mss: 1460}, tcpFrame{port: 60_000, back: true, flags: fSYN | fACK, mss: 512}, lost, lost)
	found, more := s.Connections()
	at := slices.IndexFunc(found, func(c mss.Followed) bool { return c.Client.Port() == 60_000 })
	if at < 0 || len(found[at].Items) != 4 || more == 0 {
		t.Errorf("at %d of %d, %d more", at, len(found), more)
		return
	}
	for _, it := range found[at].Items {
		if it.Fact.Kind() == evidence.KindUnkept {
			t.Errorf("%+v", it)
		}
	}
}

// SYNs without an answer, as of a scan, push out no connection that was answered.
func TestFollowerScan(t *testing.T) {
	var s mss.Follower
	play(&s, opened(512)...)
	for n := range 3 * mss.MaxConnections {
		play(&s, tcpFrame{port: uint16(1000 + n), flags: fSYN, mss: 1460})
	}
	lost := tcpFrame{flags: fACK, seq: 1, payload: 536}
	play(&s, lost, lost)
	found, _ := s.Connections()
	if len(found) != 1 || len(found[0].Items) != 4 {
		t.Errorf("%+v", found)
	}
}

// A segment of no interest costs no allocation, whatever else goes on.
func TestFollowerNoAllocation(t *testing.T) {
	var s mss.Follower
	play(&s, opened(512, tcpFrame{flags: fACK, payload: 536})...)
	play(&s, tcpFrame{port: 3000, flags: fSYN, mss: 1460}, tcpFrame{port: 3000, back: true, flags: fSYN | fACK, mss: 1460})
	for name, f := range map[string]tcpFrame{
		"data": {port: 3000, flags: fACK, payload: 1460}, "an acknowledgement": {port: 3000, back: true, flags: fACK},
		"a stranger's data": {port: 4000, flags: fACK, payload: 1460}, "a stranger's long data": {port: 4000, flags: fACK, payload: 5000},
		"IPv6": {six: true, port: 4000, flags: fACK, payload: 1440},
	} {
		b := f.bytes()
		frame := &evidence.Frame{Data: b, Length: len(b)}
		if n := testing.AllocsPerRun(100, func() { s.Frame(frame) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzFollower: whatever the frames are, what is kept is within bounds and of
// the ends that it is said to be of.
func FuzzFollower(f *testing.F) {
	seeds := 0
	for _, frames := range [][]tcpFrame{
		opened(512, tcpFrame{flags: fACK, payload: 536}, tcpFrame{back: true, flags: fACK, ack: 100}),
		opened(0, tcpFrame{flags: fACK, payload: 600, stamps: true}, tcpFrame{flags: fRST}),
		{{six: true, flags: fSYN, mss: 1440}, {six: true, back: true, flags: fSYN | fACK}, {six: true, flags: fACK, payload: 1300}},
	} {
		var all []byte
		for _, fr := range frames {
			if fr.port == 0 {
				fr.port = 50000
			}
			fr.snap = 90
			b := fr.bytes()
			all = append(all, byte(len(b)))
			all = append(all, b...)
		}
		var s mss.Follower
		feedPieces(&s, all)
		if found, _ := s.Connections(); len(found) == 1 {
			seeds++
		}
		f.Add(all)
	}
	if seeds != 3 {
		f.Fatalf("%d seeds of 3 hold a connection of evidence", seeds)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s mss.Follower
		feedPieces(&s, b)
		found, _ := s.Connections()
		for _, c := range found {
			if len(c.Items) == 0 || len(c.Items) > 80 || !c.Client.IsValid() || !c.Server.IsValid() {
				t.Errorf("%+v", c)
			}
			for _, it := range c.Items {
				if seg, ok := it.Fact.(evidence.Segment); ok {
					ends := seg.Src == c.Client && seg.Dst == c.Server || seg.Src == c.Server && seg.Dst == c.Client
					if !ends || seg.Payload <= 0 || seg.Options < 0 || seg.Payload > 65535 {
						t.Errorf("%v to %v: %+v", c.Client, c.Server, seg)
					}
				}
			}
		}
	})
}

// feedPieces takes bytes for frames, each behind its length.
func feedPieces(s *mss.Follower, b []byte) {
	at := time.Unix(1_700_000_000, 0)
	for len(b) > 0 {
		n := min(int(b[0]), len(b)-1)
		at = at.Add(10 * time.Millisecond)
		s.Frame(&evidence.Frame{Time: at, Data: b[1 : 1+n], Length: n, Place: "x"})
		b = b[1+n:]
	}
}
