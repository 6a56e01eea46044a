package diagnose

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// maxLines bounds the evidence lines of one finding. The items are all listed.
const maxLines = 8

// lines is a bounded list of evidence lines.
type lines struct {
	text []string
	more int
}

func (l *lines) add(format string, args ...any) {
	if len(l.text) >= maxLines {
		l.more++
		return
	}
	l.text = append(l.text, fmt.Sprintf(format, args...))
}

func (l *lines) list() []string {
	if l.more == 0 {
		return l.text
	}
	return append(l.text, fmt.Sprintf("and %d more lines like these", l.more))
}

// at is the instant t from the first item on, as evidence lines begin.
func (p *picture) at(t time.Time) string {
	return "at " + p.offset(t)
}

// offset writes t as the time since the first item.
func (p *picture) offset(t time.Time) string {
	if t.IsZero() || t.Before(p.start) {
		return "an unknown time"
	}
	return "+" + span(t.Sub(p.start))
}

// span writes a duration for people: three figures at most below a minute.
func span(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d < 0:
		return "-" + span(-max(d, -1<<62))
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	}
	return d.Round(time.Second).String()
}

// many writes a count with its noun: "1 answer", "3 answers".
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// times writes how often something was seen: "once", "3 times".
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// claimLine is the evidence line of one sighting that claims the VIP. It is written only
// where it is shown: of a crowd few are.
type claimLine struct {
	p *picture
	s sighting
}

func (p *picture) says(s sighting) claimLine { return claimLine{p, s} }

func (line claimLine) String() string {
	p, s := line.p, line.s
	var b strings.Builder
	fmt.Fprintf(&b, "%s ", p.at(s.first))
	switch s.act {
	case answers:
		fmt.Fprintf(&b, "%v answers: %v is at %v", s.arp.EthSrc, p.vip, s.arp.SenderMAC)
	case announces:
		fmt.Fprintf(&b, "%v announces: %v is at %v", s.arp.EthSrc, p.vip, s.arp.SenderMAC)
	case asks:
		fmt.Fprintf(&b, "%v asks for %v as %v at %v", s.arp.EthSrc, s.arp.TargetIP, p.vip, s.arp.SenderMAC)
	}
	if s.arp.VLAN != 0 {
		fmt.Fprintf(&b, ", VLAN %d", s.arp.VLAN)
	}
	if s.count > 1 {
		fmt.Fprintf(&b, ", %s until %s", times(s.count), p.offset(s.last))
	}
	return b.String()
}

// quoted is a name from the host or a file as it may be shown: escaped and
// short.
func quoted(name string) string {
	const most = 40
	if len(name) > most {
		name = name[:most]
	}
	return strconv.Quote(name)
}

// listenedFor is the time during which somebody listened, and whether that is
// known.
func (p *picture) listenedFor() (time.Duration, bool) {
	var first, last time.Time
	for _, i := range p.listened {
		it := p.items[i]
		if first.IsZero() || it.First.Before(first) {
			first = it.First
		}
		if it.Last.After(last) {
			last = it.Last
		}
	}
	if first.IsZero() || last.Before(first) {
		return 0, false
	}
	return last.Sub(first), true
}

func count(items []evidence.Item, indexes []int) int {
	n := 0
	for _, i := range indexes {
		n += sightings(items[i])
	}
	return n
}
