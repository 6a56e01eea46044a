package check

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// The bounds of a volley: connections a second, and how long the last one is
// given to be answered.
const (
	volleyEvery  = 20 * time.Millisecond
	volleySettle = time.Second
	mostWaiting  = 4096 // fewer than there are source ports
)

// volley is connections opened to a VIP, straight to its MAC, each from a source
// port of its own: by the Ethernet source of the answers one sees which host of
// the cluster takes it. Each is reset as soon as it is answered.
type volley struct {
	left    []uint16 // destination ports still to be tried, one for each connection
	next    time.Time
	waiting map[uint16]uint32 // source port -> the sequence number that it expects
	resets  []reset
	over    bool
}

// reset is a half-open connection to close.
type reset struct {
	sport uint16
	to    netip.AddrPort
	seq   uint32
}

// newVolley takes the ports in turn, so that each is tried from the start.
func newVolley(ports []uint16, each int, start time.Time) *volley {
	v := &volley{next: start, waiting: make(map[uint16]uint32)}
	for range each {
		v.left = append(v.left, ports...)
	}
	return v
}

func (v *volley) done() bool { return v.over }

// heard notes an answer.
func (v *volley) heard(t evidence.TCP) {
	seq, ours := v.waiting[t.Dst.Port()]
	if answer := t.ACK && (t.RST || t.SYN); !ours || !answer || t.Number != seq {
		return
	}
	if t.SYN {
		v.resets = append(v.resets, reset{t.Dst.Port(), t.Src, seq})
	}
	delete(v.waiting, t.Dst.Port())
}

// fire sends what a VIP's volley has due and returns when it is due again.
func (o *Observer) fire(s *subject, now time.Time) time.Time {
	v := s.volley
	src := o.source(s.vip)
	from := routerprobe.Source{MAC: src.MAC, IP: src.IP}
	for _, x := range v.resets {
		if b, err := routerprobe.RST(from, s.file.First.SenderMAC, x.to, x.sport, x.seq); err == nil {
			o.send(b, now, nil)
		}
	}
	v.resets = nil
	for len(v.left) > 0 && !now.Before(v.next) {
		if len(v.waiting) >= mostWaiting {
			clear(v.waiting) // an answer that late is of no use
		}
		sport := o.ids.Port()
		for v.waiting[sport] != 0 { // it has come round, and is still in use here
			sport = o.ids.Port()
		}
		seq := o.ids.Sequence()
		b, err := routerprobe.SYN(from, s.file.First.SenderMAC, netip.AddrPortFrom(s.vip, v.left[0]), sport, seq)
		if err != nil {
			o.sendErr = err
			v.left = nil
			break
		}
		o.send(b, now, nil)
		v.waiting[sport] = seq + 1
		v.left = v.left[1:]
		v.next = v.next.Add(volleyEvery)
		if len(v.left) == 0 {
			v.next = now.Add(volleySettle)
		}
	}
	if len(v.left) == 0 && (len(v.waiting) == 0 || !now.Before(v.next)) {
		v.over = true
	}
	return v.next
}
