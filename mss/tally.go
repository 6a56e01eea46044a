package mss

import "github.com/nlbprobe/nlbprobe/evidence"

// The floor of Windows senders: they take no IPv4 MTU below 576 bytes (Microsoft KB
// 900926), so they limit their segments to no less than 536.
const (
	Floor    = 536
	FloorMTU = 576
)

// usualMTU is that of Ethernet, in bytes: an IP packet beyond it was not on such a
// wire. tcpHeaders are the least headers of IPv4 and TCP.
const (
	usualMTU   = 1500
	tcpHeaders = 20 + 20
)

// Tally counts what segments longer than their receiver's offer look like, of one
// direction of a connection. Who keeps evidence and who judges it use the same
// one, so that what is kept first is what weighs most.
type Tally struct {
	Offer int // what the receiver takes, bytes
	Own   int // what the sender takes, bytes; 0 is not known

	Count  int // segments longer than Offer
	Size   int // of the longest, bytes
	Pieces int // of them, those that a network card still cuts: several of Offer, or longer than the link takes
	Fit    int // of those, just several of Offer, and not of Floor
	Floors int // those that are one or several of Floor
	Again  int // those sent again as they were, and of a size that no card cuts

	Inside int // acknowledgements that end inside such a segment
	Kept   int // of them, those that end after several of Offer: the card cut to it
	Broken int // those that end after several of Floor: the card cut to that
	Whole  int // acknowledgements that reach the end of such a segment
}

// Segment counts a segment longer than Offer, seen n times.
func (t *Tally) Segment(s evidence.Segment, n int) {
	t.Count += n
	t.Size = max(t.Size, s.Size())
	one, floor := t.Offer-s.Options, Floor-s.Options
	several := one > 0 && s.Payload%one == 0
	ofFloor := t.Offer < Floor && floor > 0 && s.Payload%floor == 0
	long := s.Size()+tcpHeaders > usualMTU
	if several && !ofFloor {
		t.Fit += n
	}
	switch {
	case several, long && !ofFloor:
		t.Pieces += n
	case ofFloor:
		t.Floors += n
	}
	// A card cuts again what is sent again as it was. One segment too long is less
	// than two of those that were offered, or just what the sender's own link takes.
	if s.Again && !several && !long && (s.Size() < 2*t.Offer || s.Size() == t.Own || ofFloor && s.Payload == floor) {
		t.Again += n
	}
}

// Ack counts an acknowledgement that reaches into such a segment, seen n times.
func (t *Tally) Ack(a evidence.Ack, n int) {
	if !a.Inside {
		t.Whole += n
		return
	}
	t.Inside += n
	one, floor := t.Offer-a.Options, Floor-a.Options
	switch {
	case one > 0 && a.Into > 0 && a.Into%one == 0:
		t.Kept += n
	case t.Offer < Floor && floor > 0 && a.Into > 0 && a.Into%floor == 0:
		t.Broken += n
	}
}

// Exceeds reports that the sender is taken to send longer segments than were
// offered. What a network card will still cut is seen longer in a capture at the
// sender: those are several of what was offered, or longer than the link takes, and
// the receiver acknowledges pieces of them.
func (t *Tally) Exceeds() bool {
	if t.Inside > 0 {
		return t.Broken > 0 && t.Broken == t.Inside
	}
	return t.Again > 0 && (t.Pieces == 0 || t.Floors > 0) || t.Floors >= 2 && t.Floors > t.Pieces
}

// Lost reports that what is too long was sent again and never acknowledged.
func (t *Tally) Lost() bool { return t.Again > 0 && t.Whole == 0 && t.Inside == 0 }

// Obeys reports that pieces of just the size that was offered arrived, and no
// others.
func (t *Tally) Obeys() bool { return t.Kept > 0 && t.Kept == t.Inside && !t.Exceeds() }

// Fits reports that all that is too long is just several of what was offered, and
// was acknowledged without being sent again: cut to that size, it arrived.
func (t *Tally) Fits() bool {
	return t.Count > 0 && t.Fit == t.Count && t.Again == 0 && t.Whole > 0 && t.Kept == t.Inside
}
