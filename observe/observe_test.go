package observe_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/observe"
)

var (
	prober = mustMAC("02:00:00:00:00:0a")
	node   = mustMAC("00:0c:29:aa:bb:01")
	vipMAC = mustMAC("03:00:5e:11:11:11")
)

func mustMAC(s string) mac.Addr {
	a, err := mac.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// reply is a cluster host's answer for 172.16.63.241, asked by 172.16.63.10.
var reply = []byte{
	0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, // destination: the asker
	0x00, 0x0c, 0x29, 0xaa, 0xbb, 0x01, // source: the host's own address
	0x08, 0x06, // ARP
	0x00, 0x01, // hardware: Ethernet
	0x08, 0x00, // protocol: IPv4
	0x06, 0x04, // address lengths
	0x00, 0x02, // reply
	0x03, 0x00, 0x5e, 0x11, 0x11, 0x11, // sender MAC: the cluster's
	172, 16, 63, 241, // sender IP: the VIP
	0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, // target MAC
	172, 16, 63, 10, // target IP
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // padding to 60 bytes
}

// splice returns b with the bytes from..to replaced by with.
func splice(b []byte, from, to int, with ...byte) []byte {
	out := append([]byte{}, b[:from]...)
	out = append(out, with...)
	return append(out, b[to:]...)
}

func TestFactsARP(t *testing.T) {
	want := evidence.ARP{
		Op: evidence.Reply, EthSrc: node, EthDst: prober,
		SenderMAC: vipMAC, SenderIP: netip.MustParseAddr("172.16.63.241"),
		TargetMAC: prober, TargetIP: netip.MustParseAddr("172.16.63.10"),
	}
	tagged := want
	tagged.VLAN = 20
	out := want
	out.Out = true
	tests := []struct {
		name  string
		frame evidence.Frame
		want  evidence.Fact
	}{
		{"plain", evidence.Frame{Data: reply}, want},
		{"without padding", evidence.Frame{Data: reply[:42]}, want},
		{"our own", evidence.Frame{Data: reply, Out: true}, out},
		{"tag taken off by the kernel", evidence.Frame{Data: reply, VLAN: 20}, tagged},
		{"tag in the frame", evidence.Frame{Data: splice(reply, 12, 12, 0x81, 0x00, 0x60, 20)}, tagged},
		{"provider's and customer's tag", evidence.Frame{Data: splice(reply, 12, 12, 0x88, 0xa8, 0, 99, 0x81, 0, 0, 20)}, tagged},
		{"two tags of one type", evidence.Frame{Data: splice(reply, 12, 12, 0x81, 0, 0, 99, 0x81, 0, 0, 20)}, tagged},
		{"provider's tag taken off, customer's in the frame", evidence.Frame{Data: splice(reply, 12, 12, 0x81, 0, 0, 20), VLAN: 99}, tagged},
		// A priority tag names no VLAN.
		{"priority tag", evidence.Frame{Data: splice(reply, 12, 12, 0x81, 0x00, 0xe0, 0)}, want},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := observe.Facts(nil, &tt.frame)
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestFactsBadARP(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		want  evidence.Reason
	}{
		{"nothing after the ethertype", reply[:14], evidence.ReasonShort},
		{"cut in the fixed part", reply[:21], evidence.ReasonShort},
		{"cut in the last address", reply[:41], evidence.ReasonShort},
		{"hardware type 6, IEEE 802", splice(reply, 14, 16, 0, 6), evidence.ReasonHardware},
		{"protocol IPv6", splice(reply, 16, 18, 0x86, 0xdd), evidence.ReasonProtocol},
		{"hardware length 0", splice(reply, 18, 19, 0), evidence.ReasonLengths},
		{"hardware length 8", splice(reply, 18, 19, 8), evidence.ReasonLengths},
		// Encoding such a packet again makes the codec panic.
		{"hardware length 255", splice(reply, 18, 19, 255), evidence.ReasonLengths},
		{"protocol length 16", splice(reply, 19, 20, 16), evidence.ReasonLengths},
		{"operation 0", splice(reply, 20, 22, 0, 0), evidence.ReasonOperation},
		{"reverse ARP's operation", splice(reply, 20, 22, 0, 3), evidence.ReasonOperation},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := observe.Facts(nil, &evidence.Frame{Data: tt.frame})
			want := evidence.BadARP{EthSrc: node, Reason: tt.want}
			if len(got) != 1 || got[0] != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestFactsNone(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
	}{
		{"empty", nil},
		{"13 bytes", reply[:13]},
		{"IPv4", splice(reply, 12, 14, 0x08, 0x00)},
		{"cut in a tag", splice(reply[:14], 12, 14, 0x81, 0x00, 0x00)},
		{"three tags", splice(reply, 12, 12, 0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frame := evidence.Frame{Data: tt.frame}
			var got []evidence.Fact
			allocs := testing.AllocsPerRun(100, func() { got = observe.Facts(got[:0], &frame) })
			if len(got) != 0 {
				t.Errorf("got %+v, want nothing", got)
			}
			if allocs != 0 {
				t.Errorf("%v allocations for a frame that says nothing", allocs)
			}
		})
	}
}

// FuzzFacts holds that every fact of an ARP frame is either bad for a named
// reason, or a packet that encodes back to the bytes that it came from. FuzzIP
// does the other kinds.
func FuzzFacts(f *testing.F) {
	seeds := [][]byte{
		reply, reply[:42], reply[:20],
		splice(reply, 12, 12, 0x81, 0x00, 0x60, 20),
		splice(reply, 12, 12, 0x88, 0xa8, 0, 99, 0x81, 0, 0, 20),
		splice(reply, 18, 19, 255),
		splice(reply, 16, 18, 0x86, 0xdd),
	}
	for _, s := range seeds {
		if got := observe.Facts(nil, &evidence.Frame{Data: s}); len(got) != 1 {
			f.Fatalf("seed % x gives %d facts", s, len(got))
		}
		f.Add(s, uint16(0), false)
	}
	reasons := map[evidence.Reason]bool{
		evidence.ReasonShort: true, evidence.ReasonHardware: true, evidence.ReasonProtocol: true,
		evidence.ReasonLengths: true, evidence.ReasonOperation: true,
	}
	f.Fuzz(func(t *testing.T, data []byte, vlan uint16, out bool) {
		frame := evidence.Frame{Time: time.Unix(0, 0), Data: bytes.Clone(data), VLAN: vlan, Out: out}
		facts := observe.Facts(nil, &frame)
		if !bytes.Equal(frame.Data, data) {
			t.Fatal("the frame was changed")
		}
		for _, fact := range facts {
			switch fact := fact.(type) {
			case evidence.BadARP:
				if !reasons[fact.Reason] {
					t.Errorf("reason %v is not one of the set", fact.Reason)
				}
			case evidence.ARP:
				if fact.Out != out {
					t.Error("the direction was lost")
				}
				p, err := arp.NewPacket(arp.Operation(fact.Op), fact.SenderMAC.HardwareAddr(), fact.SenderIP,
					fact.TargetMAC.HardwareAddr(), fact.TargetIP)
				if err != nil {
					t.Fatal(err)
				}
				b, err := p.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Contains(data, b) {
					t.Errorf("% x is not in the frame % x", b, data)
				}
				if fact.EthDst != mac.From(data) || fact.EthSrc != mac.From(data[6:]) {
					t.Error("the Ethernet addresses are not the frame's")
				}
			}
		}
		// A second reader, the library, must see the same where it reads at all.
		var e ethernet.Frame
		if err := e.UnmarshalBinary(data); err == nil && e.EtherType == ethernet.EtherTypeARP && len(facts) != 1 {
			t.Errorf("the ethernet package sees ARP, %d facts", len(facts))
		}
	})
}

func BenchmarkFacts(b *testing.B) {
	other := evidence.Frame{Data: splice(reply, 12, 14, 0x08, 0x00)}
	answer := evidence.Frame{Data: reply}
	for _, bb := range []struct {
		name  string
		frame *evidence.Frame
	}{{"answer", &answer}, {"other", &other}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var facts []evidence.Fact
			for b.Loop() {
				facts = observe.Facts(facts[:0], bb.frame)
			}
		})
	}
}
