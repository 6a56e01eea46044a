package diagnose

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
)

// The cast of another subnet: the client, its gateway, a router further on.
var (
	outside = netip.MustParseAddr("192.0.2.10")
	nearBy  = netip.MustParseAddr("192.0.2.1")
	further = netip.MustParseAddr("198.51.100.1")
	ordinal = netip.MustParseAddr("172.16.63.20") // an ordinary host of the VIP's subnet
)

// call is a packet of ours at 0, with what came back of it.
type call struct {
	ask  evidence.Ask
	back []step
}

func pinged(seq uint16) call {
	return call{ask: evidence.Ask{Target: vip, Seq: seq}}
}

func (c call) to(ip netip.Addr) call { c.ask.Target = ip; return c }
func (c call) ttl(n uint8) call      { c.ask.TTL = n; return c }
func (c call) by(w evidence.Way, port uint16) call {
	c.ask.By, c.ask.Port = w, port
	return c
}

func (c call) gets(after time.Duration, w evidence.Word) call {
	c.back = append(slices.Clone(c.back), step{at: after, n: 1, fact: evidence.Told{Of: c.ask, Word: w}})
	return c
}

func (c call) answered() call { return c.gets(ms, evidence.Replied) }

// err is an ICMP error of from.
func (c call) err(after time.Duration, from netip.Addr, kind, code uint8) call {
	c.back = append(slices.Clone(c.back), step{at: after, n: 1, fact: evidence.Told{Of: c.ask, Word: evidence.SaidICMP, From: from, Type: kind, Code: code}})
	return c
}

func (c call) noMAC(from netip.Addr) call    { return c.err(3060*ms, from, 3, 1) }
func (c call) exceeded(from netip.Addr) call { return c.err(ms, from, 11, 0) }

func calls(all ...call) []step {
	out := []step{place4(outside, netip.Addr{})}
	for _, c := range all {
		out = append(out, step{n: 1, fact: c.ask})
		out = append(out, c.back...)
	}
	return out
}

