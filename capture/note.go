package capture

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// A vantage note is a comment on an interface in a pcapng file that says what
// the observer knew besides the frames, so that a diagnosis of the file judges
// as the live one did. It is plain text, and Wireshark shows it with the
// interface. Version 1:
//
//	nlbprobe vantage note 1
//	interface "eth0"
//	vantage FIRST LAST COUNT MAC ADDRESS GATEWAY [asked] [vip VIP]
//	listened FIRST LAST COUNT [promiscuous] [passive] [joined MAC]
//	lost FIRST LAST COUNT [vip VIP]
//
// After the two first lines there is a line for each item of evidence, in any
// number and order: evidence.Vantage, Listened, Lost. FIRST and LAST are
// instants in RFC 3339 with Z for UTC and as many digits of the second as are
// not zero, COUNT is how often or, of lost frames, how many. ADDRESS has its
// prefix length; ADDRESS and GATEWAY are - where there is none. VIP is an address
// that was to be judged, or after whose last question frames were lost, joined a MAC that was listened to. The interface is
// quoted as in Go. Words are parted by one space; each line but the last ends in
// a line feed. There is one way only to write a note: a parser refuses any
// other, and any other version.
const (
	notePrefix  = "nlbprobe vantage note "
	noteVersion = "1"

	// MaxNote is the most bytes of a note.
	MaxNote = 60 << 10
	// maxNoteItems is the most items of a note.
	maxNoteItems = 512
)

// IsNote reports whether a comment claims to be a vantage note, of any version.
func IsNote(comment []byte) bool { return bytes.HasPrefix(comment, []byte(notePrefix)) }

// AppendNote appends the vantage note of the items that are about one
// interface. Facts of other kinds, or about another interface, are refused, as
// are notes above the bounds.
func AppendNote(b []byte, ifname string, items []evidence.Item) ([]byte, error) {
	if len(ifname) > maxName {
		return nil, fmt.Errorf("vantage note: an interface name of %d bytes; the most is %d", len(ifname), maxName)
	}
	if len(items) > maxNoteItems {
		return nil, fmt.Errorf("vantage note: %d items; the most is %d", len(items), maxNoteItems)
	}
	start := len(b)
	b = append(b, notePrefix+noteVersion+"\ninterface "...)
	b = strconv.AppendQuote(b, ifname)
	for _, it := range items {
		about, word := noteWord(it.Fact)
		if about != ifname || word == "" {
			return nil, fmt.Errorf("vantage note: a fact of kind %v about %q does not belong in the note of %q", kindOf(it.Fact), about, ifname)
		}
		b = append(b, '\n')
		b = append(b, word...)
		var err error
		if b, err = appendSpan(b, it); err != nil {
			return nil, err
		}
		if b, err = appendFact(b, it.Fact); err != nil {
			return nil, err
		}
	}
	if n := len(b) - start; n > MaxNote {
		return nil, fmt.Errorf("vantage note: %d bytes; the most is %d", n, MaxNote)
	}
	return b, nil
}

func kindOf(f evidence.Fact) string {
	if f == nil {
		return "none"
	}
	return f.Kind().String()
}

// noteWord gives the interface that a fact is about and the word of its line;
// none for facts that notes do not hold.
func noteWord(f evidence.Fact) (ifname, word string) {
	switch f := f.(type) {
	case evidence.Vantage:
		return f.Interface, "vantage"
	case evidence.Listened:
		return f.Interface, "listened"
	case evidence.Lost:
		return f.Interface, "lost"
	}
	return "", ""
}

// appendSpan appends when, and how often, an item was seen.
func appendSpan(b []byte, it evidence.Item) ([]byte, error) {
	for _, t := range []time.Time{it.First, it.Last} {
		if t = t.UTC(); t.Year() < 1970 || t.Year() > 9999 {
			return nil, fmt.Errorf("vantage note: an instant in the year %d", t.Year())
		}
		b = append(b, ' ')
		b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	}
	if it.Count < 0 || it.Last.Before(it.First) {
		return nil, errors.New("vantage note: an item that ends before it begins, or counts below zero")
	}
	b = append(b, ' ')
	return strconv.AppendInt(b, int64(it.Count), 10), nil
}

func appendFact(b []byte, f evidence.Fact) ([]byte, error) {
	flag := func(on bool, word string) {
		if on {
			b = append(b, ' ')
			b = append(b, word...)
		}
	}
	switch f := f.(type) {
	case evidence.Vantage:
		if f.Address.Addr().Zone() != "" || f.Gateway.Zone() != "" || f.VIP.Zone() != "" {
			return nil, errors.New("vantage note: an address with a zone")
		}
		address, gateway := "-", "-"
		if f.Address.IsValid() {
			address = f.Address.String()
		}
		if f.Gateway.IsValid() {
			gateway = f.Gateway.String()
		}
		b = fmt.Appendf(b, " %v %s %s", f.MAC, address, gateway)
		flag(f.Asked, "asked")
		flag(f.VIP.IsValid(), "vip "+f.VIP.String())
	case evidence.Listened:
		flag(f.Promiscuous, "promiscuous")
		flag(f.Passive, "passive")
		flag(!f.Joined.IsZero(), "joined "+f.Joined.String())
	case evidence.Lost:
		if f.VIP.Zone() != "" {
			return nil, errors.New("vantage note: an address with a zone")
		}
		flag(f.VIP.IsValid(), "vip "+f.VIP.String())
	}
	return b, nil
}

