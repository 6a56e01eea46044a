package evidence

import "hash/maphash"

// spare is the room of a Log for what counts although much else came first. Whoever
// floods a segment invents facts that are alike and come once each. So there is room
// for a few of each sort that had none, and for some of those that come again.
type spare struct {
	sorts        map[sort]uint16
	again        [kindCount]uint16
	late, before map[uint64]bool // hashes of facts that found no room, of late and before that
}

// The room that a Log has beyond its bound of a kind, as parts of that bound.
const (
	sortPart  = 128 // for each sort
	againPart = 16  // for facts that come again
)

// maxSorts bounds the sorts that have room of their own: ICMP errors have 65,536.
const maxSorts = 64

// sort is what judges tell facts of one kind apart by: a fact of another sort can be
// another cause.
type sort struct {
	kind Kind
	a, b uint8
}

var seed = maphash.MakeSeed()

// sortOf returns the sort of a fact, if its kind has sorts.
func sortOf(f Fact) (sort, bool) {
	bits := func(all ...bool) (n uint8) {
		for i, is := range all {
			if is {
				n |= 1 << i
			}
		}
		return n
	}
	switch f := f.(type) {
	case ARP:
		m := f.SenderMAC
		return sort{f.Kind(), bits(m.IsZero(), m.IsBroadcast(), m.IsGroup(), m == f.EthSrc, f.EthSrc.IsGroup(), f.Out), bits(f.SenderIP == f.TargetIP)}, true
	case Traffic:
		return sort{KindTraffic, bits(f.EthDst.IsGroup(), f.EthDst.IsZero(), f.Out), 0}, true
	case ICMPError:
		return sort{KindICMPError, f.Type, f.Code}, true
	case TCP:
		return sort{KindTCP, bits(f.SYN, f.ACK, f.RST, f.Out), 0}, true
	}
	return sort{}, false
}

// spares reports whether a new fact finds room although the bound of its kind, most,
// is reached.
func (l *Log) spares(f Fact, most uint16) bool {
	k := f.Kind()
	if l.spare == nil {
		l.spare = &spare{sorts: make(map[sort]uint16)}
		for i := range l.items {
			if s, ok := sortOf(l.items[i].Fact); ok {
				l.spare.sorts[s]++
			}
		}
	}
	p := l.spare
	if s, ok := sortOf(f); ok && p.sorts[s] < most/sortPart && (p.sorts[s] > 0 || len(p.sorts) < maxSorts) {
		return true
	}
	if p.again[k] >= most/againPart {
		return false
	}
	h := maphash.Comparable(seed, f)
	if p.late[h] || p.before[h] {
		p.again[k]++
		return true
	}
	if len(p.late) >= 2*int(most) {
		p.before, p.late = p.late, nil
	}
	if p.late == nil {
		p.late = make(map[uint64]bool)
	}
	p.late[h] = true
	return false
}
