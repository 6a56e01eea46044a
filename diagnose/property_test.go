package diagnose

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// check holds for every diagnosis, whatever the evidence.
func check(t *testing.T, all []evidence.Item, d Diagnosis) {
	t.Helper()
	verdicts := []Verdict{Reachable, LocalOnly, Answers, NoMAC, Conflict, Silent, NotTold, Seen}
	if !slices.Contains(verdicts, d.Verdict) {
		t.Errorf("verdict %q", d.Verdict)
	}
	inRange := func(what string, indexes []int) {
		seen := make(map[int]bool)
		for _, i := range indexes {
			if i < 0 || i >= len(all) || seen[i] {
				t.Errorf("%s rests on item %d of %d (or twice on it)", what, i, len(all))
			}
			seen[i] = true
		}
	}
	worst := OK
	for i, f := range d.Findings {
		e, ok := Explain(f.ID)
		if !ok {
			t.Errorf("%q is not in the catalogue", f.ID)
		}
		if f.Severity.Rank() > e.Severity.Rank() || f.Severity == OK || f.Severity == Unknown {
			t.Errorf("%s has severity %v", f.ID, f.Severity)
		}
		worst = finding.Worst(worst, f.Severity)
		if i > 0 && (d.Findings[i-1].Severity.Rank() < f.Severity.Rank() || d.Findings[i-1].ID == f.ID) {
			t.Errorf("%s after %s", f.ID, d.Findings[i-1].ID)
		}
		if n := wrappedLines(f.Summary, 78); n > 2 || f.Summary == "" {
			t.Errorf("%s: the summary takes %d lines: %q", f.ID, n, f.Summary)
		}
		if len(f.Evidence) == 0 || f.Remedy == "" || f.Disproof == "" || len(f.References) == 0 {
			t.Errorf("%s is not whole: %+v", f.ID, f)
		}
		for _, line := range append(slices.Clone(f.Evidence), f.Summary) {
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: unprintable text in %q", f.ID, line)
			}
		}
		inRange(f.ID, f.Items)
	}
	// An ordinary host with remarks is the one thing that is better than its
	// findings.
	if remarks := worst == Info && d.Severity == OK && d.Cluster.Mode == None; !remarks && finding.Worst(d.Severity, worst) != d.Severity {
		t.Errorf("severity %v, with a finding that is %v", d.Severity, worst)
	}
	if d.Verdict == Silent && d.Severity.ExitStatus() == 0 {
		t.Errorf("silent, and exit status 0")
	}
	reach := make(map[Reach]bool)
	for _, r := range d.Routers {
		reach[r.Reach] = true
		if r.IP == d.VIP || r.Why == "" {
			t.Errorf("router %+v", r)
		}
		inRange("router "+r.IP.String(), r.Items)
	}
	switch {
	case d.Verdict == LocalOnly && (!reach[DoesNotReach] || d.Severity != Critical),
		d.Verdict == Reachable && (!reach[Reaches] || reach[DoesNotReach]),
		(d.Verdict == Answers || d.Verdict == Seen) && (reach[Reaches] || reach[DoesNotReach]):
		t.Errorf("%s, %v, with routers %+v", d.Verdict, d.Severity, d.Routers)
	}
	if reach[Reaches] != d.Has(idRouterReaches) || reach[DoesNotReach] != (d.Has(idIgnores) || d.Has(idDoesNotReach)) {
		t.Errorf("findings %q, with routers %+v", ids(d), d.Routers)
	}
	if d.Cluster.HasMAC && len(d.Cluster.Hosts) == 0 && !d.Has(idCarried) {
		t.Error("a MAC, and nobody who named it")
	}
}

// wrappedLines counts the lines that a text takes when words are kept whole.
func wrappedLines(text string, width int) int {
	n, column := 1, 0
	for w := range strings.FieldsSeq(text) {
		if column > 0 && column+1+len(w) > width {
			n, column = n+1, 0
		}
		if column > 0 {
			column++
		}
		column += len(w)
	}
	return n
}

