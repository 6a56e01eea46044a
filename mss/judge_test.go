package mss_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mss"
)

const ms = time.Millisecond

var dawn = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// step is one fact, n times at one instant.
type step struct {
	at   time.Duration
	fact evidence.Fact
	n    int
}

func (s step) times(n int) step           { s.n = n; return s }
func (s step) from(at time.Duration) step { s.at = at; return s }

func items(steps []step) []evidence.Item {
	var log evidence.Log
	for _, s := range steps {
		log.Add(s.fact, dawn.Add(s.at), s.n, nil)
	}
	return log.Items()
}

// The ends of a mail connection: a Windows sender, a server behind a small link.
var (
	mailer = netip.MustParseAddrPort("172.16.63.9:50000")
	mailIP = netip.MustParseAddr("10.99.0.25")
	mailbx = netip.AddrPortFrom(mailIP, 25)
)

// opens is a SYN, or with ack its answer, that offers a segment size.
func opens(from, to netip.AddrPort, mss uint16, ack bool) step {
	return step{at: ms, n: 1, fact: evidence.TCP{Src: from, Dst: to, SYN: true, ACK: ack, MSS: mss}}
}

// handshake is both, with what the server takes.
func handshake(mss uint16, more ...step) []step {
	return append([]step{opens(mailer, mailbx, 1460, false), opens(mailbx, mailer, mss, true).from(2 * ms)}, more...)
}

// segment is data from the mailer; options are 12 bytes with time stamps.
func segment(payload, options int) step {
	return step{at: 5 * ms, n: 1, fact: evidence.Segment{Src: mailer, Dst: mailbx, Payload: payload, Options: options}}
}

func (s step) again() step {
	f := s.fact.(evidence.Segment)
	f.Again = true
	s.fact, s.at = f, 300*ms
	return s
}

func ack(inside bool) step {
	return step{at: 6 * ms, n: 1, fact: evidence.Ack{Src: mailbx, Dst: mailer, Inside: inside}}
}

// ackInto acknowledges a part of a segment.
func ackInto(into, options int) step {
	return step{at: 6 * ms, n: 1, fact: evidence.Ack{Src: mailbx, Dst: mailer, Inside: true, Into: into, Options: options}}
}

func resets() step {
	return step{at: 9 * time.Second, n: 1, fact: evidence.TCP{Src: mailer, Dst: mailbx, RST: true, ACK: true}}
}

func kernel(mss, path int, atLeast bool) []step {
	return []step{{at: ms, n: 1, fact: evidence.Offer{Src: mailbx, Dst: mailer, MSS: mss, AtLeast: atLeast, Interface: "eth0", MTU: 1500, PathMTU: path}}}
}

type segmentStory struct {
	name     string
	steps    []step
	severity finding.Severity
	want     []string
	near     []string
	says     []string // in summaries and evidence
}

