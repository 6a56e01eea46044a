package observe_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/observe"
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
	snap      int // bytes captured; 0 is all
}

func (f tcpFrame) bytes() []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for range f.tags {
		b = append(b, 0x81, 0, 0, 63)
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
		b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0, byte(length>>8), byte(length), 6, 64)
		b = append(append(b, from...), to...)
	} else {
		at := len(b) + 2
		b = append(b, 0x08, 0x00, 0x45, 0, byte((20+length)>>8), byte(20+length), byte(f.id>>8), byte(f.id), 0x40, 0, 64, 6, 0, 0)
		b = append(append(b, from...), to...)
		sum := uint32(0)
		for i := at; i < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		binary.BigEndian.PutUint16(b[at+10:], ^uint16(sum))
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
func play(s *observe.Segments, frames ...tcpFrame) {
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

func TestSegmentsFound(t *testing.T) {
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
		{name: "the SYN again", frames: append(opened(512, data(1, 536)), tcpFrame{flags: fSYN, mss: 1460}, data(1, 536)), over: 2, again: 1},
	}
	for _, tt := range tests {
		var s observe.Segments
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
func TestSegmentsBounds(t *testing.T) {
	var s observe.Segments
	play(&s, opened(512, tcpFrame{flags: fACK, payload: 536})...)
	for n := range 20_000 {
		port := uint16(1024 + n%60_000)
		play(&s, tcpFrame{port: port, flags: fSYN, seq: uint32(n), mss: 1460}, tcpFrame{port: port, back: true, flags: fSYN | fACK, mss: 1460})
	}
	for n := range 2 * observe.MaxOfEvidence {
		port := uint16(2000 + n)
		play(&s, tcpFrame{port: port, flags: fSYN, seq: 7, mss: 400}, tcpFrame{port: port, back: true, flags: fSYN | fACK, mss: 1460})
	}
	for n := range 5000 { // somebody tries ports
		play(&s, tcpFrame{port: uint16(10_000 + n), flags: fSYN, seq: 9, mss: 265})
	}
	found, more := s.Connections()
	if len(found) != observe.MaxOfEvidence || more != observe.MaxOfEvidence+1 {
		t.Errorf("%d connections, %d more", len(found), more)
	}
	if found[0].Client.Port() != 50000 || len(found[0].Items) != 3 {
		t.Errorf("the first one: %v, %d items", found[0].Client, len(found[0].Items))
	}
}

// A segment of no interest costs no allocation, whatever else goes on.
func TestSegmentsNoAllocation(t *testing.T) {
	var s observe.Segments
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

// FuzzSegments: whatever the frames are, what is kept is within bounds and of
// the ends that it is said to be of.
func FuzzSegments(f *testing.F) {
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
		var s observe.Segments
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
		var s observe.Segments
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
func feedPieces(s *observe.Segments, b []byte) {
	at := time.Unix(1_700_000_000, 0)
	for len(b) > 0 {
		n := min(int(b[0]), len(b)-1)
		at = at.Add(10 * time.Millisecond)
		s.Frame(&evidence.Frame{Time: at, Data: b[1 : 1+n], Length: n, Place: "x"})
		b = b[1+n:]
	}
}
