package check_test

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// results are those of a run, by VIP.
type results map[netip.Addr][]event.Result

func (results) Answer(event.Answer)     {}
func (results) SoFar(event.SoFar)       {}
func (r results) Result(x event.Result) { r[x.VIP] = append(r[x.VIP], x) }

// paperConfig is a run over link, without routers.
func paperConfig(link *paper) check.Config {
	return check.Config{
		Interface: "eth0", MAC: ourMAC, Addresses: []netip.Prefix{us, netip.MustParsePrefix("172.20.255.10/14")},
		Timing: arpprobe.DefaultTiming(), RouterTest: routerprobe.DefaultTiming(),
		Now: func() time.Time { return link.clock },
	}
}

// drive drives an observer until nothing is under way, or until an instant.
func drive(t *testing.T, o *check.Observer, link *paper, until time.Time) {
	t.Helper()
	for !o.Idle() {
		next := o.Step()
		if o.Idle() {
			return
		}
		if !until.IsZero() && until.Before(next) {
			next = until
		}
		frame, err := link.Receive(next)
		switch {
		case err == nil:
			o.Hear(&frame)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			t.Fatal(err)
		}
		if !until.IsZero() && !link.clock.Before(until) {
			return
		}
	}
}

// VIPs come and go while others are under way; one whose result was told can be
// probed again.
func TestObserverAddRemove(t *testing.T) {
	link := &paper{clock: time.Unix(1_000_000, 0), kind: "host"}
	start := link.clock
	told := make(results)
	o, err := check.New(link, paperConfig(link), told)
	if err != nil {
		t.Fatal(err)
	}
	vips := manyVIPs(4)
	add := func(vip netip.Addr) {
		t.Helper()
		if err := o.Add(vip); err != nil {
			t.Fatal(err)
		}
	}
	add(vips[0])
	add(vips[0]) // it is under way: nothing changes
	add(vips[1])
	drive(t, o, link, start.Add(50*time.Millisecond))
	o.Remove(vips[1])
	add(vips[2])
	drive(t, o, link, time.Time{})
	if len(told[vips[0]]) != 1 || len(told[vips[1]]) != 0 || len(told[vips[2]]) != 1 {
		t.Fatalf("%d, %d, %d results", len(told[vips[0]]), len(told[vips[1]]), len(told[vips[2]]))
	}
	for _, vip := range []netip.Addr{vips[0], vips[2]} {
		if r := told[vip][0]; r.Diagnosis.Verdict != diagnose.Answers || r.Elapsed != 400*time.Millisecond || r.Sent != 3 {
			t.Errorf("%v: %s after %v, %d frames", vip, r.Diagnosis.Verdict, r.Elapsed, r.Sent)
		}
	}
	if begun := told[vips[2]][0].Start.Sub(start); begun != 50*time.Millisecond {
		t.Errorf("the late one began after %v", begun)
	}

	// The network has changed: what was known of it before says nothing now.
	link.kind = "silent"
	add(vips[0])
	drive(t, o, link, time.Time{})
	if got := told[vips[0]]; len(got) != 2 || got[1].Diagnosis.Verdict != diagnose.Silent {
		t.Errorf("again: %d results, %s", len(got), got[len(got)-1].Diagnosis.Verdict)
	}
	o.Remove(netip.MustParseAddr("192.0.2.1")) // which nobody knows
	if err := o.Add(netip.MustParseAddr("2001:db8::1")); err == nil || !o.Idle() {
		t.Error("an IPv6 address was taken")
	}
}

// What an observer remembers does not grow with what was added and taken away.
func TestObserverForgets(t *testing.T) {
	link := &paper{clock: time.Unix(1_000_000, 0), kind: "many"}
	told := make(verdicts)
	cfg := paperConfig(link)
	cfg.Beats = time.Second
	o, err := check.New(link, cfg, told)
	if err != nil {
		t.Fatal(err)
	}
	vips := manyVIPs(200)
	for range 3 {
		for _, vip := range vips {
			if err := o.Add(vip); err != nil {
				t.Fatal(err)
			}
		}
		drive(t, o, link, time.Time{})
		for _, vip := range vips {
			o.Remove(vip)
		}
	}
	if told[diagnose.Answers] != 600 {
		t.Errorf("verdicts %v", told)
	}
	if n := o.Remembered(); n != 0 {
		t.Errorf("%d things are remembered of VIPs that are gone", n)
	}
}

// joinless is a network whose groups cannot be joined.
type joinless struct {
	*paper
	joins int
	all   error
}

func (j *joinless) Join(mac.Addr) error {
	j.joins++
	return errors.New("no")
}
func (j *joinless) JoinAll() error { return j.all }