func segmentStories() []segmentStory {
	v6 := netip.AddrPortFrom(netip.MustParseAddr("2001:db8::25"), 25)
	return []segmentStory{
		{
			name:     "Windows' floor against 512, lost",
			steps:    handshake(512, segment(536, 0), segment(536, 0).again().times(3), resets()),
			severity: finding.Critical,
			want:     []string{mss.Exceeded},
			near:     []string{mss.BelowFloor, mss.Offload},
			says: []string{
				"172.16.63.9:50000 sends segments of 536 bytes to 10.99.0.25:25, which takes 512: 24 too many, the floor of Windows senders.",
				"never acknowledged, and the connection was reset",
				"10.99.0.25:25 opens with a segment size (MSS) of 512", "opens with a segment size (MSS) of 1460", "the same bytes again, 3 times", "resets the connection",
			},
		},
		{
			name:     "the same with time stamps, and it arrives",
			steps:    handshake(512, segment(524, 12).times(5), ack(false)),
			severity: finding.Warning,
			want:     []string{mss.Exceeded},
			says:     []string{"536 bytes", "acknowledged all the same", "sends 524 bytes and 12 of options: 536"},
		},
		{
			name:     "the same with offload: the card would cut at 536",
			steps:    handshake(512, segment(2*536, 0), segment(5*536, 0)),
			severity: finding.Warning,
			want:     []string{mss.Exceeded},
			says:     []string{"segments of 536 bytes", "No acknowledgement of them was seen"},
		},
		{
			// A last piece that is not whole, but one retransmission of it as it
			// was: after a loss a sender sends one segment.
			name:     "another size, sent again",
			steps:    handshake(400, segment(450, 0), segment(450, 0).again()),
			severity: finding.Critical,
			want:     []string{mss.Exceeded},
			says:     []string{"50 too many, not the size of Windows' floor"},
		},
		{
			name:     "an obeying sender",
			steps:    handshake(512, segment(512, 0), segment(500, 12)),
			severity: finding.Info,
			want:     []string{mss.BelowFloor},
			near:     []string{mss.Exceeded, mss.Offload},
			says:     []string{"172.16.63.9:50000 keeps to it. Windows would not: it sends up to 24 more"},
		},
		{
			name:     "an obeying sender with offload",
			steps:    handshake(512, segment(5*512, 0), segment(1344, 0), segment(2*500, 12)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
			says:     []string{"most likely cut on the way"},
		},
		{
			name:     "packets of several of the offer, which arrive",
			steps:    handshake(512, segment(4*512, 0), segment(2*512, 0).times(3), segment(300, 0), ack(false)),
			severity: finding.Info,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
			says:     []string{"are several of that, and arrive"},
		},
		{
			name:     "the same, but one of them fits no number of the offer",
			steps:    handshake(512, segment(4*512, 0), segment(1344, 0), ack(false)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
		},
		{
			name:     "the same, of a length that is several of Windows' floor too",
			steps:    handshake(512, segment(512*536/8, 0), ack(false)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
		},
		{
			name:     "the same, and nothing says that they arrive",
			steps:    handshake(512, segment(4*512, 0), segment(2*512, 0)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
		},
		{
			// One segment of that size can be the rest of a longer one.
			name:     "one segment of the floor's size",
			steps:    handshake(512, segment(536, 0)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
		},
		{
			name:     "the receiver acknowledges a part of what is sent again",
			steps:    handshake(512, segment(536, 0).times(4), segment(536, 0).again(), ack(true)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
			says:     []string{"acknowledges a part of such a segment"},
		},
		{
			name:     "a card's packet, longer than the link takes, sent again as it was and lost",
			steps:    handshake(1460, segment(1948, 12), segment(1948, 12).again().times(2), resets()),
			severity: finding.Info,
			want:     []string{mss.Offload},
			near:     []string{mss.Exceeded},
		},
		{
			name:     "a card's packet that the link would take, sent again as it was",
			steps:    handshake(512, segment(1200, 0), segment(1200, 0).again(), resets()),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
		},
		{
			// Its own link takes 1460, and it sends that whatever was offered.
			name:     "full packets of the sender's link, sent again",
			steps:    handshake(512, segment(1460, 0), segment(1460, 0).again(), resets()),
			severity: finding.Critical,
			want:     []string{mss.Exceeded},
			near:     []string{mss.BelowFloor, mss.Offload},
		},
		{
			name:     "the floor, lost, beside what a card cuts",
			steps:    handshake(512, segment(2500, 0), segment(3000, 0), segment(536, 0), segment(536, 0).again().times(2), resets()),
			severity: finding.Critical,
			want:     []string{mss.Exceeded},
			near:     []string{mss.Offload},
		},
		{
			// What is worst is listed, however much a card cuts beside it.
			name: "the floor, lost, after much that a card cuts",
			steps: handshake(512, segment(2000, 0), segment(2100, 0), segment(2200, 0), segment(2300, 0), segment(2400, 0), segment(2500, 0), segment(2600, 0), segment(2700, 0), segment(2800, 0),
				segment(536, 0), segment(536, 0).again().times(2), resets()),
			severity: finding.Critical,
			want:     []string{mss.Exceeded},
			says:     []string{"sends 536 bytes and 0 of options: 536, the same bytes again, 2 times", "resets the connection", "more lines like these"},
		},
		{
			name:     "a card that cuts to the offer",
			steps:    handshake(512, segment(1500, 12), ackInto(500, 12), ackInto(1000, 12), ack(false)),
			severity: finding.Info,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
			says:     []string{"172.16.63.9:50000 keeps to it. Windows would not", "acknowledges 500 bytes of such a segment"},
		},
		{
			name:     "a card that cuts to Windows' floor",
			steps:    handshake(512, segment(1608, 0), ackInto(536, 0), ackInto(1072, 0), ack(false)),
			severity: finding.Warning,
			want:     []string{mss.Exceeded},
			near:     []string{mss.BelowFloor, mss.Offload},
			says:     []string{"segments of 536 bytes", "The receiver acknowledges pieces of that size"},
		},
		{
			name:     "acknowledgements that tell no size",
			steps:    handshake(512, segment(1608, 0), ackInto(700, 0)),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
			near:     []string{mss.Exceeded},
		},
		{
			name:     "a scanner's probe",
			steps:    []step{opens(mailer, mailbx, 265, false), opens(mailbx, mailer, 1460, true), resets()},
			severity: finding.Info,
			want:     []string{mss.BelowFloor},
			says:     []string{"Nothing was sent to it: port scanners offer such sizes too."},
		},
		{
			name: "who offers little, and is sent more",
			steps: []step{opens(mailer, mailbx, 265, false), opens(mailbx, mailer, 1460, true),
				{at: 5 * ms, n: 1, fact: evidence.Segment{Src: mailbx, Dst: mailer, Payload: 300}}},
			severity: finding.Warning,
			want:     []string{mss.BelowFloor, mss.Offload},
		},
		{
			// The server's offer is one that counts, whoever tries it out.
			name:     "a scanner finds a server that takes little",
			steps:    []step{opens(mailer, mailbx, 265, false), opens(mailbx, mailer, 512, true), resets()},
			severity: finding.Warning,
			want:     []string{mss.BelowFloor},
			says:     []string{"10.99.0.25:25 takes segments of 512 bytes, 24 less"},
		},
		{
			name:     "more than is kept",
			steps:    handshake(512, segment(536, 0), segment(536, 0).again(), step{at: 5 * ms, n: 7, fact: evidence.Unkept{Of: evidence.KindSegment}}),
			severity: finding.Critical,
			want:     []string{mss.Exceeded},
			says:     []string{"that are not kept: 7"},
		},
		{
			name:     "a handshake, no more",
			steps:    handshake(512),
			severity: finding.Warning,
			want:     []string{mss.BelowFloor},
			says:     []string{"takes segments of 512 bytes, 24 less than Windows sends at least"},
		},
		{
			name:     "the usual sizes",
			steps:    handshake(1460, segment(1460, 0)),
			severity: finding.OK,
			near:     []string{mss.BelowFloor, mss.Offload, mss.Exceeded},
		},
		{
			name:     "no size said",
			steps:    handshake(0, segment(700, 0)),
			severity: finding.Info,
			want:     []string{mss.Offload},
			near:     []string{mss.BelowFloor},
			says:     []string{"10.99.0.25:25 opens without a segment size, so 536 holds"},
		},
		{
			name:     "segments without the opening",
			steps:    []step{segment(5000, 0)},
			severity: finding.OK,
			near:     []string{mss.Offload},
		},
		{
			name: "IPv6 knows no such floor",
			steps: []step{opens(netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), 50000), v6, 500, false),
				{at: ms, n: 1, fact: evidence.Offer{Src: v6, Dst: mailer, MSS: 500}}},
			severity: finding.OK,
			near:     []string{mss.BelowFloor},
		},
		{
			name: "the kernel says 512", steps: kernel(512, 1500, false), severity: finding.Warning,
			want: []string{mss.BelowFloor}, near: []string{mss.Fits},
			says: []string{"says this host's kernel", `"eth0", takes packets of 1500 bytes, which makes segments of 1460`, "the path to it takes packets of 1500 bytes"},
		},
		{
			name: "the kernel says enough", steps: kernel(1460, 1500, true), severity: finding.Info,
			want: []string{mss.Fits}, near: []string{mss.BelowFloor},
			says: []string{"takes segments of 1460 or more bytes: no Windows sender exceeds it"},
		},
		{
			name: "the path is smaller than the floor", steps: kernel(460, 500, true), severity: finding.Info,
			want: []string{mss.Fits}, near: []string{mss.BelowFloor},
			says: []string{"the path to it takes packets of 500: less than Windows sends"},
		},
	}
}

func TestSegments(t *testing.T) {
	for _, s := range segmentStories() {
		t.Run(s.name, func(t *testing.T) {
			all := items(s.steps)
			c := mss.Judge(mailer, mailbx, all)
			checkJudged(t, all, c)
			var got []string
			var text strings.Builder
			for _, f := range c.Findings {
				got = append(got, f.ID)
				text.WriteString(f.Summary + "\n" + strings.Join(f.Evidence, "\n") + "\n")
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(s.want))
			if !slices.Equal(got, want) || c.Severity != s.severity {
				t.Errorf("%v %v, want %v %v", c.Severity, got, s.severity, want)
			}
			for _, part := range s.says {
				if !strings.Contains(text.String(), part) {
					t.Errorf("no %q in\n%s", part, text.String())
				}
			}
		})
	}
	c := mss.Judge(mailer, mailbx, items(handshake(512)))
	if c.ClientMSS != 1460 || c.ServerMSS != 512 {
		t.Errorf("offers %d and %d", c.ClientMSS, c.ServerMSS)
	}
}

// checkJudged holds what is true of every judgement of segment sizes.
func checkJudged(t *testing.T, all []evidence.Item, c mss.Connection) {
	t.Helper()
	worst := finding.OK
	for _, f := range c.Findings {
		worst = finding.Worst(worst, f.Severity)
		if len(f.Items) == 0 || len(f.Evidence) == 0 || f.Remedy == "" || strings.ContainsFunc(f.Summary+strings.Join(f.Evidence, ""), unicode.IsControl) {
			t.Errorf("finding %+v", f)
		}
		for _, i := range f.Items {
			if i < 0 || i >= len(all) {
				t.Errorf("%s rests on item %d of %d", f.ID, i, len(all))
			}
		}
	}
	if worst != c.Severity {
		t.Errorf("severity %v, findings %v", c.Severity, worst)
	}
}

// Every kind of finding has a story that raises it and one that comes close to it
// and must not.
func TestStoriesCoverEntries(t *testing.T) {
	raised, missed := make(map[string]bool), make(map[string]bool)
	for _, s := range segmentStories() {
		for _, id := range s.want {
			raised[id] = true
		}
		for _, id := range s.near {
			missed[id] = true
		}
	}
	for _, e := range mss.Entries {
		if !raised[e.ID] || !missed[e.ID] {
			t.Errorf("%s: raised %v, a near miss %v", e.ID, raised[e.ID], missed[e.ID])
		}
		delete(raised, e.ID)
		delete(missed, e.ID)
	}
	if len(raised)+len(missed) > 0 {
		t.Errorf("stories without an entry: %v, %v", raised, missed)
	}
}

// FuzzJudge holds what is true of every judgement, whatever the facts and their
// order. Eight bytes are a fact.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{0, 0, 1, 90, 2, 1, 0, 0, 0, 1, 0, 128, 3, 3, 0, 0, 1, 0, 1, 8, 0, 1, 4, 4, 1, 0, 1, 8, 0, 0, 5, 3, 2, 1, 0, 8, 0, 0, 6, 1})
	f.Add([]byte{3, 1, 0, 8, 0, 0, 1, 0, 4, 0, 0, 0, 0, 0, 1, 200})
	f.Add([]byte{5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6})
	ends := []netip.AddrPort{mailer, mailbx, {}, netip.MustParseAddrPort("[2001:db8::25]:25"), netip.MustParseAddrPort("[::ffff:10.99.0.25]:25")}
	names := []string{"eth0", "", "e\x1b[31m\n"}
	f.Fuzz(func(t *testing.T, b []byte) {
		var all []evidence.Item
		for ; len(b) >= 8; b = b[8:] {
			src, dst := ends[int(b[1])%len(ends)], ends[int(b[2])%len(ends)]
			size := int(int8(b[3])) * 67
			var fact evidence.Fact
			switch b[0] % 7 {
			case 0:
				fact = evidence.TCP{Src: src, Dst: dst, SYN: b[4]&1 == 0, ACK: b[4]&2 == 0, RST: b[4]&4 != 0, MSS: uint16(b[3]) * 4}
			case 1:
				fact = evidence.Segment{Src: src, Dst: dst, Payload: size, Options: int(b[4]%2) * 12, Again: b[5]&1 == 0}
			case 2:
				fact = evidence.Ack{Src: src, Dst: dst, Inside: b[4]&1 == 0, Into: size, Options: int(b[5]%2) * 12}
			case 3:
				fact = evidence.Offer{Src: src, Dst: dst, MSS: size, AtLeast: b[4]&1 == 0, Interface: names[int(b[5])%len(names)], MTU: size, PathMTU: int(b[6]) * 10}
			case 4:
				fact = evidence.Unkept{Of: evidence.Kind(b[1])}
			case 5:
				fact = evidence.Lost{}
			}
			it := evidence.Item{Fact: fact, First: dawn.Add(time.Duration(b[7]) * ms), Count: int(int8(b[6])) << 56}
			if b[7] == 255 {
				it.First = time.Time{}
			}
			it.Last = it.First.Add(time.Duration(int8(b[5])) * ms)
			all = append(all, it)
		}
		for _, server := range ends[1:] {
			c := mss.Judge(mailer, server, all)
			checkJudged(t, all, c)
			back := slices.Clone(all)
			slices.Reverse(back)
			if got := mss.Judge(mailer, server, back); got.Severity != c.Severity || len(got.Findings) != len(c.Findings) {
				t.Errorf("reversed: %+v, want %+v", got, c)
			}
		}
	})
}
