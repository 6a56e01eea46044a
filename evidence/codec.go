package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

func (ARP) tag() string       { return "arp" }
func (BadARP) tag() string    { return "bad-arp" }
func (Echo) tag() string      { return "echo" }
func (ICMPError) tag() string { return "icmp-error" }
func (TCP) tag() string       { return "tcp" }
func (Traffic) tag() string   { return "traffic" }
func (Hello) tag() string     { return "hello" }
func (IGMP) tag() string      { return "igmp" }
func (Heartbeat) tag() string { return "heartbeat" }
func (Malformed) tag() string { return "malformed" }
func (Segment) tag() string   { return "segment" }
func (Ack) tag() string       { return "ack" }
func (Offer) tag() string     { return "offer" }
func (Ask) tag() string       { return "ask" }
func (Told) tag() string      { return "told" }
func (Vantage) tag() string   { return "vantage" }
func (Listened) tag() string  { return "listened" }
func (Lost) tag() string      { return "lost" }
func (Unkept) tag() string    { return "unkept" }
func (Captured) tag() string  { return "captured" }

// decoders read the fact of each tag.
var decoders = map[string]func([]byte) (Fact, error){
	"arp":        decode[ARP],
	"bad-arp":    decode[BadARP],
	"echo":       decode[Echo],
	"icmp-error": decode[ICMPError],
	"tcp":        decode[TCP],
	"traffic":    decode[Traffic],
	"hello":      decode[Hello],
	"igmp":       decode[IGMP],
	"heartbeat":  decode[Heartbeat],
	"malformed":  decode[Malformed],
	"segment":    decode[Segment],
	"ack":        decode[Ack],
	"offer":      decode[Offer],
	"ask":        decode[Ask],
	"told":       decode[Told],
	"vantage":    decode[Vantage],
	"listened":   decode[Listened],
	"lost":       decode[Lost],
	"unkept":     decode[Unkept],
	"captured":   decode[Captured],
}

// decode reads one type of fact. A field that is not its own is an error.
func decode[F Fact](b []byte) (Fact, error) {
	var f F
	if err := strictly(b, &f); err != nil {
		return nil, err
	}
	return f, nil
}

// strictly reads one JSON value and nothing else.
func strictly(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value")
	}
	return nil
}

// The bounds of an item in JSON.
const (
	MaxItemJSON  = 8 << 20  // bytes
	maxText      = 256      // of an interface, a place or a host's name, in bytes
	maxFrameData = 64 << 10 // of one frame, in bytes
)

// itemJSON is an Item as it travels.
type itemJSON struct {
	Fact   string          `json:"fact"`
	Of     json.RawMessage `json:"of"`
	First  time.Time       `json:"first"`
	Last   time.Time       `json:"last"`
	Count  int             `json:"count"`
	Bytes  int             `json:"bytes,omitempty"`
	Times  []time.Time     `json:"times,omitempty"`
	Frames []frameJSON     `json:"frames,omitempty"` // the first, then those that gave it again
}

// frameJSON is a Frame as it travels, its data in base64.
type frameJSON struct {
	Time     time.Time `json:"time,omitzero"`
	Data     []byte    `json:"data,omitempty"`
	Length   int       `json:"length,omitempty"`
	VLAN     uint16    `json:"vlan,omitempty"`
	Place    string    `json:"place,omitempty"`
	Source   int       `json:"source,omitempty"`
	Out      bool      `json:"out,omitempty"`
	Unsummed bool      `json:"unsummed,omitempty"`
}

// MarshalJSON writes an item so that UnmarshalJSON reads an equal one. It is an
// error if there is no fact, or a value in it is of no meaning.
func (it Item) MarshalJSON() ([]byte, error) {
	if it.Fact == nil {
		return nil, errors.New("evidence: an item without a fact")
	}
	of, err := json.Marshal(it.Fact)
	if err != nil {
		return nil, fmt.Errorf("evidence: %s: %w", it.Fact.tag(), err)
	}
	j := itemJSON{Fact: it.Fact.tag(), Of: of, First: it.First, Last: it.Last, Count: it.Count, Bytes: it.Bytes, Times: it.Times}
	if !it.Frame.isZero() || len(it.Again) > 0 {
		j.Frames = append(j.Frames, frameJSON(it.Frame))
		for _, f := range it.Again {
			j.Frames = append(j.Frames, frameJSON(f))
		}
	}
	return json.Marshal(j)
}

// isZero reports a frame of which nothing is known.
func (f Frame) isZero() bool {
	return f.Time.IsZero() && f.Data == nil && f.Length == 0 && f.VLAN == 0 && f.Place == "" && f.Source == 0 && !f.Out && !f.Unsummed
}

