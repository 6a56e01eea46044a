package observe_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/observe"
)

var (
	router = mustMAC("02:00:00:00:00:01")

	proberIP = netip.MustParseAddr("172.16.63.10")
	routerIP = netip.MustParseAddr("172.16.63.1")
	vipIP    = netip.MustParseAddr("172.16.63.241")
	farIP    = netip.MustParseAddr("10.9.0.5")
)

// These frames are Linux 6's, captured between network namespaces with
// tshark -x: a host pings 172.16.63.241, which nobody has, by way of a router on
// the same subnet; pings 10.9.0.5 with a TTL of 1; opens a connection to it.
var (
	echoFrame = []byte{
		0x02, 0x00, 0x00, 0x00, 0x00, 0x01, // to the router
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,
		0x08, 0x00, // IPv4
		0x45, 0x00, 0x00, 0x24, // version 4, 20 bytes of header, 36 in all
		0xd0, 0xc4, 0x40, 0x00, // identification, don't fragment
		0x40, 0x01, 0x92, 0xf8, // TTL 64, ICMP, checksum
		0xac, 0x10, 0x3f, 0x0a, // from 172.16.63.10
		0xac, 0x10, 0x3f, 0xf1, // to 172.16.63.241
		0x08, 0x00, 0x72, 0xfc, // echo request, checksum
		0x78, 0xf2, 0x00, 0x01, // identifier, sequence number
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	}
	redirectFrame = []byte{
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x40, // 64 in all
		0xf3, 0xb4, 0x00, 0x00,
		0x40, 0x01, 0xb0, 0x1c,
		0xac, 0x10, 0x3f, 0x01, // from the router, 172.16.63.1
		0xac, 0x10, 0x3f, 0x0a,
		0x05, 0x01, 0x0e, 0xfd, // redirect for the host
		0xac, 0x10, 0x3f, 0xf1, // gateway: the destination itself
		// What it quotes: echoFrame's datagram with one hop less.
		0x45, 0x00, 0x00, 0x24, 0xd0, 0xc4, 0x40, 0x00, 0x3f, 0x01, 0x93, 0xf8,
		0xac, 0x10, 0x3f, 0x0a, 0xac, 0x10, 0x3f, 0xf1,
		0x08, 0x00, 0x72, 0xfc, 0x78, 0xf2, 0x00, 0x01,
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	}
	// Three seconds later, when nobody has answered the router's ARP requests.
	unreachableFrame = []byte{
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x40,
		0xf5, 0x69, 0x00, 0x00,
		0x40, 0x01, 0xae, 0x67,
		0xac, 0x10, 0x3f, 0x01,
		0xac, 0x10, 0x3f, 0x0a,
		0x03, 0x01, 0xfc, 0xfe, // destination unreachable: host
		0x00, 0x00, 0x00, 0x00,
		0x45, 0x00, 0x00, 0x24, 0xd0, 0xc4, 0x40, 0x00, 0x3f, 0x01, 0x93, 0xf8,
		0xac, 0x10, 0x3f, 0x0a, 0xac, 0x10, 0x3f, 0xf1,
		0x08, 0x00, 0x72, 0xfc, 0x78, 0xf2, 0x00, 0x01,
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	}
	exceededFrame = []byte{
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x40,
		0xf5, 0x6a, 0x00, 0x00,
		0x40, 0x01, 0xae, 0x66,
		0xac, 0x10, 0x3f, 0x01,
		0xac, 0x10, 0x3f, 0x0a,
		0x0b, 0x00, 0xf4, 0xff, // time exceeded in transit
		0x00, 0x00, 0x00, 0x00,
		0x45, 0x00, 0x00, 0x24, 0x98, 0x0d, 0x40, 0x00, 0x01, 0x01, 0xec, 0xa3, // TTL 1
		0xac, 0x10, 0x3f, 0x0a, 0x0a, 0x09, 0x00, 0x05,
		0x08, 0x00, 0x72, 0xfb, 0x78, 0xf3, 0x00, 0x01,
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	}
	synFrame = []byte{
		0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,
		0x08, 0x00,
		0x45, 0x00, 0x00, 0x3c,
		0x37, 0x94, 0x40, 0x00,
		0x40, 0x06, 0x0e, 0x00, // TTL 64, TCP
		0xac, 0x10, 0x3f, 0x0a,
		0x0a, 0x09, 0x00, 0x05,
		0x91, 0x96, 0x01, 0xbb, // from port 37270 to 443
		0x07, 0xd1, 0x93, 0x9c, 0x00, 0x00, 0x00, 0x00, // sequence, acknowledgment
		0xa0, 0x02, 0xfa, 0xf0, // 40 bytes of header, SYN, window
		0xf5, 0x56, 0x00, 0x00, // a checksum that was left to the card
		0x02, 0x04, 0x05, 0xb4, // MSS 1460
		0x04, 0x02, // SACK permitted
		0x08, 0x0a, 0x74, 0xa9, 0x9d, 0xa8, 0x00, 0x00, 0x00, 0x00, // timestamps
		0x01, 0x03, 0x03, 0x0a, // no operation, window scale
	}
	unreachableTCPFrame = []byte{
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x58,
		0xf6, 0x1b, 0x00, 0x00,
		0x40, 0x01, 0xad, 0x9d,
		0xac, 0x10, 0x3f, 0x01,
		0xac, 0x10, 0x3f, 0x0a,
		0x03, 0x01, 0x13, 0xd2,
		0x00, 0x00, 0x00, 0x00,
		0x45, 0x00, 0x00, 0x3c, 0x37, 0x94, 0x40, 0x00, 0x3f, 0x06, 0x0f, 0x00,
		0xac, 0x10, 0x3f, 0x0a, 0x0a, 0x09, 0x00, 0x05,
		0x91, 0x96, 0x01, 0xbb, 0x07, 0xd1, 0x93, 0x9c, 0x00, 0x00, 0x00, 0x00,
		0xa0, 0x02, 0xfa, 0xf0, 0xf5, 0x56, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4,
		0x04, 0x02, 0x08, 0x0a, 0x74, 0xa9, 0x9d, 0xa8, 0x00, 0x00, 0x00, 0x00,
		0x01, 0x03, 0x03, 0x0a,
	}
)

