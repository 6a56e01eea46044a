package observe_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/observe"
)

// FuzzIP holds of every frame: padding and a tag change no fact; a second
// reader, x/net, sees the same header; and a fact's values, written out again by
// the RFC, are the frame's bytes.
func FuzzIP(f *testing.F) {
	for _, s := range [][]byte{
		echoFrame, redirectFrame, unreachableFrame, exceededFrame, synFrame, unreachableTCPFrame,
		vrrp2Frame, vrrp3Frame, hsrp1Frame, hsrp2Frame,
		splice(echoFrame, 12, 12, 0x88, 0xa8, 0, 99, 0x81, 0, 0, 20),
		splice(echoFrame, 12, 12, 0x92, 0, 0, 99, 0x91, 0, 0, 20),
		splice(echoFrame, 12, 12, 0, 60, 0xaa, 0xaa, 3, 0, 0, 0),
		mend(splice(splice(echoFrame, ipAt+20, ipAt+20, 0x94, 4, 0, 0), ipAt, ipAt+1, 0x46)),
		mend(unreachableFrame[:icmpAt+8+25]),
		splice(synFrame, tcpAt+13, tcpAt+14, 0x12),
		sealIP(splice(echoFrame, ipAt+6, ipAt+8, 0x20, 0)),
	} {
		if got := observe.Facts(nil, &evidence.Frame{Data: s}); len(got) != 1 {
			f.Fatalf("seed % x gives %d facts", s, len(got))
		}
		f.Add(s, uint16(0), uint16(7), false, false)
		f.Add(s[:len(s)-3], uint16(3), uint16(20), true, false)
		// Most changes break a checksum: a mended frame gets further in.
		f.Add(s, uint16(0), uint16(1), false, true)
	}
	f.Add([]byte("\x01\x00\x5e\x00\x00\x01\x02\xbf\x0a\x00\x00\x01\x86\xdd"), uint16(0), uint16(1), false, false)
	f.Add(splice(echoFrame, 6, 12, 2, 0xbf, 10, 0, 0, 1), uint16(0), uint16(1), false, true)
	f.Add(splice(echoFrame, ipAt+9, ipAt+10, 99), uint16(0), uint16(1), false, true)
	f.Add(splice(splice(echoFrame, ipAt+9, ipAt+10, 99), 6, 12, 2, 0xbf, 10, 0, 0, 1), uint16(0), uint16(1), false, true)
	unmade := splice(unreachableFrame, ipAt+10, ipAt+12, 0x30, 0x30)
	f.Add(unmade, uint16(0), uint16(1), true, false)
	f.Add(unmade, uint16(0), uint16(1), false, false)
	f.Add(splice(unreachableFrame, ipAt+10, ipAt+12, 0, 0), uint16(0), uint16(1), false, false)
	f.Fuzz(func(t *testing.T, data []byte, missing, vlan uint16, out, repair bool) {
		vlan = vlan%4094 + 1
		if repair && len(data) >= ipAt+20 && data[12] == 8 && data[13] == 0 && data[ipAt]&0x0f >= 5 && len(data) >= ipAt+int(data[ipAt]&0x0f)*4 {
			data = mend(data)
		}
		frame := evidence.Frame{Data: bytes.Clone(data), Length: len(data) + int(missing), VLAN: vlan, Out: out}
		facts := observe.Facts(nil, &frame)
		if !bytes.Equal(frame.Data, data) {
			t.Fatal("the frame was changed")
		}
		// FuzzCluster's, and only a report of version 3 says several things.
		cluster := slices.ContainsFunc(facts, isCluster)
		if len(facts) > 1 && !cluster {
			t.Fatalf("%d facts", len(facts))
		}

		var w observe.Watch
		if len(data) >= 14 {
			w.AddMAC(mac.From(data))
		}
		watched := w.Facts(nil, &frame)
		// A frame from a cluster's MAC is traffic even if nothing is watched.
		unwatched := len(facts) == 1 && facts[0].Kind() == evidence.KindTraffic
		if len(facts) == 1 && !unwatched && !slices.Equal(watched, facts) {
			t.Errorf("watching changes %+v to %+v", facts, watched)
		}
		if (len(facts) == 0 || unwatched) && len(watched) == 1 {
			traffic, ok := watched[0].(evidence.Traffic)
			if !ok || traffic.EthSrc != mac.From(data[6:]) || traffic.EthDst != mac.From(data) || traffic.Out != out {
				t.Errorf("%+v of % x", watched[0], data)
			}
		}
		tagged := false
		if len(data) >= 14 {
			tagged = tag(data[12:])
			if !tagged && len(watched) != 1 && !cluster {
				t.Errorf("a frame to a watched MAC gives %+v", watched)
			}
		}

		// Padding makes a packet whole that was too short for ARP.
		bad := false
		if len(facts) == 1 {
			_, bad = facts[0].(evidence.BadARP)
			bad = bad || cluster || unwatched
		}
		if missing == 0 && len(facts) == 1 && !bad {
			padded := frame
			padded.Data = append(bytes.Clone(data), 0xaa, 0xbb, 0xcc)
			padded.Length = len(padded.Data)
			if got := observe.Facts(nil, &padded); !slices.Equal(got, facts) {
				t.Errorf("padded: %+v\nnot      %+v", got, facts)
			}
		}
		if len(data) >= 14 && !tagged {
			inside := frame
			inside.Data = splice(data, 12, 12, 0x81, 0, byte(vlan>>8), byte(vlan))
			inside.Length, inside.VLAN = len(inside.Data)+int(missing), 0
			if got := observe.Facts(nil, &inside); !slices.Equal(got, facts) {
				t.Errorf("tagged: %+v\nnot      %+v", got, facts)
			}
		}
		for _, fact := range facts {
			hold(t, data, fact, out)
		}
	})
}