// ParseNote reads a vantage note. It accepts what AppendNote writes and nothing
// else. The items have no Times.
func ParseNote(comment []byte) ([]evidence.Item, error) {
	if len(comment) > MaxNote {
		return nil, fmt.Errorf("%d bytes; the most is %d", len(comment), MaxNote)
	}
	rest, ok := strings.CutPrefix(string(comment), notePrefix)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %q", notePrefix)
	}
	version, rest, _ := strings.Cut(rest, "\n")
	if version != noteVersion {
		return nil, fmt.Errorf("version %.20q; this program reads version %s", version, noteVersion)
	}
	line, rest, more := strings.Cut(rest, "\n")
	quoted, ok := strings.CutPrefix(line, "interface ")
	if !ok {
		return nil, errors.New("line 2 does not name the interface")
	}
	ifname, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, fmt.Errorf("line 2: the interface %.40q is not a quoted string", quoted)
	}
	var items []evidence.Item
	for n := 3; more; n++ {
		if len(items) == maxNoteItems {
			return nil, fmt.Errorf("more than %d items", maxNoteItems)
		}
		line, rest, more = strings.Cut(rest, "\n")
		it, err := parseNoteLine(ifname, strings.Split(line, " "))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		items = append(items, it)
	}
	// One way only to write it: what differs was not understood as it was meant.
	if again, err := AppendNote(nil, ifname, items); err != nil || !bytes.Equal(again, comment) {
		return nil, errors.New("it is not written the one way that notes are")
	}
	return items, nil
}

// parseNoteLine reads the words of an item's line. Trailing words that it does
// not know, ParseNote finds out.
func parseNoteLine(ifname string, words []string) (it evidence.Item, err error) {
	if len(words) < 4 {
		return it, fmt.Errorf("%d words; each line has at least 4", len(words))
	}
	if it.First, err = time.Parse(time.RFC3339Nano, words[1]); err != nil {
		return it, fmt.Errorf("%.40q is no instant", words[1])
	}
	if it.Last, err = time.Parse(time.RFC3339Nano, words[2]); err != nil {
		return it, fmt.Errorf("%.40q is no instant", words[2])
	}
	it.First, it.Last = it.First.UTC(), it.Last.UTC()
	if it.Count, err = strconv.Atoi(words[3]); err != nil {
		return it, fmt.Errorf("%.40q is no number of times", words[3])
	}
	switch word, words := words[0], words[4:]; word {
	case "vantage":
		it.Fact, err = parseVantage(ifname, words)
	case "listened":
		it.Fact, err = parseListened(ifname, words)
	case "lost":
		it.Fact, err = parseLost(ifname, words)
	default:
		err = fmt.Errorf("%.20q is no kind of item", word)
	}
	return it, err
}

func parseListened(ifname string, words []string) (evidence.Fact, error) {
	l := evidence.Listened{Interface: ifname}
	for i, w := range words {
		switch {
		case w == "promiscuous":
			l.Promiscuous = true
		case w == "passive":
			l.Passive = true
		case w == "joined" && i+1 < len(words):
			m, err := mac.Parse(words[i+1])
			if err != nil {
				return nil, err
			}
			l.Joined = m
		}
	}
	return l, nil
}

func parseLost(ifname string, words []string) (evidence.Fact, error) {
	l := evidence.Lost{Interface: ifname}
	if len(words) == 2 && words[0] == "vip" {
		vip, err := netip.ParseAddr(words[1])
		if err != nil {
			return nil, fmt.Errorf("%.40q is no address", words[1])
		}
		l.VIP = vip
	}
	return l, nil
}

func parseVantage(ifname string, words []string) (evidence.Fact, error) {
	if len(words) < 3 {
		return nil, errors.New("a vantage has a MAC, an address and a gateway")
	}
	v := evidence.Vantage{Interface: ifname, Asked: len(words) > 3 && words[3] == "asked"}
	var err error
	if v.MAC, err = mac.Parse(words[0]); err != nil {
		return nil, err
	}
	if words[1] != "-" {
		if v.Address, err = netip.ParsePrefix(words[1]); err != nil {
			return nil, fmt.Errorf("%.60q is no address with prefix length", words[1])
		}
	}
	if words[2] != "-" {
		if v.Gateway, err = netip.ParseAddr(words[2]); err != nil {
			return nil, fmt.Errorf("%.60q is no address", words[2])
		}
	}
	for i, w := range words {
		if w != "vip" || i < 3 || i+1 == len(words) {
			continue
		}
		if v.VIP, err = netip.ParseAddr(words[i+1]); err != nil {
			return nil, fmt.Errorf("%.60q is no address", words[i+1])
		}
	}
	return v, nil
}
