package routerprobe

import "math/rand/v2"

// IDs hands out what tells the packets of one run apart, so that an answer belongs to
// one router and one target. They never run out: an echo identifier or a source port
// comes again as late as it can. It is not safe for concurrent use.
type IDs struct {
	rng    *rand.Rand
	nextID uint16
	stride uint16 // odd: all identifiers come by before one comes again
	first  uint16 // of the ports, counted from firstPort
	ports  int
}

// The source ports: above those that Linux gives to connections of its own
// (32768 to 60999, ip(7)), so that no real connection is hit.
const (
	firstPort = 61000
	portCount = 1<<16 - firstPort
)

// Seed is what a run's numbers are made of.
type Seed [32]byte

// NewIDs returns the identifiers of a run. The seed has to be one that others
// cannot guess, as crypto/rand gives it: that keeps them from answering in a VIP's
// name without having seen the question.
func NewIDs(seed Seed) *IDs {
	rng := rand.New(rand.NewChaCha8(seed))
	return &IDs{
		rng: rng, nextID: uint16(rng.Uint32()), stride: uint16(rng.Uint32()) | 1,
		first: uint16(rng.IntN(portCount)),
	}
}

// Echo returns the numbers of an echo request. The identifier is of no other one of
// the last 65,535, and beside it stand 80 random bits.
func (i *IDs) Echo() EchoNumbers {
	id := i.nextID
	i.nextID += i.stride
	// 0 is an echo without random bytes.
	return EchoNumbers{id, uint16(i.rng.Uint32()), max(1, i.rng.Uint64())}
}

// Port returns a source port for SYNs, above those that the system gives out. It
// comes again after 4,536: what is then told apart by it goes to different
// addresses, or has another sequence number.
func (i *IDs) Port() uint16 {
	p := firstPort + (int(i.first)+i.ports)%portCount
	i.ports = (i.ports + 1) % portCount
	return uint16(p)
}

// Sequence returns an initial sequence number.
func (i *IDs) Sequence() uint32 { return i.rng.Uint32() }