// FuzzVIP takes bytes for facts: any mixture of them gives a whole diagnosis,
// and the same one in reverse order.
func FuzzVIP(f *testing.F) {
	kinds := make(map[evidence.Kind]bool)
	for i := range 64 {
		var b []byte
		for j := range 12 * 8 {
			b = append(b, byte(i*j*7+j*j+i))
		}
		for _, it := range mixture(b) {
			if it.Fact != nil {
				kinds[it.Fact.Kind()] = true
			}
		}
		f.Add(b)
	}
	if want := len(evidence.Kinds()); len(kinds) < want {
		f.Fatalf("the seeds hold facts of %d of %d kinds", len(kinds), want)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all := mixture(b)
		d := VIP(vip, all)
		check(t, all, d)
		want := byFact(d, all)
		back := slices.Clone(all)
		slices.Reverse(back)
		if got := byFact(VIP(vip, back), back); got.Diagnosis.Verdict != want.Diagnosis.Verdict || !equalIDs(got.Diagnosis, want.Diagnosis) {
			t.Errorf("reversed: %v, want %v", got, want)
		}
		far := Remote(vip, all)
		checkRemote(t, all, far)
		if got := Remote(vip, back); got.Verdict != far.Verdict || !equalIDs(got, far) {
			t.Errorf("remote reversed: %+v, want %+v", got, far)
		}
		checkRemote(t, all, Remote(netip.Addr{}, all))
		check(t, all, VIP(netip.Addr{}, all))
		check(t, all, VIP(netip.MustParseAddr("2001:db8::1"), all))
	})
}

func equalIDs(a, b Diagnosis) bool {
	return slices.EqualFunc(a.Findings, b.Findings, func(x, y Finding) bool {
		return x.ID == y.ID && x.Summary == y.Summary && slices.Equal(x.Evidence, y.Evidence)
	})
}

