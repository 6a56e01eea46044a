package diagnose

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/mss"
)

// The cast. The VIP and its hand-set MAC are those of Cisco's example.
var (
	vip     = netip.MustParseAddr("172.16.63.241")
	second  = netip.MustParseAddr("172.16.63.242")
	gateway = netip.MustParseAddr("172.16.63.1")
	us      = netip.MustParseAddr("172.16.63.9")
	client  = netip.MustParseAddr("172.16.63.77")
	node1IP = netip.MustParseAddr("172.16.63.11")
	node2IP = netip.MustParseAddr("172.16.63.12")

	ourMAC    = hw("52:54:00:00:00:09")
	node1     = hw("00:15:5d:00:00:01")
	node2     = hw("00:15:5d:00:00:02")
	stranger  = hw("00:1b:21:aa:bb:cc")
	routerMAC = hw("00:1c:73:00:00:01")

	multicast = hw("03:bf:ac:10:3f:f1") // derived from the VIP
	igmp      = hw("01:00:5e:7f:3f:f1")
	unicast   = hw("02:bf:ac:10:3f:f1")
	masked1   = hw("02:01:ac:10:3f:f1") // host priority 1
	masked2   = hw("02:02:ac:10:3f:f1")
	legacy    = hw("00:bf:ac:10:3f:f1")
	example   = hw("03:00:5e:11:11:11")
)

func hw(s string) mac.Addr {
	a, err := mac.Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// step is one fact, n times at one instant.
type step struct {
	at     time.Duration
	fact   evidence.Fact
	n      int
	length int // of its frame on the wire, where it matters
}

func (s step) times(n int) step           { s.n = n; return s }
func (s step) from(at time.Duration) step { s.at = at; return s }
func (s step) change(f func(*evidence.ARP)) step {
	a := s.fact.(evidence.ARP)
	f(&a)
	s.fact = a
	return s
}
func (s step) vlan(id uint16) step { return s.change(func(a *evidence.ARP) { a.VLAN = id }) }

const ms = time.Millisecond

// weAsk is our question for the VIP.
func weAsk() step {
	return step{at: 0, fact: evidence.ARP{Op: evidence.Request, EthSrc: ourMAC, EthDst: mac.Broadcast, SenderMAC: ourMAC, SenderIP: us, TargetIP: vip, Out: true}, n: 1}
}

// answer is a reply to us: the VIP is at sender, in a frame from source.
func answer(source, sender mac.Addr) step {
	return step{at: 2 * ms, fact: evidence.ARP{Op: evidence.Reply, EthSrc: source, EthDst: ourMAC, SenderMAC: sender, SenderIP: vip, TargetMAC: ourMAC, TargetIP: us}, n: 1}
}

// announce is a gratuitous request.
func announce(source, sender mac.Addr) step {
	return step{at: 3 * ms, fact: evidence.ARP{Op: evidence.Request, EthSrc: source, EthDst: mac.Broadcast, SenderMAC: sender, SenderIP: vip, TargetIP: vip}, n: 1}
}

// asksFor is somebody's request.
func asksFor(source, sender mac.Addr, from, target netip.Addr) step {
	return step{at: 4 * ms, fact: evidence.ARP{Op: evidence.Request, EthSrc: source, EthDst: mac.Broadcast, SenderMAC: sender, SenderIP: from, TargetIP: target}, n: 1}
}

// has is a host's answer about an address other than the VIP.
func has(ip netip.Addr, m mac.Addr) step {
	return step{at: 1 * ms, fact: evidence.ARP{Op: evidence.Reply, EthSrc: m, EthDst: ourMAC, SenderMAC: m, SenderIP: ip, TargetMAC: ourMAC, TargetIP: us}, n: 1}
}

func place4(address netip.Addr, gw netip.Addr) step {
	return step{at: 0, fact: evidence.Vantage{Interface: "eth0", MAC: ourMAC, Address: netip.PrefixFrom(address, 24), Gateway: gw}, n: 1}
}

// here is the usual place: on the VIP's subnet, with a gateway.
func here() step { return place4(us, gateway) }

// listening lasts two seconds.
func listening() []step {
	return []step{fact(evidence.Listened{Interface: "eth0"}).from(0), fact(evidence.Listened{Interface: "eth0"}).from(2 * time.Second)}
}

func fact(f evidence.Fact) step { return step{at: 5 * ms, fact: f, n: 1} }

// live is what every probe's evidence holds, and more.
func live(more ...step) []step {
	return append(append([]step{here(), weAsk()}, listening()...), more...)
}

var dawn = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func items(steps []step) []evidence.Item {
	var log evidence.Log
	for _, s := range steps {
		var frame *evidence.Frame
		if s.length > 0 {
			frame = &evidence.Frame{Length: s.length}
		}
		log.Add(s.fact, dawn.Add(s.at), s.n, frame)
	}
	return log.Items()
}

func ids(d Diagnosis) []string {
	out := make([]string, len(d.Findings))
	for i, f := range d.Findings {
		out[i] = f.ID
	}
	return out
}

func TestStories(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			all := items(s.steps)
			d := VIP(vip, all)
			if d.Verdict != s.verdict || d.Severity != s.severity {
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
			check(t, all, d)
		})
	}
}

// Every kind of finding has a story that raises it and one that comes close to
// it and must not.
func TestStoriesCoverCatalogue(t *testing.T) {
	raised, missed := make(map[string]bool), make(map[string]bool)
	for _, s := range stories() {
		for _, id := range s.want {
			raised[id] = true
		}
		for _, id := range s.near {
			missed[id] = true
		}
	}
	for _, s := range remoteStories() {
		for _, id := range s.want {
			raised[id] = true
		}
		for _, id := range s.near {
			missed[id] = true
		}
	}
	for _, e := range Catalogue() {
		if slices.ContainsFunc(mss.Entries[:], func(m Entry) bool { return m.ID == e.ID }) {
			delete(raised, e.ID) // its stories are in its own room
			delete(missed, e.ID)
			continue
		}
		if !raised[e.ID] {
			t.Errorf("no story raises %s", e.ID)
		}
		if !missed[e.ID] {
			t.Errorf("no story is a near miss of %s", e.ID)
		}
		delete(raised, e.ID)
		delete(missed, e.ID)
	}
	for id := range raised {
		t.Errorf("%s is wanted by a story and is not in the catalogue", id)
	}
	for id := range missed {
		t.Errorf("%s is a near miss and is not in the catalogue", id)
	}
}

// The order of the items is an accident of who heard what first.
func TestOrderDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range stories() {
		all := items(s.steps)
		want := byFact(VIP(vip, all), all)
		for range 20 {
			mixed := slices.Clone(all)
			random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			if got := byFact(VIP(vip, mixed), mixed); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: another order gives another diagnosis\n got %+v\nwant %+v", s.name, got, want)
			}
		}
	}
}

// placed is a diagnosis whose indexes are replaced by the facts they name.
type placed struct {
	Diagnosis Diagnosis
	Facts     [][]evidence.Fact
}

func byFact(d Diagnosis, all []evidence.Item) placed {
	p := placed{Diagnosis: d}
	facts := func(indexes []int) {
		of := []evidence.Fact{}
		for _, i := range indexes {
			of = append(of, all[i].Fact)
		}
		p.Facts = append(p.Facts, of)
	}
	for i := range d.Findings {
		facts(d.Findings[i].Items)
		d.Findings[i].Items = nil
	}
	for i := range d.Routers {
		facts(d.Routers[i].Items)
		d.Routers[i].Items = nil
	}
	return p
}