// Where an untagged frame has what, when its IPv4 header has 20 bytes.
const (
	ipAt   = 14
	icmpAt = ipAt + 20
	tcpAt  = ipAt + 20
)

// checksum is that of RFC 1071, as a slow second writer would do it.
func checksum(b []byte) uint16 {
	total := 0
	for i, x := range b {
		if i%2 == 0 {
			total += int(x) << 8
		} else {
			total += int(x)
		}
	}
	total %= 0xffff
	if total == 0 {
		total = 0xffff
	}
	return ^uint16(total)
}

// mend returns the untagged frame with its IPv4 lengths and checksums, and those
// of ICMP, IGMP and VRRP, as they should be for its bytes.
func mend(b []byte) []byte {
	b = append([]byte(nil), b...)
	header := ipAt + int(b[ipAt]&0x0f)*4
	binary.BigEndian.PutUint16(b[ipAt+2:], uint16(len(b)-ipAt))
	binary.BigEndian.PutUint16(b[ipAt+10:], 0)
	binary.BigEndian.PutUint16(b[ipAt+10:], checksum(b[ipAt:header]))
	at := map[byte]int{1: 2, 2: 2, 112: 6}[b[ipAt+9]]
	if at > 0 && len(b) >= header+at+2 {
		binary.BigEndian.PutUint16(b[header+at:], 0)
		binary.BigEndian.PutUint16(b[header+at:], checksum(b[header:]))
	}
	return b
}