func remoteStories() []story {
	tcp := func(port uint16) call { return pinged(port).by(evidence.ByTCP, port) }
	return []story{
		{
			name: "a router has no MAC", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).noMAC(nearBy), pinged(2).ttl(1).exceeded(nearBy), pinged(3).ttl(2), pinged(4).to(nearBy).answered()),
			want:  []string{idRemoteNoMAC},
			near:  []string{idRemoteReached, idRemoteControlFails, idRemoteSilent, idRemoteNotSent, idRemoteUnsteady, idRemoteUnnamed},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 1 || d.Routers[0].IP != nearBy || d.Routers[0].Reach != DoesNotReach || !strings.Contains(d.Routers[0].Why, "1 hop away") {
					t.Errorf("routers %+v", d.Routers)
				}
				text := evidenceOf(d, idRemoteNoMAC)
				if !strings.Contains(text, "3.1 s after it") || !strings.Contains(text, "control: router 192.0.2.1 itself answers") || strings.Contains(text, "at once") || strings.Contains(text, "and not") {
					t.Errorf("evidence %q", text)
				}
				if !strings.Contains(d.Findings[0].Summary, "nobody answers its ARP, or it refuses the answer") {
					t.Errorf("summary %q", d.Findings[0].Summary)
				}
			},
		},
		{
			name: "host unreachable at once, from a router that is not the last one", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).err(2*ms, nearBy, 3, 1), pinged(2).ttl(1).exceeded(nearBy), pinged(3).ttl(2).exceeded(further)),
			want:  []string{idRemoteNoMAC},
			check: func(t *testing.T, d Diagnosis) {
				text := evidenceOf(d, idRemoteNoMAC)
				if !strings.Contains(text, "at once") || !strings.Contains(text, "the last router that was heard on the way is 198.51.100.1, 2 hops away, and not 192.0.2.1") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			// How long it took is not known, so it is not said to have come at once.
			name: "host unreachable, by the clocks before the packet that it is about", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).err(-2*ms, nearBy, 3, 1)),
			want:  []string{idRemoteNoMAC},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idRemoteNoMAC); strings.Contains(text, "at once") || strings.Contains(text, "after it") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name: "the control is unreachable too", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).noMAC(nearBy), pinged(2).to(ordinal).noMAC(nearBy)),
			want:  []string{idRemoteNoMAC, idRemoteControlFails},
		},
		{
			name: "the control is silent, as a firewall makes it", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).noMAC(nearBy), pinged(2).to(ordinal)),
			want:  []string{idRemoteNoMAC},
			near:  []string{idRemoteControlFails},
		},
		{
			name: "another router has no MAC for the control", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).noMAC(nearBy), pinged(2).to(ordinal).noMAC(further)),
			want:  []string{idRemoteNoMAC},
			near:  []string{idRemoteControlFails},
		},
		{
			name: "it answers", verdict: Reachable, severity: Info,
			steps: calls(pinged(1).answered(), pinged(2).ttl(1).exceeded(nearBy), pinged(3).ttl(2).exceeded(further), pinged(4).ttl(3).answered(), pinged(5).ttl(4).answered()),
			want:  []string{idRemoteReached},
			near:  []string{idRemoteDuplicates, idRemoteLoop, idRemoteNoMAC},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 1 || d.Routers[0].IP != further || d.Routers[0].Reach != Reaches {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name: "it answers, and the last router does not say who it is", verdict: Reachable, severity: Info,
			steps: calls(pinged(2).ttl(1).exceeded(nearBy), pinged(3).ttl(2), pinged(4).ttl(3).answered()),
			want:  []string{idRemoteReached},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 0 {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name: "several hosts answer", verdict: Reachable, severity: Info,
			steps: calls(pinged(1).answered().answered(), pinged(2).answered()),
			want:  []string{idRemoteReached, idRemoteDuplicates},
		},
		{
			name: "by UDP, as echo is not allowed", verdict: Reachable, severity: Info,
			steps: append(calls(pinged(1).by(evidence.ByUDP, 33435).err(ms, vip, 3, 3)),
				fact(evidence.Told{Of: evidence.Ask{Target: vip}, Word: evidence.Forbidden})),
			want: []string{idRemoteReached, idRemoteNoEcho},
			near: []string{idRemoteFiltered, idRemoteNotSent}, // the VIP itself says that nobody listens
		},
		{
			name: "a port is refused in the VIP's stead", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).by(evidence.ByUDP, 33435).err(ms, further, 3, 3)),
			want:  []string{idRemoteFiltered},
			near:  []string{idRemoteReached, idRemoteNoEcho},
		},
		{
			name: "prohibited", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).err(ms, nearBy, 3, 13), pinged(2).err(ms, nearBy, 3, 9), pinged(3).err(ms, nearBy, 3, 10)),
			want:  []string{idRemoteFiltered},
			near:  []string{idRemoteNoMAC, idRemoteNoRoute, idRemoteSilent},
		},
		{
			name: "the host's own firewall prohibits", verdict: Reachable, severity: Info,
			steps: calls(pinged(1).err(ms, vip, 3, 10)),
			want:  []string{idRemoteReached},
			near:  []string{idRemoteFiltered},
		},
		{
			name: "a code that no RFC knows", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).err(ms, nearBy, 3, 99)),
			want:  []string{idRemoteNoRoute},
			near:  []string{idRemoteNoMAC, idRemoteSilent},
		},
		{
			name: "silence for a second", verdict: Silent, severity: Unknown,
			steps: append(calls(pinged(1)), fact(evidence.Listened{Interface: "eth0"}).from(0), fact(evidence.Listened{Interface: "eth0"}).from(time.Second)),
			want:  []string{idRemoteSilent},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idRemoteSilent); !strings.Contains(text, "waited for 1.0 s") || !strings.Contains(text, "that is short") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name: "network unreachable", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).err(ms, nearBy, 3, 0)),
			want:  []string{idRemoteNoRoute},
			near:  []string{idRemoteNoMAC, idRemoteFiltered},
		},
		{
			name: "our own gateway has no MAC", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).noMAC(outside)),
			want:  []string{idRemoteNotSent},
			near:  []string{idRemoteNoMAC, idRemoteSilent},
			check: func(t *testing.T, d Diagnosis) {
				if !strings.Contains(d.Findings[0].Summary, "own gateway") || len(d.Routers) != 0 {
					t.Errorf("%+v", d)
				}
			},
		},
		{
			name: "no route on this host", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).gets(0, evidence.NoRoute)),
			want:  []string{idRemoteNotSent},
			near:  []string{idRemoteNoRoute},
		},
		{
			name: "not allowed by this host's firewall", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).gets(0, evidence.Forbidden)),
			want:  []string{idRemoteNotSent},
			near:  []string{idRemoteNoEcho},
		},
		{
			name: "a circle", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).exceeded(nearBy), pinged(2).ttl(1).exceeded(nearBy)),
			want:  []string{idRemoteLoop},
		},
		{
			name: "a redirect, and nothing else", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).err(ms, nearBy, 5, 1)),
			want:  []string{idRemoteRedirected},
			near:  []string{idRemoteSilent},
		},
		{
			name: "a redirect to a shorter way", verdict: Reachable, severity: Info,
			steps: calls(pinged(1).err(ms, nearBy, 5, 1).answered()),
			want:  []string{idRemoteReached},
			near:  []string{idRemoteRedirected},
		},
		{
			name: "the system does not say who", verdict: Silent, severity: Unknown,
			steps: calls(tcp(443).err(ms, netip.Addr{}, 3, 1)),
			want:  []string{idRemoteUnnamed},
		},
		{
			name: "silence", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1), pinged(2).ttl(1).exceeded(nearBy), tcp(443), pinged(3).to(ordinal).answered()),
			want:  []string{idRemoteSilent},
			near:  []string{idRemotePortSilent, idRemoteNoMAC},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 1 || d.Routers[0].IP != nearBy || d.Routers[0].Reach != NotLearnt {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name: "nothing at all", verdict: Silent, severity: Unknown,
			want: []string{idRemoteSilent},
		},
		{
			name: "a port is open, one closed, one silent", verdict: Reachable, severity: Critical,
			steps: calls(tcp(443).gets(ms, evidence.Accepted), tcp(80).gets(ms, evidence.Refused), tcp(25)),
			want:  []string{idRemoteReached, idPortOpen, idPortClosed, idRemotePortSilent},
			near:  []string{idRemoteDuplicates},
		},
		{
			name: "echo is answered, a connection is not: routers share the load", verdict: NoMAC, severity: Critical,
			steps: calls(pinged(1).answered(), tcp(443).noMAC(nearBy)),
			want:  []string{idRemoteReached, idRemoteNoMAC, idRemoteUnsteady},
			near:  []string{idRemotePortSilent},
		},
		{
			name: "unreachable at first, then it answers", verdict: Reachable, severity: Warning,
			steps: calls(pinged(1).noMAC(nearBy), pinged(2).gets(4*time.Second, evidence.Replied)),
			want:  []string{idRemoteReached, idRemoteUnsteady},
			near:  []string{idRemoteNoMAC},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 0 {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name: "answers and errors of packets that are not ours", verdict: Silent, severity: Unknown,
			steps: append(calls(pinged(1)), pinged(7).answered().noMAC(nearBy).back...),
			want:  []string{idRemoteSilent},
			near:  []string{idRemoteNoMAC, idRemoteReached},
		},
		{
			name: "errors from addresses that no router has", verdict: Silent, severity: Unknown,
			steps: calls(pinged(1).noMAC(netip.MustParseAddr("224.0.0.1")), pinged(2).noMAC(netip.IPv4Unspecified())),
			want:  []string{idRemoteUnnamed},
			near:  []string{idRemoteNoMAC},
		},
	}
}