// A group that could not be joined was not heard: no evidence says that it was.
func TestJoinFails(t *testing.T) {
	link := &joinless{paper: &paper{clock: time.Unix(1_000_000, 0), kind: "silent"}, all: errors.New("no")}
	told := make(results)
	o, err := check.New(link, paperConfig(link.paper), told)
	if err != nil {
		t.Fatal(err)
	}
	vips := manyVIPs(400)
	for _, vip := range vips {
		if err := o.Add(vip); err != nil {
			t.Fatal(err)
		}
	}
	drive(t, o, link.paper, time.Time{})
	if link.joins < 2*len(vips) {
		t.Errorf("%d joins tried", link.joins)
	}
	for _, r := range told {
		for _, it := range r[0].Items {
			if l, ok := it.Fact.(evidence.Listened); ok && !l.Joined.IsZero() {
				t.Fatalf("%v: it is said that %v was listened to", r[0].VIP, l.Joined)
			}
		}
	}
}

// counted is a network that counts the groups that are joined.
type counted struct {
	*paper
	joins, all int
}

func (c *counted) Join(mac.Addr) error { c.joins++; return nil }
func (c *counted) JoinAll() error      { c.all++; return nil }

// Of many groups not each is joined: the interface then hears all of them. Each VIP's
// evidence says what was heard for it, and nothing of others' groups.
func TestJoinsMany(t *testing.T) {
	link := &counted{paper: &paper{clock: time.Unix(1_000_000, 0), kind: "silent"}}
	told := make(results)
	o, err := check.New(link, paperConfig(link.paper), told)
	if err != nil {
		t.Fatal(err)
	}
	vips := manyVIPs(800)
	for _, vip := range vips {
		if err := o.Add(vip); err != nil {
			t.Fatal(err)
		}
	}
	drive(t, o, link.paper, time.Time{})
	if link.all != 1 || link.joins > 300 {
		t.Errorf("%d groups joined, all of them %d times", link.joins, link.all)
	}
	for _, vip := range []netip.Addr{vips[0], vips[799]} {
		var heard []mac.Addr
		for _, it := range told[vip][0].Items {
			if l, ok := it.Fact.(evidence.Listened); ok && !l.Joined.IsZero() {
				heard = append(heard, l.Joined)
			}
		}
		o := vip.As4()
		for _, want := range []mac.Addr{{3, 0xbf, o[0], o[1], o[2], o[3]}, {1, 0, 0x5e, 0x7f, o[2], o[3]}, {1, 0, 0x5e, 0, 0, 1}} {
			if !slices.Contains(heard, want) {
				t.Errorf("%v: %v was not heard: %v", vip, want, heard)
			}
		}
		if len(heard) != 5 || told[vip][0].Diagnosis.Has("facts-cut") {
			t.Errorf("%v: heard %v", vip, heard)
		}
	}
}

// slow counts what is sent, with the instants.
type slow struct {
	*paper
	at []time.Time
}

func (s *slow) Send(b []byte) error {
	s.at = append(s.at, s.clock)
	return s.paper.Send(b)
}

// Questions leave at the pace: a burst at first, and then evenly, whoever waits. Those
// of VIPs that were asked for come before those of new ones.
func TestPace(t *testing.T) {
	link := &slow{paper: &paper{clock: time.Unix(1_000_000, 0), kind: "host"}}
	start := link.clock
	told := make(results)
	cfg := paperConfig(link.paper)
	cfg.Pace = check.Pace{Every: time.Millisecond, Burst: 10}
	o, err := check.New(link, cfg, told)
	if err != nil {
		t.Fatal(err)
	}
	vips := manyVIPs(1000)
	for _, vip := range vips {
		if err := o.Add(vip); err != nil {
			t.Fatal(err)
		}
	}
	drive(t, o, link.paper, time.Time{})
	if len(link.at) != 3000 || len(told) != 1000 {
		t.Fatalf("%d questions, %d results", len(link.at), len(told))
	}
	for i, at := range link.at {
		if earliest := start.Add(time.Duration(i-10) * time.Millisecond); at.Before(earliest) {
			t.Fatalf("question %d left after %v", i, at.Sub(start))
		}
	}
	if took := link.clock.Sub(start); took > 3500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	for _, r := range told {
		if r[0].Elapsed > 600*time.Millisecond || r[0].Diagnosis.Verdict != diagnose.Answers {
			t.Fatalf("%v took %v of its own: %s", r[0].VIP, r[0].Elapsed, r[0].Diagnosis.Verdict)
		}
	}
}