// tag reports whether b begins with the EtherType of a VLAN tag: IEEE 802.1Q,
// 802.1ad, or one of those used before it.
func tag(b []byte) bool {
	switch binary.BigEndian.Uint16(b) {
	case 0x8100, 0x88a8, 0x9100, 0x9200:
		return true
	}
	return false
}

// hold compares a fact with the frame's bytes.
func hold(t *testing.T, data []byte, fact evidence.Fact, out bool) {
	at := 14
	for range 2 {
		if tag(data[at-2:]) {
			at += 4
		}
	}
	// A length instead of an EtherType, and SNAP behind it (IEEE 802, RFC 1042).
	if binary.BigEndian.Uint16(data[at-2:]) < 0x0600 {
		at += 8
	}
	var src, dst netip.Addr
	var ethSrc mac.Addr
	var payload []byte // the start of what follows the IPv4 header, written again
	ttl, protocol := -1, 0
	switch f := fact.(type) {
	case evidence.ARP, evidence.BadARP:
		return // FuzzFacts's
	case evidence.IGMP, evidence.Heartbeat, evidence.Malformed:
		return // FuzzCluster's
	case evidence.Traffic:
		if f.EthSrc != mac.From(data[6:]) || f.EthDst != mac.From(data) || f.EthSrc[0] != 0x02 || f.EthSrc[1] != 0xbf || f.Out != out {
			t.Errorf("%+v of % x", f, data)
		}
		return
	case evidence.Echo:
		src, dst, ethSrc, ttl, protocol = f.Src, f.Dst, f.EthSrc, int(f.TTL), 1
		if f.Out != out || f.EthDst != mac.From(data) {
			t.Error("the direction or the destination was lost")
		}
		header := at + int(data[at]&0x0f)*4
		m, err := icmp.ParseMessage(1, data[header:])
		if err != nil {
			t.Fatalf("x/net reads no ICMP: %v", err)
		}
		e, ok := m.Body.(*icmp.Echo)
		if !ok || e.ID != int(f.ID) || (m.Type == ipv4.ICMPTypeEchoReply) != f.Reply {
			t.Errorf("x/net reads %+v", m)
		}
		payload = []byte{8, 0}
		if f.Reply {
			payload[0] = 0
		}
	case evidence.ICMPError:
		src, dst, ethSrc, protocol = f.From, f.To, f.EthSrc, 1
		payload = []byte{f.Type, f.Code}
		holdQuote(t, data[at+int(data[at]&0x0f)*4+8:], f)
	case evidence.TCP:
		src, dst, ethSrc, ttl, protocol = f.Src.Addr(), f.Dst.Addr(), f.EthSrc, int(f.TTL), 6
		if f.Out != out || f.EthDst != mac.From(data) {
			t.Error("the direction or the destination was lost")
		}
		if !f.SYN && !f.RST || f.MSS != 0 && !f.SYN {
			t.Errorf("%+v", f)
		}
		payload = binary.BigEndian.AppendUint16(nil, f.Src.Port())
		payload = binary.BigEndian.AppendUint16(payload, f.Dst.Port())
		if f.MSS != 0 && !bytes.Contains(data[at+40:], binary.BigEndian.AppendUint16([]byte{2, 4}, f.MSS)) {
			t.Errorf("MSS %d is no option of % x", f.MSS, data)
		}
	case evidence.Hello:
		src, ethSrc, protocol = f.From, f.EthSrc, 112
		dst = netip.AddrFrom4([4]byte(data[at+16:]))
		switch f.Protocol {
		case evidence.VRRPv2, evidence.VRRPv3:
			payload = []byte{(f.Protocol.String()[5]-'0')<<4 | 1, byte(f.Group), f.Priority}
		case evidence.HSRPv1, evidence.HSRPv2:
			protocol = 17
		default:
			t.Errorf("protocol %v", f.Protocol)
		}
		if f.Virtual.IsValid() && !bytes.Contains(data[at+20:], f.Virtual.AsSlice()) {
			t.Errorf("%v is not in % x", f.Virtual, data)
		}
	default:
		t.Fatalf("unexpected %T", fact)
	}

	h, err := ipv4.ParseHeader(data[at:])
	if err != nil {
		t.Fatalf("x/net reads no header: %v", err)
	}
	if a, _ := netip.AddrFromSlice(h.Src.To4()); a != src {
		t.Errorf("from %v, x/net reads %v", src, h.Src)
	}
	if a, _ := netip.AddrFromSlice(h.Dst.To4()); a != dst {
		t.Errorf("to %v, x/net reads %v", dst, h.Dst)
	}
	// What this host sends is captured before its card makes the checksum, and a
	// checksum of 0 was not made either.
	summed := !out && h.Checksum != 0
	if h.Protocol != protocol || ttl >= 0 && h.TTL != ttl || h.FragOff != 0 || summed && checksum(data[at:at+h.Len]) != 0 {
		t.Errorf("x/net reads %v for %+v", h, fact)
	}
	if ethSrc != mac.From(data[6:]) {
		t.Error("the Ethernet source is not the frame's")
	}
	if got := data[at+h.Len:]; !bytes.HasPrefix(got, payload) {
		t.Errorf("%+v is not of % x", fact, got)
	}
}