func TestRemote(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, s := range remoteStories() {
		t.Run(s.name, func(t *testing.T) {
			all := items(s.steps)
			d := Remote(vip, all)
			if d.Verdict != s.verdict || d.Severity != s.severity || !d.Remote {
				t.Errorf("%s, %v; want %s, %v", d.Verdict, d.Severity, s.verdict, s.severity)
			}
			got, want := ids(d), slices.Clone(s.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("findings\n got %q\nwant %q", got, want)
			}
			for _, id := range s.near {
				if slices.Contains(want, id) {
					t.Errorf("%s is both wanted and a near miss", id)
				}
			}
			if s.check != nil {
				s.check(t, d)
			}
			checkRemote(t, all, d)
			first := byFact(d, all)
			for range 10 {
				mixed := slices.Clone(all)
				random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
				if again := byFact(Remote(vip, mixed), mixed); !reflect.DeepEqual(again, first) {
					t.Fatalf("another order gives another diagnosis\n got %+v\nwant %+v", again, first)
				}
			}
		})
	}
}

// checkRemote holds for every judgement from another subnet, whatever the evidence.
func checkRemote(t *testing.T, all []evidence.Item, d Diagnosis) {
	t.Helper()
	if !slices.Contains([]Verdict{Reachable, NoMAC, Silent}, d.Verdict) {
		t.Errorf("verdict %q", d.Verdict)
	}
	worst := OK
	for _, f := range d.Findings {
		worst = finding.Worst(worst, f.Severity)
		if n := wrappedLines(f.Summary, 78); n > 2 || f.Summary == "" || len(f.Evidence) == 0 || f.Remedy == "" || f.Disproof == "" || len(f.References) == 0 {
			t.Errorf("%s is not whole, or takes %d lines: %+v", f.ID, n, f)
		}
		for _, i := range f.Items {
			if i < 0 || i >= len(all) {
				t.Errorf("%s rests on item %d of %d", f.ID, i, len(all))
			}
		}
	}
	if finding.Worst(d.Severity, worst) != d.Severity || d.Verdict == Silent && d.Severity.ExitStatus() == 0 {
		t.Errorf("%s, severity %v, with a finding that is %v", d.Verdict, d.Severity, worst)
	}
	if (d.Verdict == NoMAC) != d.Has(idRemoteNoMAC) || d.Verdict == Reachable && !d.Has(idRemoteReached) {
		t.Errorf("%s, with findings %q", d.Verdict, ids(d))
	}
	for _, r := range d.Routers {
		if r.Reach == DoesNotReach && d.Verdict != NoMAC || !r.IP.Is4() || r.IP == d.VIP || r.Why == "" || len(r.Items) == 0 {
			t.Errorf("%s, with router %+v", d.Verdict, r)
		}
	}
}

// askOrTold makes a fact of a client of eight bytes.
func askOrTold(b []byte, ip func(int) netip.Addr) evidence.Fact {
	a := evidence.Ask{Target: ip(1), By: evidence.Way(b[2] % 4), Port: uint16(b[3] % 3), TTL: b[4] % 4, Seq: uint16(b[5] % 3)}
	if b[0]&1 == 0 {
		return a
	}
	return evidence.Told{Of: a, Word: evidence.Word(b[6] % 9), From: ip(7), Type: []uint8{3, 3, 11, 5}[b[6]%4], Code: b[7] % 18}
}