// mixture makes a fact of every eight bytes, from addresses that matter.
func mixture(b []byte) []evidence.Item {
	macs := []mac.Addr{
		ourMAC, node1, node2, stranger, routerMAC, multicast, igmp, unicast, masked1, masked2, legacy, example, mac.Broadcast, {},
		hw("00:00:5e:00:01:01"), hw("00:07:b4:00:01:01"), hw("00:07:b4:00:01:02"), hw("01:00:5e:00:01:01"), hw("01:80:c2:00:00:00"), hw("03:bf:0a:00:00:01"),
		hw("33:33:00:00:00:01"), hw("03:00:00:00:00:01"), hw("0b:00:00:00:00:01"), hw("01:00:5e:7f:01:02"), hw("02:42:ac:11:00:02"),
	}
	ips := []netip.Addr{vip, vip, second, gateway, us, client, {}, netip.IPv4Unspecified(), netip.MustParseAddr("::ffff:172.16.63.241"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("255.255.255.255")}
	groups := []netip.Addr{{}, netip.MustParseAddr("239.255.63.241"), netip.MustParseAddr("239.255.0.1"), netip.MustParseAddr("ff02::1"), netip.MustParseAddr("10.0.0.1"), netip.IPv4Unspecified()}
	names := []string{"eth0", "", "e\x1b[31m\n", strings.Repeat("x", 300)}
	var all []evidence.Item
	for ; len(b) >= 8; b = b[8:] {
		m := func(i int) mac.Addr { return macs[int(b[i])%len(macs)] }
		ip := func(i int) netip.Addr { return ips[int(b[i])%len(ips)] }
		name := names[int(b[1])%len(names)]
		var f evidence.Fact
		port := func(i int) netip.AddrPort { return netip.AddrPortFrom(ip(i), uint16(b[i]%3)) }
		switch b[0] % 40 {
		case 39:
			f = evidence.Captured{Source: int(b[1] % 3), Place: name, Part: int(b[2] % 2), Group: b[3]&1 == 0, Beats: b[4]&1 == 0}
		case 35, 36, 37, 38:
			f = askOrTold(b, ip)
		case 32:
			f = evidence.Segment{EthSrc: m(1), EthDst: m(2), Src: port(3), Dst: port(4), Payload: int(int8(b[5])) * 67, Options: int(b[6]%2) * 12, Again: b[7]&1 == 0}
		case 33:
			f = evidence.Ack{EthSrc: m(1), Src: port(3), Dst: port(4), Inside: b[7]&1 == 0}
		case 34:
			f = evidence.Offer{Src: port(3), Dst: port(4), MSS: int(int8(b[5])) * 67, AtLeast: b[7]&1 == 0, Interface: name, MTU: int(b[6]) * 10, PathMTU: int(b[7]) * 10}
		case 0:
			f = evidence.BadARP{EthSrc: m(2), Reason: evidence.Reason(b[1])}
		case 1:
			f = evidence.Vantage{Interface: name, MAC: m(2), Address: netip.PrefixFrom(ip(3), int(b[4]%40)), Gateway: ip(5), Asked: b[6]&1 == 0}
		case 2:
			f = evidence.Listened{Interface: name, Promiscuous: b[2]&1 == 0, Joined: m(4), Passive: b[3]&1 == 0}
		case 3:
			f = evidence.Lost{Interface: name}
		case 4:
			f = evidence.Unkept{Of: evidence.Kind(b[2]), Unasked: b[3]&1 == 0, Others: b[3]&2 == 0}
		case 5:
			f = nil
		case 6, 7:
			f = evidence.Echo{Reply: b[6]&1 == 0, EthSrc: m(1), EthDst: m(2), Src: ip(3), Dst: ip(4), TTL: b[5], ID: uint16(b[6] % 2), Token: uint64(b[5] % 2), Out: b[7]%4 == 0}
		case 8, 9:
			f = evidence.ICMPError{
				Type: []uint8{3, 5, 11, 3}[b[1]%4], Code: b[2] % 14, EthSrc: m(3), From: ip(1), Src: ip(4), Dst: ip(5), Gateway: ip(2),
				Protocol: []uint8{1, 6}[b[6]%2], ID: uint16(b[6] % 3), Port: uint16(b[7] % 3), Token: uint64(b[2] % 2), Payload: b[2]%4 > 1,
			}
		case 10, 11:
			f = evidence.TCP{EthSrc: m(1), EthDst: m(2), Src: port(3), Dst: port(4), TTL: b[5], SYN: b[6]&1 == 0, ACK: b[6]&2 == 0, RST: b[6]&4 == 0, MSS: uint16(b[7]) * 4, Number: uint32(b[6] % 8 / 2), Out: b[7]%4 == 0}
		case 12:
			f = evidence.Traffic{EthSrc: m(1), EthDst: m(2), Src: ip(3), Dst: ip(4), EtherType: []uint16{0x0800, 0x886f}[b[5]%2], Out: b[7]%4 == 0}
		case 13:
			f = evidence.Hello{Protocol: evidence.Protocol(b[5] % 9), EthSrc: m(1), From: ip(2), Virtual: ip(3), Group: uint16(b[4] % 4), Active: b[6]&1 == 0}
		case 14, 15, 16:
			f = evidence.IGMP{
				Act: evidence.IGMPAct(b[6] % 4), Version: b[5] % 5, EthSrc: m(1), EthDst: m(2), From: ip(3), To: groups[int(b[4])%len(groups)],
				Group: groups[int(b[5])%len(groups)], Interval: time.Duration(int8(b[6])) * time.Second, Out: b[7]%4 == 0,
			}
		case 17, 18, 19, 20:
			h := evidence.Heartbeat{
				EthSrc: m(1), EthDst: m(2), EtherType: 0x886f, Signature: []uint32{0xc0de01bf, 0xc0de01bf, 0xc0de01c0, 7}[b[6]%4], Priority: uint32(b[5] % 40),
				Cluster: ip(3), Dedicated: ip(4), Status: b[6]&4 == 0, DefaultHost: uint16(b[5] % 3), RuleCount: uint16(b[4]), RulesKept: b[2] % 34, Name: name, Out: b[7]%4 == 0,
			}
			h.Rules[0] = uint32(b[5]) << 24
			f = h
		case 21:
			f = evidence.Malformed{Protocol: evidence.Protocol(b[5] % 4), EthSrc: m(1), Reason: evidence.Reason(b[1])}
		default:
			f = evidence.ARP{Op: evidence.Op(b[0] % 4), EthDst: m(7), EthSrc: m(1), SenderMAC: m(2), SenderIP: ip(3), TargetIP: ip(4), VLAN: uint16(b[5] % 3), Out: b[6]%8 == 0}
		}
		it := evidence.Item{Fact: f, Bytes: int(int8(b[7])) << 56, First: dawn.Add(time.Duration(b[7]%16) * time.Second), Count: int(int8(b[6])) << 56}
		it.Last = it.First.Add(time.Duration(int8(b[5])) * 100 * ms)
		if b[7] > 250 {
			it.First = time.Time{}
		}
		it.Times = []time.Time{it.First, it.Last}
		all = append(all, it)
	}
	return all
}

// Every kind of fact is looked at by somebody: beside what it needs to have a
// meaning, a fact is enough for other findings.
func TestEveryKindCounts(t *testing.T) {
	type pair struct {
		fact   step
		beside []step
	}
	tested := live(answer(node1, multicast), has(gateway, routerMAC), echoVia(routerMAC, 7))
	facts := map[evidence.Kind]pair{
		evidence.KindARPRequest: {fact: announce(node1, multicast)},
		evidence.KindARPReply:   {fact: answer(node1, multicast)},
		evidence.KindBadARP:     {fact: fact(evidence.BadARP{Reason: evidence.ReasonShort})},
		evidence.KindEcho:       {echoReplied(node1, 7), tested},
		evidence.KindICMPError:  {unreachable(1, 7), tested},
		evidence.KindTCP:        {syn(multicast, 40000, 443), tested},
		evidence.KindTraffic:    {passes(stranger, client), tested},
		evidence.KindHello:      {fact: hello(client, true)},

		evidence.KindIGMPQuery:  {query(gateway, 2), live(answer(node1, multicast))},
		evidence.KindIGMPReport: {reports(node1, node1IP), live(answer(node1, igmp))},
		evidence.KindHeartbeat:  {beat(node1, 1), live(answer(node1, example))},
		evidence.KindMalformed:  {fact(evidence.Malformed{Protocol: evidence.ProtocolIGMP, Reason: evidence.ReasonChecksum}), live(answer(node1, igmp))},
		evidence.KindVantage:    {fact: here()},
		evidence.KindListened:   {fact: fact(evidence.Listened{Passive: true})},
		evidence.KindLost:       {fact: fact(evidence.Lost{Interface: "eth0"})},
		evidence.KindUnkept:     {fact: fact(evidence.Unkept{Of: evidence.KindARPReply})},
		evidence.KindCaptured:   {fact(evidence.Captured{}), slices.Concat(repeated(time.Second, 3, beat(node1, 1)), repeated(time.Second, 15, beat(node2, 2)))},
	}
	for _, k := range evidence.Kinds() {
		switch k {
		case evidence.KindSegment, evidence.KindAck, evidence.KindOffer:
			continue // of one connection: TestSegments
		case evidence.KindAsk, evidence.KindTold:
			continue // of a client of another subnet: TestRemote
		}
		f, ok := facts[k]
		if !ok || f.fact.fact.Kind() != k {
			t.Errorf("nobody looks at facts of kind %v", k)
			continue
		}
		without := ids(VIP(vip, items(f.beside)))
		if got := ids(VIP(vip, items(append(slices.Clone(f.beside), f.fact)))); slices.Equal(got, without) {
			t.Errorf("a fact of kind %v changes nothing: %q", k, got)
		}
	}
}

// Counts and instants of a file or a peer can be anything.
func TestHostileItems(t *testing.T) {
	all := items(live(answer(node1, multicast), answer(node1, multicast).vlan(7), fact(evidence.BadARP{Reason: evidence.ReasonShort}), asksFor(stranger, stranger, client, vip)))
	for i := range all {
		all[i].Count = math.MaxInt
		switch all[i].Fact.(type) {
		case evidence.BadARP:
			all[i].First, all[i].Last, all[i].Count = time.Time{}, time.Time{}, -5
		case evidence.ARP:
			all[i].Last = dawn.Add(-time.Hour)
		}
	}
	d := VIP(vip, all)
	check(t, all, d)
	if n := d.Cluster.Hosts[0].Answers; n != 2*math.MaxInt32 {
		t.Errorf("%d answers", n)
	}
	if text := evidenceOf(d, idMalformed); !strings.Contains(text, "at an unknown time") || !strings.Contains(text, "once") {
		t.Errorf("evidence %q", text)
	}
	if text := evidenceOf(d, idOthersAsk); !strings.Contains(text, "asks 2147483647 times") {
		t.Errorf("evidence %q", text)
	}
}

func TestWorst(t *testing.T) {
	for _, row := range []struct {
		in   []Severity
		want Severity
		exit int
	}{
		{nil, Unknown, 3}, // nothing was judged
		{[]Severity{OK}, OK, 0},
		{[]Severity{OK, Info}, Info, 0},
		{[]Severity{Info, Unknown}, Unknown, 3},    // what was not learnt is not fine
		{[]Severity{Unknown, Warning}, Warning, 1}, // a proven fault comes first
		{[]Severity{Warning, Critical}, Critical, 2},
		{[]Severity{Critical, Unknown}, Critical, 2},
	} {
		if got := finding.Worst(row.in...); got != row.want || got.ExitStatus() != row.exit {
			t.Errorf("finding.Worst(%v) = %v, exit %d; want %v, exit %d", row.in, got, got.ExitStatus(), row.want, row.exit)
		}
	}
	if s := Severity(9); s.ExitStatus() != 3 || s.String() != "unknown" {
		t.Errorf("severity 9 is %v, exit %d", s, s.ExitStatus())
	}
}

func BenchmarkVIP(b *testing.B) {
	for _, s := range stories() {
		switch s.name {
		case "multicast mode, two nodes", "silent", "32 hosts, a thousand answers each", "too many different answers":
			all := items(s.steps)
			b.Run(s.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					VIP(vip, all)
				}
			})
		}
	}
}

// TestJudgesInAnyOrder holds that no theme reads or changes what another found.
func TestJudgesInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			all := items(s.steps)
			want := VIP(vip, all)
			for range 5 {
				p := gather(vip, all)
				for _, i := range random.Perm(len(judges)) {
					judges[i](p)
				}
				p.judgeChecklist()
				if got := p.sorted(); !reflect.DeepEqual(got, want.Findings) {
					t.Fatalf("in another order:\n%+v\nnot\n%+v", got, want.Findings)
				}
			}
		})
	}
}
