package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Filter says which frames a Link hears. The kernel throws every other frame
// away before it costs this process anything. The zero value hears what a Link
// always hears, where the frame carries at most two VLAN tags (0x8100, 0x88a8,
// 0x9100, 0x9200), in Ethernet II or behind a SNAP header:
//
//   - IGMP, and the heartbeats of NLB (ethertype 0x886f) and of its
//     predecessor Convoy WLBS (0xbf01);
//   - frames of ethertype 0x0806 that are not ARP for IPv4 over Ethernet, or
//     are cut short: that somebody sends them is evidence.
//
// ARP between others, the bulk of what a busy segment carries, is not heard.
// The host's own address does not belong into Addrs: everybody who asks this
// host for anything would be heard.
type Filter struct {
	// Addrs are the addresses that matter, VIPs and routers: ARP whose sender
	// or target is one of them is heard, and IPv4 from or to one of them.
	Addrs []netip.Addr

	// MACs are the link-layer addresses that matter, such as a cluster's:
	// every frame from or to one of them is heard.
	MACs []mac.Addr

	// Self is this host's link-layer address: ICMP in frames to it is heard,
	// since routers report unreachable VIPs so. Open fills it in where it is
	// zero.
	Self mac.Addr

	// ARPOnly leaves out IPv4 from and to Addrs. NLB in unicast mode lives by
	// the switch flooding the cluster's traffic to every port; an observer
	// that sends no echo and no SYN has no use for it.
	ARPOnly bool
}

// The most addresses, or runs of neighbouring addresses, that a program tells
// apart. With more, the nearest ones are joined with what lies between them:
// the kernel then lets some foreign frames through, and never loses one that
// matters. Both trees at their limits stay under the 4096 instructions that
// Linux takes (BPF_MAXINSNS).
const (
	maxAddrSpans = 256
	maxMACSpans  = 64
)

// The ethertypes that a program knows.
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherVLAN = 0x8100 // IEEE 802.1Q
	etherQinQ = 0x88a8 // IEEE 802.1ad
	// The types of outer tags from before IEEE 802.1ad.
	etherTagOld   = 0x9100
	etherTagOlder = 0x9200
	etherNLB      = 0x886f
	etherConvoy   = 0xbf01
)

// The sizes and values of headers that a program looks at.
const (
	etherLen = 14 // two addresses and the ethertype
	tagLen   = 4
	arpLen   = 28 // RFC 826 for IPv4 over Ethernet
	maxTags  = 2

	leastEtherType = 0x0600 // below it the field is the length of an IEEE 802.3 frame
	snapLen        = 8
	snapBegin      = 0xaaaa0300 // service access points, control, and of the organisation's zeros the first

	arpTypes   = 1<<16 | etherIPv4 // hardware type 1, protocol type IPv4
	arpLengths = 6<<8 | 4          // hardware and protocol address lengths

)

// acceptAll is more than any frame has: the whole frame is wanted.
const acceptAll = 0x40000

var (
	accept = bpf.RetConstant{Val: acceptAll}
	reject = bpf.RetConstant{Val: 0}
)

// Program returns f as a classic BPF program for a raw packet socket: offset 0
// is the destination address. It is an error when one of Addrs is not IPv4.
func (f Filter) Program() ([]bpf.Instruction, error) {
	addrs, err := addrSpans(f.Addrs)
	if err != nil {
		return nil, err
	}

	// A load beyond the frame's end rejects the frame. This one does so for
	// what is shorter than an Ethernet header, whatever MACs say.
	prog := []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2}}
	if macs := macSpans(f.MACs); len(macs) > 0 {
		for _, off := range []uint32{0, 6} {
			prog = append(prog, bpf.LoadAbsolute{Off: off, Size: 4})
			prog = append(prog, findMAC(macs, off+4)...)
		}
	}

	// X becomes the offset of what follows the Ethernet header and its tags,
	// A its ethertype. The kernel has usually taken the outer tag off; frames
	// that this host sends may still have both.
	prog = append(prog,
		bpf.LoadConstant{Dst: bpf.RegX, Val: etherLen},
		bpf.LoadAbsolute{Off: etherLen - 2, Size: 2},
	)
	for n := uint32(1); n <= maxTags; n++ {
		prog = append(prog,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherVLAN, SkipTrue: 3},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherQinQ, SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTagOld, SkipTrue: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTagOlder, SkipTrue: 2},
			bpf.LoadConstant{Dst: bpf.RegX, Val: etherLen + n*tagLen},
			bpf.LoadAbsolute{Off: etherLen + n*tagLen - 2, Size: 2},
		)
	}

	prog = append(prog, snap[:]...)

	// ARP stands last: the kernel takes what follows a return for its
	// continuation, and would miss the addresses in M behind IPv4's.
	ip := f.ipv4(len(arpAddrs))
	prog = append(prog,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherNLB, SkipTrue: 1},
		accept,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherConvoy, SkipTrue: 1},
		accept,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherARP, SkipTrue: uint8(2 + len(ip))},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherIPv4, SkipTrue: 1},
		reject,
	)
	prog = append(prog, ip...)
	prog = append(prog, arpAddrs[:]...)

	// ARP and IPv4 meet here, their two addresses in M[0] and M[1].
	for m := range 2 {
		prog = append(prog, bpf.LoadScratch{Dst: bpf.RegA, N: m})
		prog = append(prog, findAddr(addrs)...)
	}
	return append(prog, reject), nil
}