// sealIP returns the untagged frame with the checksum of its IPv4 header right
// and all else as it is.
func sealIP(b []byte) []byte {
	b = append([]byte(nil), b...)
	binary.BigEndian.PutUint16(b[ipAt+10:], 0)
	binary.BigEndian.PutUint16(b[ipAt+10:], checksum(b[ipAt:ipAt+int(b[ipAt]&0x0f)*4]))
	return b
}

// swapped returns the untagged IPv4 frame as sent back: MACs and addresses
// exchanged.
func swapped(b []byte) []byte {
	out := append([]byte(nil), b...)
	copy(out, b[6:12])
	copy(out[6:], b[:6])
	copy(out[ipAt+12:], b[ipAt+16:ipAt+20])
	copy(out[ipAt+16:], b[ipAt+12:ipAt+16])
	return out
}

// one holds that the frame gives the wanted fact and nothing else.
func one(t *testing.T, frame evidence.Frame, want evidence.Fact) {
	t.Helper()
	got := observe.Facts(nil, &frame)
	if len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// silent holds that the frame gives nothing, for nothing.
func silent(t *testing.T, frame evidence.Frame) {
	t.Helper()
	var got []evidence.Fact
	allocs := testing.AllocsPerRun(100, func() { got = observe.Facts(got[:0], &frame) })
	if len(got) != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
	if allocs != 0 {
		t.Errorf("%v allocations for a frame that says nothing", allocs)
	}
}

func TestFactsEcho(t *testing.T) {
	want := evidence.Echo{EthSrc: prober, EthDst: router, Src: proberIP, Dst: vipIP, TTL: 64, ID: 0x78f2}
	reply := evidence.Echo{Reply: true, EthSrc: router, EthDst: prober, Src: vipIP, Dst: proberIP, TTL: 64, ID: 0x78f2}
	tagged, out, hop, first := want, want, want, want
	tagged.VLAN, out.Out, hop.TTL, first.ID = 20, true, 63, 0x7800
	tests := []struct {
		name  string
		frame evidence.Frame
		want  evidence.Echo
	}{
		{"request", evidence.Frame{Data: echoFrame}, want},
		{"our own", evidence.Frame{Data: echoFrame, Out: true}, out},
		{"padded", evidence.Frame{Data: append(echoFrame[:50:50], make([]byte, 10)...)}, want},
		// What follows the datagram need not be zero.
		{"padded with what was in memory", evidence.Frame{Data: append(echoFrame[:50:50], 0xde, 0xad)}, want},
		{"tag in the frame", evidence.Frame{Data: splice(echoFrame, 12, 12, 0x81, 0, 0, 20)}, tagged},
		{"tag taken off by the kernel", evidence.Frame{Data: echoFrame, VLAN: 20}, tagged},
		{"one hop further", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt+8, ipAt+9, 63))}, hop},
		{"a router alert option (RFC 2113)", evidence.Frame{Data: mend(splice(splice(echoFrame, ipAt+20, ipAt+20, 0x94, 4, 0, 0), ipAt, ipAt+1, 0x46))}, want},
		{"reply", evidence.Frame{Data: mend(splice(swapped(echoFrame), icmpAt, icmpAt+1, 0))}, reply},
		// The rest of the message is in other frames: its checksum cannot be judged.
		{"first fragment", evidence.Frame{Data: sealIP(splice(splice(echoFrame, ipAt+6, ipAt+8, 0x20, 0), icmpAt+5, icmpAt+6, 0))}, first},
		{"cut by the capture", evidence.Frame{Data: echoFrame[:44], Length: 50}, want},
		{"cut by the capture after the header", evidence.Frame{Data: echoFrame[:42], Length: 50}, want},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { one(t, tt.frame, tt.want) })
	}
}