// UnmarshalJSON reads an item that MarshalJSON wrote. What is of no known type, out of
// its bounds, or more than an item holds, is an error, and it is unchanged then.
func (it *Item) UnmarshalJSON(b []byte) error {
	if len(b) > MaxItemJSON {
		return fmt.Errorf("evidence: an item of %d bytes; the most is %d", len(b), MaxItemJSON)
	}
	var j itemJSON
	if err := strictly(b, &j); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	decode, known := decoders[j.Fact]
	if !known {
		return fmt.Errorf("evidence: %.40q is no kind of fact", j.Fact)
	}
	fact, err := decode(j.Of)
	if err != nil {
		return fmt.Errorf("evidence: %s: %w", j.Fact, err)
	}
	if err := j.check(fact); err != nil {
		return fmt.Errorf("evidence: %s: %w", j.Fact, err)
	}
	read := Item{Fact: fact, First: j.First, Last: j.Last, Count: j.Count, Bytes: j.Bytes, Times: j.Times}
	for i, f := range j.Frames {
		if i == 0 {
			read.Frame = Frame(f)
		} else {
			read.Again = append(read.Again, Frame(f))
		}
	}
	*it = read
	return nil
}

// check bounds what was read.
func (j *itemJSON) check(fact Fact) error {
	switch {
	case j.Count < 0 || j.Bytes < 0:
		return errors.New("a count below zero")
	case j.Last.Before(j.First):
		return errors.New("it ends before it begins")
	case len(j.Times) > TimesKept:
		return fmt.Errorf("%d instants; the most is %d", len(j.Times), TimesKept)
	case len(j.Frames) > 1+FramesKept:
		return fmt.Errorf("%d frames; the most is %d", len(j.Frames), 1+FramesKept)
	}
	for _, f := range j.Frames {
		if len(f.Data) > maxFrameData || f.Length < 0 || len(f.Place) > maxText {
			return errors.New("a frame that is longer than frames are")
		}
	}
	for _, text := range textsOf(fact) {
		if len(text) > maxText {
			return fmt.Errorf("a name of %d bytes; the most is %d", len(text), maxText)
		}
	}
	for _, ip := range addressesOf(fact) {
		if ip.Zone() != "" {
			return errors.New("an address with a zone")
		}
	}
	if h, ok := fact.(Heartbeat); ok && h.RulesKept > Slots {
		return fmt.Errorf("%d port rules; the most is %d", h.RulesKept, Slots)
	}
	return nil
}

// textsOf is the texts in a fact.
func textsOf(fact Fact) []string {
	switch f := fact.(type) {
	case Vantage:
		return []string{f.Interface}
	case Listened:
		return []string{f.Interface}
	case Lost:
		return []string{f.Interface}
	case Offer:
		return []string{f.Interface}
	case Captured:
		return []string{f.Place}
	case Heartbeat:
		return []string{f.Name}
	}
	return nil
}

// addressesOf is the addresses in a fact that can have a zone in text.
func addressesOf(fact Fact) []netip.Addr {
	switch f := fact.(type) {
	case ARP:
		return []netip.Addr{f.SenderIP, f.TargetIP}
	case Echo:
		return []netip.Addr{f.Src, f.Dst}
	case ICMPError:
		return []netip.Addr{f.From, f.To, f.Gateway, f.Src, f.Dst}
	case TCP:
		return []netip.Addr{f.Src.Addr(), f.Dst.Addr()}
	case Traffic:
		return []netip.Addr{f.Src, f.Dst}
	case Hello:
		return []netip.Addr{f.From, f.Virtual}
	case IGMP:
		return []netip.Addr{f.From, f.To, f.Group}
	case Heartbeat:
		return []netip.Addr{f.Cluster, f.Dedicated, f.Addr}
	case Segment:
		return []netip.Addr{f.Src.Addr(), f.Dst.Addr()}
	case Ack:
		return []netip.Addr{f.Src.Addr(), f.Dst.Addr()}
	case Offer:
		return []netip.Addr{f.Src.Addr(), f.Dst.Addr()}
	case Ask:
		return []netip.Addr{f.Target}
	case Told:
		return []netip.Addr{f.Of.Target, f.From}
	case Vantage:
		return []netip.Addr{f.Address.Addr(), f.Gateway, f.VIP}
	case Lost:
		return []netip.Addr{f.VIP}
	case BadARP, Malformed, Listened, Unkept, Captured: // none
	}
	return nil
}
