package routerprobe

import (
	"errors"
	"math/rand/v2"
)

// IDs hands out what tells the packets of one run apart: an echo identifier or a
// source port is handed out once, so that an answer belongs to one router and
// one target. It is not safe for concurrent use.
type IDs struct {
	rng    *rand.Rand
	nextID uint16
	stride uint16 // odd: all identifiers come by before one comes again
	ids    int
	first  uint16 // of the ports, counted from firstPort
	ports  int
}

// The source ports: above those that Linux gives to connections of its own
// (32768 to 60999, ip(7)), so that no real connection is hit.
const (
	firstPort = 61000
	portCount = 1<<16 - firstPort
)

// NewIDs returns the identifiers of a run. Runs side by side on one host should
// have seeds that differ; a seed that others cannot guess keeps them from
// answering in a VIP's name without having seen the question.
func NewIDs(seed uint64) *IDs {
	rng := rand.New(rand.NewPCG(seed, seed>>32^seed<<32))
	return &IDs{
		rng: rng, nextID: uint16(rng.Uint32()), stride: uint16(rng.Uint32()) | 1,
		first: uint16(rng.IntN(portCount)),
	}
}

// Echo returns an identifier for echo requests.
func (i *IDs) Echo() (uint16, error) {
	if i.ids == 1<<16 {
		return 0, errors.New("routerprobe: more than 65536 routers and targets in one run")
	}
	id := i.nextID
	i.nextID += i.stride
	i.ids++
	return id, nil
}

// Port returns a source port for SYNs, above those that the system gives out.
func (i *IDs) Port() (uint16, error) {
	if i.ports == portCount {
		return 0, errors.New("routerprobe: more than 4536 routers and ports in one run")
	}
	p := firstPort + (int(i.first)+i.ports)%portCount
	i.ports++
	return uint16(p), nil
}

// Sequence returns an initial sequence number.
func (i *IDs) Sequence() uint32 { return i.rng.Uint32() }