func TestFactsICMPError(t *testing.T) {
	unreachable := evidence.ICMPError{
		Type: 3, Code: 1, EthSrc: router, From: routerIP, To: proberIP,
		Src: proberIP, Dst: vipIP, Protocol: 1, ID: 0x78f2, Seq: 1,
	}
	redirect := unreachable
	redirect.Type, redirect.Gateway = 5, vipIP
	exceeded := unreachable
	exceeded.Type, exceeded.Code, exceeded.Dst, exceeded.ID = 11, 0, farIP, 0x78f3
	tcp := unreachable
	tcp.Dst, tcp.Protocol, tcp.ID, tcp.Port, tcp.Seq = farIP, 6, 37270, 443, 0x07d1939c
	tagged := unreachable
	tagged.VLAN = 20
	noID, noSeq := unreachable, unreachable
	noID.ID, noID.Seq, noSeq.Seq = 0, 0, 0
	udp := unreachable
	udp.Protocol, udp.ID, udp.Port, udp.Seq = 17, 0x0800, 0x72fc, 0
	other := noID
	other.Protocol = 50
	cut := evidence.ICMPError{Type: 3, Code: 1, EthSrc: router, From: routerIP, To: proberIP}
	const quoteAt = icmpAt + 8
	options := splice(splice(unreachableFrame, quoteAt+20, quoteAt+20, 0x94, 4, 0, 0), quoteAt, quoteAt+1, 0x46)
	tests := []struct {
		name  string
		frame evidence.Frame
		want  evidence.ICMPError
	}{
		{"host unreachable", evidence.Frame{Data: unreachableFrame}, unreachable},
		{"redirect", evidence.Frame{Data: redirectFrame}, redirect},
		{"time exceeded", evidence.Frame{Data: exceededFrame}, exceeded},
		{"about TCP", evidence.Frame{Data: unreachableTCPFrame}, tcp},
		{"tagged", evidence.Frame{Data: splice(unreachableFrame, 12, 12, 0x81, 0, 0, 20)}, tagged},
		// The least that RFC 792 wants to be quoted.
		{"8 bytes of the message", evidence.Frame{Data: mend(unreachableFrame[:quoteAt+28])}, unreachable},
		{"quoted header with options", evidence.Frame{Data: mend(options)}, unreachable},
		{"quoted options cut", evidence.Frame{Data: mend(options[:quoteAt+22])}, noID},
		{"quoted identifier cut", evidence.Frame{Data: mend(unreachableFrame[:quoteAt+25])}, noID},
		{"quoted header cut", evidence.Frame{Data: mend(unreachableFrame[:quoteAt+19])}, cut},
		{"nothing quoted", evidence.Frame{Data: mend(unreachableFrame[:quoteAt])}, cut},
		{"cut by the capture", evidence.Frame{Data: unreachableFrame[:quoteAt+26], Length: len(unreachableFrame)}, noSeq},
		{"quoted version 6", evidence.Frame{Data: mend(splice(unreachableFrame, quoteAt, quoteAt+1, 0x65))}, cut},
		{"quoted header length 16", evidence.Frame{Data: mend(splice(unreachableFrame, quoteAt, quoteAt+1, 0x44))}, cut},
		// Its payload starts in the middle: no identifier stands there.
		{"a later fragment is quoted", evidence.Frame{Data: mend(splice(unreachableFrame, quoteAt+6, quoteAt+8, 0, 1))}, noID},
		{"a timestamp request is quoted", evidence.Frame{Data: mend(splice(unreachableFrame, quoteAt+20, quoteAt+21, 13))}, noID},
		{"UDP is quoted", evidence.Frame{Data: mend(splice(unreachableFrame, quoteAt+9, quoteAt+10, 17))}, udp},
		{"IPsec is quoted", evidence.Frame{Data: mend(splice(unreachableFrame, quoteAt+9, quoteAt+10, 50))}, other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { one(t, tt.frame, tt.want) })
	}
}