// snap takes a SNAP header off a frame of IEEE 802.3 whose length is in A (RFC 1042):
// its ethertype is then in A, and X behind it. It rejects other frames of 802.3.
var snap = [...]bpf.Instruction{
	bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: leastEtherType, SkipTrue: 12},
	bpf.LoadIndirect{Off: 0, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: snapBegin, SkipTrue: 1},
	reject,
	bpf.LoadIndirect{Off: 4, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
	reject,
	bpf.LoadIndirect{Off: 6, Size: 2},
	bpf.StoreScratch{Src: bpf.RegA, N: 2},
	bpf.TXA{},
	bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: snapLen},
	bpf.TAX{},
	bpf.LoadScratch{Dst: bpf.RegA, N: 2},
}

// arpAddrs puts an ARP packet's sender and target into M[0] and M[1]. It accepts
// what is not ARP for IPv4 over Ethernet.
var arpAddrs = [...]bpf.Instruction{
	bpf.LoadExtension{Num: bpf.ExtLen},
	bpf.ALUOpX{Op: bpf.ALUOpSub},
	bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: arpLen, SkipTrue: 1},
	accept,
	bpf.LoadIndirect{Off: 0, Size: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: arpTypes, SkipTrue: 1},
	accept,
	bpf.LoadIndirect{Off: 4, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: arpLengths, SkipTrue: 1},
	accept,
	bpf.LoadIndirect{Off: 14, Size: 4},
	bpf.StoreScratch{Src: bpf.RegA, N: 0},
	bpf.LoadIndirect{Off: 24, Size: 4},
	bpf.StoreScratch{Src: bpf.RegA, N: 1},
}

// ipv4 returns what accepts IGMP, and ICMP to Self, and puts the source and
// destination of other IPv4 into M[0] and M[1], and skips the next skip
// instructions.
func (f Filter) ipv4(skip int) []bpf.Instruction {
	code := []bpf.Instruction{
		bpf.LoadIndirect{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: inet.ProtoIGMP, SkipTrue: 1},
		accept,
	}
	if !f.Self.IsZero() {
		code = append(code,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: inet.ProtoICMP, SkipTrue: 5},
			bpf.LoadAbsolute{Off: 0, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(f.Self[:4]), SkipTrue: 3},
			bpf.LoadAbsolute{Off: 4, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(f.Self[4:])), SkipTrue: 1},
			accept,
		)
	}
	if f.ARPOnly {
		return append(code, reject)
	}
	return append(code,
		bpf.LoadIndirect{Off: 12, Size: 4},
		bpf.StoreScratch{Src: bpf.RegA, N: 0},
		bpf.LoadIndirect{Off: 16, Size: 4},
		bpf.StoreScratch{Src: bpf.RegA, N: 1},
		bpf.Jump{Skip: uint32(skip)},
	)
}

// span is a run of numbers, both ends included.
type span struct{ lo, hi uint64 }

// addrSpans returns addrs as sorted runs, at most maxAddrSpans of them.
func addrSpans(addrs []netip.Addr) ([]span, error) {
	spans := make([]span, 0, len(addrs))
	for _, a := range addrs {
		a = a.Unmap()
		if !a.Is4() {
			return nil, fmt.Errorf("wire: filter: %s is not an IPv4 address", a)
		}
		b := a.As4()
		v := uint64(binary.BigEndian.Uint32(b[:]))
		spans = append(spans, span{v, v})
	}
	return narrow(join(spans, func(a, b span) bool { return a.hi+1 >= b.lo }), maxAddrSpans), nil
}

// macSpans returns macs as sorted runs of 48-bit numbers, at most maxMACSpans
// of them. A run either has one value in its upper 32 bits, or holds all values
// of its lower 16 bits: a program compares the two apart.
func macSpans(macs []mac.Addr) []span {
	spans := make([]span, 0, len(macs))
	for _, m := range macs {
		v := uint64(binary.BigEndian.Uint32(m[:4]))<<16 | uint64(binary.BigEndian.Uint16(m[4:]))
		spans = append(spans, span{v, v})
	}
	overlap := func(a, b span) bool { return a.hi >= b.lo }
	spans = narrow(join(spans, overlap), maxMACSpans)
	for i, s := range spans {
		if s.lo>>16 != s.hi>>16 {
			spans[i] = span{s.lo &^ 0xffff, s.hi | 0xffff}
		}
	}
	return join(spans, overlap)
}