// A caller that runs again has other VIPs tested by way of a router.
func TestTurns(t *testing.T) {
	var turns routerprobe.Turns
	vips := manyVIPs(40)
	tested := make(map[netip.Addr]int)
	for range 3 {
		link := &paper{clock: time.Unix(1_000_000, 0), kind: "routers"}
		told := make(results)
		cfg := paperConfig(link)
		cfg.Routers, cfg.Turns, cfg.Timing.Wait = []check.Router{{IP: router}}, &turns, 5*time.Second
		o, err := check.New(link, cfg, told)
		if err != nil {
			t.Fatal(err)
		}
		for _, vip := range vips {
			if err := o.Add(vip); err != nil {
				t.Fatal(err)
			}
		}
		drive(t, o, link, time.Time{})
		n := 0
		for vip, r := range told {
			if slices.ContainsFunc(r[0].Items, func(it evidence.Item) bool {
				e, ok := it.Fact.(evidence.Echo)
				return ok && e.Out && e.Dst == vip && e.EthDst == rtrMAC
			}) {
				tested[vip]++
				n++
			}
		}
		if n < 5 || n > 8 {
			t.Errorf("%d VIPs were tested in one run", n)
		}
	}
	for vip, n := range tested {
		if n != 1 {
			t.Errorf("%v was tested %d times", vip, n)
		}
	}
	if len(tested) < 15 {
		t.Errorf("%d VIPs were tested in three runs", len(tested))
	}
}

// sofar counts what is told of VIPs before their results.
type sofar struct{ verdicts }

func (s sofar) SoFar(event.SoFar) { s.verdicts["so far"]++ }

// With few VIPs each is told of so far; of many nobody would read it. What a result
// held is not kept either way.
func TestObserverTellsSoFar(t *testing.T) {
	for n, want := range map[int]int{100: 100, 101: 0} {
		link := &paper{clock: time.Unix(1_000_000, 0), kind: "many"}
		cfg := paperConfig(link)
		cfg.Beats = time.Second
		told := sofar{make(verdicts)}
		o, err := check.New(link, cfg, told)
		if err != nil {
			t.Fatal(err)
		}
		for _, vip := range manyVIPs(n) {
			if err := o.Add(vip); err != nil {
				t.Fatal(err)
			}
		}
		drive(t, o, link, time.Time{})
		if told.verdicts["so far"] != want || told.verdicts[diagnose.Answers] != n {
			t.Errorf("%d VIPs: %v", n, told.verdicts)
		}
		if kept := o.Kept(); kept != 0 {
			t.Errorf("%d facts are kept", kept)
		}
	}
}

// A router is tested for a VIP that comes after another one was taken away.
func TestObserverTestsLateVIPs(t *testing.T) {
	link := &paper{clock: time.Unix(1_000_000, 0), kind: "routers"}
	start := link.clock
	told := make(results)
	cfg := paperConfig(link)
	cfg.Routers, cfg.Timing.Wait = []check.Router{{IP: router}}, 5*time.Second
	o, err := check.New(link, cfg, told)
	if err != nil {
		t.Fatal(err)
	}
	vips := manyVIPs(3)
	add := func(vip netip.Addr) {
		t.Helper()
		if err := o.Add(vip); err != nil {
			t.Fatal(err)
		}
	}
	add(vips[0])
	add(vips[1])
	drive(t, o, link, start.Add(500*time.Millisecond))
	o.Remove(vips[0])
	add(vips[2])
	drive(t, o, link, time.Time{})
	if len(told[vips[2]]) != 1 {
		t.Fatalf("%d results", len(told[vips[2]]))
	}
	if !slices.ContainsFunc(told[vips[2]][0].Items, func(it evidence.Item) bool {
		e, ok := it.Fact.(evidence.Echo)
		return ok && e.Out && e.Dst == vips[2] && e.EthDst == rtrMAC
	}) {
		t.Error("the late VIP was not tested")
	}
}

// More connections than there are source ports come to an end.
func TestManyConnections(t *testing.T) {
	link := &paper{clock: time.Unix(1_000_000, 0), kind: "host"}
	told := make(results)
	cfg := paperConfig(link)
	cfg.Ports, cfg.Connections, cfg.Timing.Wait = []uint16{443}, 5000, 3*time.Minute
	o, err := check.New(link, cfg, told)
	if err != nil {
		t.Fatal(err)
	}
	vip := manyVIPs(1)[0]
	if err := o.Add(vip); err != nil {
		t.Fatal(err)
	}
	drive(t, o, link, time.Time{})
	if r := told[vip]; len(r) != 1 || r[0].Sent != 5003 {
		t.Errorf("%d results, %d frames sent", len(r), r[0].Sent)
	}
}