// An echo in this tool's form shows its numbers, and so does what quotes one, as
// far as it does. Of others' echoes one fact stands for all of a host's.
func TestFactsToken(t *testing.T) {
	form := []byte("\x01\x02\x03\x04\x05\x06\x07\x08" + evidence.Mark)
	ours := mend(append(slices.Clone(echoFrame[:icmpAt+8]), form...))
	want := evidence.Echo{EthSrc: prober, EthDst: router, Src: proberIP, Dst: vipIP, TTL: 64, ID: 0x78f2, Seq: 1, Token: 0x0102030405060708}
	one(t, evidence.Frame{Data: ours}, want)
	reply, back := splice(ours, icmpAt, icmpAt+1, 0), want
	back.Reply = true
	one(t, evidence.Frame{Data: mend(reply)}, back)
	want.Seq, want.Token = 0, 0
	one(t, evidence.Frame{Data: mend(ours[:len(ours)-1])}, want)
	one(t, evidence.Frame{Data: mend(splice(ours, len(ours)-1, len(ours), 'x'))}, want)

	const quoteAt = icmpAt + 8
	quoting := mend(append(slices.Clone(unreachableFrame[:quoteAt+28]), form...))
	e := evidence.ICMPError{
		Type: 3, Code: 1, EthSrc: router, From: routerIP, To: proberIP, Src: proberIP, Dst: vipIP, Protocol: 1, ID: 0x78f2,
		Seq: 1, Token: 0x0102030405060708, Payload: true,
	}
	one(t, evidence.Frame{Data: quoting}, e)
	e.Seq, e.Token = 0, 0 // another tool's
	one(t, evidence.Frame{Data: mend(splice(quoting, len(quoting)-1, len(quoting), 'x'))}, e)
	e.Seq, e.Payload = 1, false
	one(t, evidence.Frame{Data: mend(quoting[:len(quoting)-1])}, e)
}

func TestFactsTCP(t *testing.T) {
	syn := evidence.TCP{
		EthSrc: prober, EthDst: router, Src: netip.AddrPortFrom(proberIP, 37270), Dst: netip.AddrPortFrom(farIP, 443),
		TTL: 64, SYN: true, MSS: 1460, Number: 0x07d1939c,
	}
	with := func(change func(*evidence.TCP)) evidence.TCP {
		w := syn
		change(&w)
		return w
	}
	flags := func(f byte) []byte { return splice(synFrame, tcpAt+13, tcpAt+14, f) }
	// options replaces the 20 bytes of options by these, ended, and zeros.
	options := func(o ...byte) []byte {
		return splice(synFrame, tcpAt+20, tcpAt+40, append(o, make([]byte, 20-len(o))...)...)
	}
	noMSS := with(func(w *evidence.TCP) { w.MSS = 0 })
	tests := []struct {
		name  string
		frame evidence.Frame
		want  evidence.TCP
	}{
		{"SYN", evidence.Frame{Data: synFrame}, syn},
		{"our own, tagged", evidence.Frame{Data: synFrame, Out: true, VLAN: 7}, with(func(w *evidence.TCP) { w.Out, w.VLAN = true, 7 })},
		{"SYN and ACK", evidence.Frame{Data: flags(0x12)}, with(func(w *evidence.TCP) { w.ACK, w.Number = true, 0 })},
		// Only a SYN's option counts (RFC 9293 3.2).
		{"RST", evidence.Frame{Data: flags(0x04)}, with(func(w *evidence.TCP) { w.SYN, w.RST, w.MSS = false, true, 0 })},
		{"RST and ACK", evidence.Frame{Data: flags(0x14)}, with(func(w *evidence.TCP) { w.SYN, w.RST, w.ACK, w.MSS, w.Number = false, true, true, 0, 0 })},
		{"SYN with ECN's bits", evidence.Frame{Data: flags(0xc2)}, syn},
		{"cut by the capture after the fixed part", evidence.Frame{Data: synFrame[:tcpAt+20], Length: len(synFrame)}, noMSS},
		{"no options", evidence.Frame{Data: mend(splice(synFrame[:tcpAt+20], tcpAt+12, tcpAt+13, 0x50))}, noMSS},
		{"data that looks like an option", evidence.Frame{Data: splice(synFrame, tcpAt+12, tcpAt+13, 0x50)}, noMSS},
		{"MSS after others", evidence.Frame{Data: options(1, 4, 2, 1, 2, 4, 0x05, 0x78)}, with(func(w *evidence.TCP) { w.MSS = 1400 })},
		{"MSS twice: the first", evidence.Frame{Data: options(2, 4, 0x02, 0x18, 2, 4, 0x05, 0xb4)}, with(func(w *evidence.TCP) { w.MSS = 536 })},
		{"MSS after the end", evidence.Frame{Data: options(0, 3, 0, 2, 4, 0x05, 0xb4)}, noMSS},
		{"MSS of another length", evidence.Frame{Data: options(2, 3, 0x05, 2, 4, 0x05, 0x78)}, with(func(w *evidence.TCP) { w.MSS = 1400 })},
		{"option of length 0", evidence.Frame{Data: options(8, 0, 2, 4, 0x05, 0xb4)}, noMSS},
		{"option of length 1", evidence.Frame{Data: options(8, 1, 2, 4, 0x05, 0xb4)}, noMSS},
		{"option beyond the header", evidence.Frame{Data: options(8, 21, 2, 4, 0x05, 0xb4)}, noMSS},
		{"MSS cut at the header's end", evidence.Frame{Data: options(8, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 5)}, noMSS},
		{"kind alone at the header's end", evidence.Frame{Data: options(8, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)}, noMSS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { one(t, tt.frame, tt.want) })
	}
}