// join sorts spans and makes one of those that touch, a being the lower one.
func join(spans []span, touch func(a, b span) bool) []span {
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.lo < b.lo:
			return -1
		case a.lo > b.lo:
			return 1
		}
		return 0
	})
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && touch(out[n-1], s) {
			out[n-1].hi = max(out[n-1].hi, s.hi)
			continue
		}
		out = append(out, s)
	}
	return out
}

// narrow joins the nearest of the sorted spans until no more than most are left.
func narrow(spans []span, most int) []span {
	if len(spans) <= most {
		return spans
	}
	type gap struct {
		width uint64
		after int
	}
	gaps := make([]gap, len(spans)-1)
	for i := range gaps {
		gaps[i] = gap{spans[i+1].lo - spans[i].hi, i}
	}
	slices.SortFunc(gaps, func(a, b gap) int {
		if a.width != b.width {
			if a.width > b.width {
				return -1
			}
			return 1
		}
		return a.after - b.after
	})
	kept := gaps[:most-1]
	slices.SortFunc(kept, func(a, b gap) int { return a.after - b.after })
	out := make([]span, 0, most)
	lo := spans[0].lo
	for _, g := range kept {
		out = append(out, span{lo, spans[g.after].hi})
		lo = spans[g.after+1].lo
	}
	return append(out, span{lo, spans[len(spans)-1].hi})
}

// findAddr returns what accepts the frame when A is in one of spans, and goes
// on behind itself otherwise.
func findAddr(spans []span) []bpf.Instruction {
	if len(spans) == 0 {
		return nil
	}
	leaves := make([]leaf, len(spans))
	for i, s := range spans {
		leaves[i] = leaf{uint32(s.lo), []bpf.Instruction{
			bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: uint32(s.hi), SkipTrue: 1},
			accept,
		}}
	}
	return search(leaves)
}

// findMAC does the same for the address whose first four bytes are in A and
// whose last two are at offset low of the frame.
func findMAC(spans []span, low uint32) []bpf.Instruction {
	var leaves []leaf
	for i := 0; i < len(spans); {
		first := spans[i]
		code := []bpf.Instruction{
			bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: uint32(first.hi >> 16), SkipTrue: 1},
			bpf.Jump{}, // over the rest, whose length is not known yet
			bpf.LoadAbsolute{Off: low, Size: 2},
		}
		for ; i < len(spans) && spans[i].lo>>16 == first.lo>>16; i++ {
			code = append(code,
				bpf.JumpIf{Cond: bpf.JumpLessThan, Val: uint32(spans[i].lo & 0xffff), SkipTrue: 2},
				bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: uint32(spans[i].hi & 0xffff), SkipTrue: 1},
				accept,
			)
		}
		code[1] = bpf.Jump{Skip: uint32(len(code) - 2)}
		leaves = append(leaves, leaf{uint32(first.lo >> 16), code})
	}
	return search(leaves)
}

// leaf is code to run when A is at least lo, and less than the next leaf's.
type leaf struct {
	lo   uint32
	code []bpf.Instruction
}

// search returns a binary search over the sorted leaves, of which there is at
// least one. Its depth, not its length, is what a foreign frame costs.
func search(leaves []leaf) []bpf.Instruction {
	tree := branch(leaves)
	if leaves[0].lo == 0 {
		return tree
	}
	return append(skipUnless(leaves[0].lo, len(tree)), tree...)
}

func branch(leaves []leaf) []bpf.Instruction {
	if len(leaves) == 1 {
		return leaves[0].code
	}
	half := len(leaves) / 2
	left, right := branch(leaves[:half]), branch(leaves[half:])
	var code []bpf.Instruction
	if n := len(left) + 1; n <= math.MaxUint8 {
		code = append(code, bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: leaves[half].lo, SkipTrue: uint8(n)})
	} else {
		code = append(code,
			bpf.JumpIf{Cond: bpf.JumpLessThan, Val: leaves[half].lo, SkipTrue: 1},
			bpf.Jump{Skip: uint32(n)},
		)
	}
	code = append(code, left...)
	code = append(code, bpf.Jump{Skip: uint32(len(right))})
	return append(code, right...)
}

// skipUnless returns what skips n instructions when A is less than lo.
func skipUnless(lo uint32, n int) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: lo, SkipTrue: 1},
		bpf.Jump{Skip: uint32(n)},
	}
}