// holdQuote compares what an error quotes with the bytes from the quoted header
// on. Where they end, or say something else, the fact says nothing.
func holdQuote(t *testing.T, b []byte, f evidence.ICMPError) {
	if !f.Src.IsValid() {
		if f.Dst.IsValid() || f.Protocol != 0 || f.ID != 0 || f.Port != 0 {
			t.Errorf("no source, yet %+v", f)
		}
		return
	}
	h, err := ipv4.ParseHeader(b)
	if err != nil && f.ID != 0 {
		t.Fatalf("x/net reads no quoted header: %v", err)
	}
	if err == nil && (!h.Src.Equal(f.Src.AsSlice()) || !h.Dst.Equal(f.Dst.AsSlice()) || h.Protocol != int(f.Protocol)) {
		t.Errorf("x/net reads %v for %+v", h, f)
	}
	if f.ID == 0 && f.Port == 0 {
		return
	}
	rest := b[h.Len:]
	switch f.Protocol {
	case 1:
		if binary.BigEndian.Uint16(rest[4:]) != f.ID || f.Port != 0 {
			t.Errorf("%+v of % x", f, rest)
		}
	case 6, 17:
		if binary.BigEndian.Uint16(rest) != f.ID || binary.BigEndian.Uint16(rest[2:]) != f.Port {
			t.Errorf("%+v of % x", f, rest)
		}
	default:
		t.Errorf("%+v: no port is known of this protocol", f)
	}
}

func BenchmarkFactsIP(b *testing.B) {
	segment := splice(synFrame, tcpAt+13, tcpAt+14, 0x10)
	for _, bb := range []struct {
		name  string
		frame []byte
		watch bool
	}{
		{"echo", echoFrame, false}, {"error", unreachableFrame, false}, {"syn", synFrame, false},
		{"vrrp", vrrp2Frame, false}, {"hsrp2", hsrp2Frame, false},
		{"segment", segment, false}, {"segment-watched", segment, true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var w observe.Watch
			if bb.watch {
				w.AddIP(farIP)
				w.AddMAC(vipMAC)
			}
			frame := evidence.Frame{Data: bb.frame, Length: len(bb.frame)}
			var facts []evidence.Fact
			for b.Loop() {
				facts = w.Facts(facts[:0], &frame)
			}
		})
	}
}