func TestFactsIPNone(t *testing.T) {
	tests := []struct {
		name  string
		frame evidence.Frame
	}{
		{"version 5", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt, ipAt+1, 0x55))}},
		// Read from there, a SYN would stand at the destination address.
		{"16 bytes of header", evidence.Frame{Data: sealIP(splice(splice(synFrame, tcpAt+8, tcpAt+10, 0x50, 0x02), ipAt, ipAt+1, 0x44))}},
		{"header cut", evidence.Frame{Data: echoFrame[:ipAt+19], Length: 50}},
		{"options cut", evidence.Frame{Data: splice(echoFrame[:ipAt+20], ipAt, ipAt+1, 0x46), Length: 50}},
		{"total length less than the header", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt+2, ipAt+4, 0, 19))}},
		{"total length of no message", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt+2, ipAt+4, 0, 20))}},
		{"total length more than the frame", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt+2, ipAt+4, 0, 37))}},
		{"total length more than the frame had before it was cut", evidence.Frame{Data: echoFrame[:44], Length: 49}},
		{"header checksum", evidence.Frame{Data: splice(echoFrame, ipAt+10, ipAt+11, 0x93)}},
		{"a later fragment", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt+6, ipAt+8, 0, 1))}},
		{"ICMP checksum", evidence.Frame{Data: splice(echoFrame, icmpAt+2, icmpAt+3, 0x73)}},
		{"ICMP checksum of an error", evidence.Frame{Data: splice(unreachableFrame, icmpAt+2, icmpAt+3, 0)}},
		{"ICMP of 7 bytes", evidence.Frame{Data: mend(echoFrame[:icmpAt+7])}},
		{"echo with a code", evidence.Frame{Data: mend(splice(echoFrame, icmpAt+1, icmpAt+2, 1))}},
		{"ICMP timestamp", evidence.Frame{Data: mend(splice(echoFrame, icmpAt, icmpAt+1, 13))}},
		{"TCP without SYN and RST", evidence.Frame{Data: splice(synFrame, tcpAt+13, tcpAt+14, 0x19)}},
		{"TCP of 19 bytes", evidence.Frame{Data: mend(synFrame[:tcpAt+19])}},
		{"TCP header of 16 bytes", evidence.Frame{Data: splice(synFrame, tcpAt+12, tcpAt+13, 0x40)}},
		{"TCP header longer than the segment", evidence.Frame{Data: splice(synFrame, tcpAt+12, tcpAt+13, 0xb0)}},
		{"another protocol", evidence.Frame{Data: sealIP(splice(echoFrame, ipAt+9, ipAt+10, 103))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { silent(t, tt.frame) })
	}
}

// A quote can end anywhere: what it says up to there stands, and nothing else.
func TestFactsQuoteCut(t *testing.T) {
	whole := observe.Facts(nil, &evidence.Frame{Data: unreachableTCPFrame})[0].(evidence.ICMPError)
	for n := icmpAt + 8; n <= len(unreachableTCPFrame); n++ {
		want := whole
		if n < icmpAt+8+20 {
			want.Src, want.Dst, want.Protocol = netip.Addr{}, netip.Addr{}, 0
		}
		if n < icmpAt+8+24 {
			want.ID, want.Port = 0, 0
		}
		if n < icmpAt+8+28 {
			want.Seq = 0
		}
		one(t, evidence.Frame{Data: mend(unreachableTCPFrame[:n])}, want)
	}
}

func TestWatch(t *testing.T) {
	var w observe.Watch
	w.AddMAC(vipMAC)
	w.AddIP(vipIP)
	to := func(m mac.Addr, b []byte) []byte { return splice(b, 0, 6, m[:]...) }
	ack := sealIP(splice(splice(synFrame, tcpAt+13, tcpAt+14, 0x10), ipAt+16, ipAt+20, 172, 16, 63, 241))
	tests := []struct {
		name  string
		frame evidence.Frame
		want  evidence.Fact // nil for nothing
	}{
		{"a segment to the cluster", evidence.Frame{Data: to(vipMAC, ack), VLAN: 3}, evidence.Traffic{EthSrc: prober, EthDst: vipMAC, Src: proberIP, Dst: vipIP, EtherType: 0x0800, VLAN: 3}},
		{"a segment to the VIP by way of the router, our own", evidence.Frame{Data: ack, Out: true}, evidence.Traffic{EthSrc: prober, EthDst: router, Src: proberIP, Dst: vipIP, EtherType: 0x0800, Out: true}},
		{"a later fragment to the VIP", evidence.Frame{Data: sealIP(splice(ack, ipAt+6, ipAt+8, 0, 9))}, evidence.Traffic{EthSrc: prober, EthDst: router, Src: proberIP, Dst: vipIP, EtherType: 0x0800}},
		{"IPv4 to the cluster's MAC with another destination", evidence.Frame{Data: to(vipMAC, sealIP(splice(ack, ipAt+16, ipAt+20, 10, 9, 0, 5)))}, evidence.Traffic{EthSrc: prober, EthDst: vipMAC, Src: proberIP, Dst: farIP, EtherType: 0x0800}},
		{"broken IPv4 to the cluster's MAC", evidence.Frame{Data: to(vipMAC, splice(ack, ipAt+10, ipAt+11, 0))}, evidence.Traffic{EthSrc: prober, EthDst: vipMAC, EtherType: 0x0800}},
		{"IPv6 to the cluster's MAC", evidence.Frame{Data: to(vipMAC, splice(ack, 12, 14, 0x86, 0xdd))}, evidence.Traffic{EthSrc: prober, EthDst: vipMAC, EtherType: 0x86dd}},
		{"IEEE 802.3 to the cluster's MAC", evidence.Frame{Data: to(vipMAC, splice(ack, 12, 14, 0x00, 0x26))}, evidence.Traffic{EthSrc: prober, EthDst: vipMAC}},
		{"from the VIP", evidence.Frame{Data: swapped(ack)}, evidence.Traffic{EthSrc: router, Src: vipIP, EtherType: 0x0800}},
		// Another kind says more.
		{"an echo request to the cluster", evidence.Frame{Data: to(vipMAC, echoFrame)}, evidence.Echo{EthSrc: prober, EthDst: vipMAC, Src: proberIP, Dst: vipIP, TTL: 64, ID: 0x78f2}},
		{"ARP to the cluster's MAC", evidence.Frame{Data: to(vipMAC, splice(reply, 14, 16, 0, 6))}, evidence.BadARP{EthSrc: node, Reason: evidence.ReasonHardware}},

		{"a segment to others", evidence.Frame{Data: sealIP(splice(ack, ipAt+16, ipAt+20, 10, 9, 0, 5))}, nil},
		{"broken IPv4 that names the VIP", evidence.Frame{Data: splice(ack, ipAt+10, ipAt+11, 0)}, nil},
		{"from the cluster's MAC, which is a group's", evidence.Frame{Data: swapped(to(vipMAC, ack))}, nil},
		{"another protocol to others", evidence.Frame{Data: splice(ack, 12, 14, 0x86, 0xdd)}, nil},
		{"no whole header", evidence.Frame{Data: to(vipMAC, ack)[:13]}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []evidence.Fact
			allocs := testing.AllocsPerRun(100, func() { got = w.Facts(got[:0], &tt.frame) })
			switch {
			case tt.want == nil && (len(got) > 0 || allocs > 0):
				t.Errorf("got %+v with %v allocations, want nothing", got, allocs)
			case tt.want != nil && (len(got) != 1 || got[0] != tt.want):
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if _, traffic := tt.want.(evidence.Traffic); traffic {
				// Who watches nothing sees nothing there.
				silent(t, tt.frame)
			}
		})
	}
}

// Without a VIP being named, a frame shows one if only a cluster brings it about.
func TestDiscover(t *testing.T) {
	w := observe.Watch{Discover: true, Narrow: true}
	ack := splice(synFrame, tcpAt+13, tcpAt+14, 0x10)
	plain := mac.Addr{0, 0x15, 0x5d, 0, 0, 9}
	group := mac.Addr{0x03, 0xbf, 172, 16, 63, 241}
	vip, far := [4]byte{172, 16, 63, 241}, [4]byte{10, 9, 0, 5}
	for _, tt := range []struct {
		name     string
		to, from mac.Addr
		dst, src [4]byte
		want     bool
	}{
		{"to a group MAC", group, plain, vip, far, true},
		{"to the broadcast MAC", mac.Broadcast, plain, vip, far, false},
		{"to a group MAC, for a group", group, plain, [4]byte{239, 1, 2, 3}, far, false},
		{"to a group MAC, for no address", group, plain, [4]byte{}, far, false},
		{"to a group MAC, for the loopback", group, plain, [4]byte{127, 0, 0, 1}, far, false},
		{"to the MAC of unicast mode", mac.Addr{0x02, 0xbf, 172, 16, 63, 241}, plain, vip, far, true},
		{"from the first host's masked MAC", plain, mac.Addr{0x02, 1, 172, 16, 63, 241}, far, vip, true},
		{"from the last host's", plain, mac.Addr{0x02, 32, 172, 16, 63, 241}, far, vip, true},
		{"from a host's beyond that", plain, mac.Addr{0x02, 33, 172, 16, 63, 241}, far, vip, false},
		{"from a host's before the first", plain, mac.Addr{0x02, 0, 172, 16, 63, 241}, far, vip, false},
		{"from a masked MAC of another address", plain, mac.Addr{0x02, 1, 172, 16, 63, 242}, far, vip, false},
		{"between ordinary hosts", plain, mac.Addr{0, 0x15, 0x5d, 0, 0, 8}, far, vip, false},
	} {
		b := splice(splice(ack, 0, 6, tt.to[:]...), 6, 12, tt.from[:]...)
		b = sealIP(splice(splice(b, ipAt+16, ipAt+20, tt.dst[:]...), ipAt+12, ipAt+16, tt.src[:]...))
		got := w.Facts(nil, &evidence.Frame{Data: b, Length: len(b)})
		if len(got) > 0 != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
