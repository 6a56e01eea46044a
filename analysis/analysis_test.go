package analysis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nlbprobe/nlbprobe/analysis"
	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

var (
	t0  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	vip = netip.MustParseAddr("192.0.2.90")
)

// answer is a node's ARP reply for the VIP with the cluster's MAC, to a host.
func answer(node byte) []byte {
	b := []byte{0, 0x15, 0x5d, 0, 0, 0x63, 0, 0x15, 0x5d, 0, 0, node, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2}
	b = append(b, 3, 0xbf, 192, 0, 2, 90, 192, 0, 2, 90)
	b = append(b, 0, 0x15, 0x5d, 0, 0, 0x63, 192, 0, 2, 99)
	return append(b, make([]byte, 60-len(b))...)
}

// pcapng is a capture of answers by these nodes, a second apart.
func pcapng(t *testing.T, nodes ...byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		data := answer(n)
		if err := w.Write(&evidence.Frame{Time: t0.Add(time.Duration(i) * time.Second), Data: data, Length: len(data), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func never(time.Time) { panic("no tick was given") }

// A capture gives a result for each VIP, which says what was read; each different
// answer is told once, with its time from the first frame on.
func TestResults(t *testing.T) {
	a := analysis.New([]analysis.Input{{Name: "port.pcapng", From: bytes.NewReader(pcapng(t, 1, 2, 1))}})
	var told []event.Answer
	a.Heard = func(ans event.Answer) { told = append(told, ans) }
	a.Read(t.Context(), nil, never)
	all := slices.Collect(a.Results(true))
	if len(all) != 1 {
		t.Fatalf("%d results", len(all))
	}
	r := all[0]
	if r.VIP != vip || r.Diagnosis.VIP != vip || r.Diagnosis.Verdict != diagnose.Seen || len(r.Diagnosis.Cluster.Hosts) != 2 || len(r.Items) == 0 {
		t.Errorf("%+v", r.Diagnosis)
	}
	if !r.Start.Equal(t0) || r.Elapsed != 2*time.Second || !r.Partial || r.Sent != 0 || r.Passive || r.Interface != "" {
		t.Errorf("%+v", r)
	}
	if c := r.Capture; c.Frames != 3 || !slices.Equal(c.Files, []string{"port.pcapng"}) || c.Open || !c.First.Equal(t0) || len(c.Faults) > 0 {
		t.Errorf("%+v", c)
	}
	if len(told) != 2 || told[0].After != 0 || told[1].After != time.Second || told[1].VIP != vip {
		t.Errorf("told %+v", told)
	}
	if len(a.Faults()) > 0 || a.Seen().Frames != 3 || a.Skipped() != 0 {
		t.Errorf("%v, %+v", a.Faults(), a.Seen())
	}
}

// Captures that say where they were taken are of one place if the interface is the
// same one: two hosts may each have an eth0.
func TestPlaces(t *testing.T) {
	at := func(m byte) analysis.Input {
		var b bytes.Buffer
		w, err := capture.NewWriter(&b, "", []evidence.Item{{Fact: evidence.Vantage{Interface: "eth0", MAC: mac.Addr{2, 0, 0, 0, 0, m}, VIP: vip}, First: t0, Last: t0, Count: 1}})
		if err != nil {
			t.Fatal(err)
		}
		data := answer(m)
		if err := w.Write(&evidence.Frame{Time: t0, Data: data, Length: len(data), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return analysis.Input{Name: "x", From: &b}
	}
	for _, tt := range []struct {
		name   string
		inputs []analysis.Input
		want   string
	}{
		{"one", []analysis.Input{at(1)}, "eth0"},
		{"two of one host", []analysis.Input{at(1), at(1)}, "eth0"},
		{"two hosts", []analysis.Input{at(1), at(2)}, ""},
	} {
		a := analysis.New(tt.inputs)
		a.Read(t.Context(), nil, never)
		all := slices.Collect(a.Results(false))
		if len(all) != 1 || all[0].Interface != tt.want {
			t.Errorf("%s: %d results, at %q", tt.name, len(all), all[0].Interface)
		}
	}
}

// A run of hundreds of VIPs comes back from its capture with all of them.
func TestManyNamed(t *testing.T) {
	const vips = 1000
	var facts []evidence.Item
	for n := range vips {
		ip := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})
		facts = append(facts, evidence.Item{Fact: evidence.Vantage{Interface: "eth0", VIP: ip.Next()}, First: t0, Last: t0, Count: 1})
	}
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "", facts)
	if err != nil {
		t.Fatal(err)
	}
	data := answer(1)
	if err := w.Write(&evidence.Frame{Time: t0, Data: data, Length: len(data), Place: "eth0"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	a := analysis.New([]analysis.Input{{Name: "x", From: &b}})
	a.Read(t.Context(), nil, never)
	if n := len(slices.Collect(a.Results(false))); n < vips || a.Seen().More > 0 || len(a.Faults()) > 0 {
		t.Errorf("%d results of %d, %d signs of more; %v", n, vips, a.Seen().More, a.Faults())
	}
}

// With VIPs given, those alone are judged.
func TestOnly(t *testing.T) {
	other := netip.MustParseAddr("192.0.2.7")
	a := analysis.New([]analysis.Input{{Name: "x", From: bytes.NewReader(pcapng(t, 1))}}, other)
	a.Read(t.Context(), nil, never)
	if all := slices.Collect(a.Results(false)); len(all) != 1 || all[0].VIP != other || all[0].Diagnosis.Verdict == diagnose.Seen {
		t.Errorf("%+v", all)
	}
}

// What cannot be read is a fault in the result, and what was read until then counts;
// the other captures go on. So it is with a reader that panics.
func TestFaults(t *testing.T) {
	whole := pcapng(t, 1, 2)
	for want, from := range map[string]io.Reader{
		"cut short":   bytes.NewReader(whole[:len(whole)-10]),
		"disk is ill": io.MultiReader(bytes.NewReader(whole), failing{errors.New("the disk is ill")}),
		"on purpose":  io.MultiReader(bytes.NewReader(whole), failing{}),
	} {
		a := analysis.New([]analysis.Input{{Name: "x", From: from}})
		a.Fault(errors.New("y cannot be opened"))
		a.Read(t.Context(), nil, never)
		all := slices.Collect(a.Results(false))
		if len(all) != 1 || len(all[0].Diagnosis.Cluster.Hosts) == 0 {
			t.Errorf("%s: %+v", want, all)
			continue
		}
		if faults := all[0].Capture.Faults; len(faults) != 2 || faults[0] != "y cannot be opened" || !strings.Contains(faults[1], want) {
			t.Errorf("faults %q, want %q", faults, want)
		}
	}
}

// failing is a reader that gives its error, or panics if it has none.
type failing struct{ error }

func (f failing) Read([]byte) (int, error) {
	if f.error == nil {
		panic("on purpose")
	}
	return 0, f.error
}

// TestChanges: while a capture is written, a VIP is judged again when there is more
// to say of it, and not when the same was heard once more.
func TestChanges(t *testing.T) {
	r, w := io.Pipe()
	a := analysis.New([]analysis.Input{{Name: "-", From: r, Waits: true}})
	told := make(chan event.Answer, 10)
	a.Heard = func(ans event.Answer) { told <- ans }
	ticks := make(chan time.Time)
	changes := make(chan []event.Result)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Read(t.Context(), ticks, func(time.Time) { changes <- slices.Collect(a.Changes()) })
	}()
	tick := func() []event.Result { ticks <- t0; return <-changes }
	c, err := capture.NewWriter(w, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func(node byte) {
		t.Helper()
		data := answer(node)
		if err := c.Write(&evidence.Frame{Time: t0, Data: data, Length: len(data), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if got := tick(); len(got) != 0 {
		t.Errorf("before anything: %+v", got)
	}
	write(1)
	<-told
	if got := tick(); len(got) != 1 || !got[0].Capture.Open || len(got[0].Diagnosis.Cluster.Hosts) != 1 {
		t.Errorf("at first: %+v", got)
	}
	write(1) // the same, which no answer tells
	write(2)
	<-told
	if got := tick(); len(got) != 1 || len(got[0].Diagnosis.Cluster.Hosts) != 2 {
		t.Errorf("then: %+v", got)
	}
	if got := tick(); len(got) != 0 {
		t.Errorf("and no more: %+v", got)
	}
	w.Close()
	<-done
	if all := slices.Collect(a.Results(false)); len(all) != 1 || all[0].Capture.Open || all[0].Capture.Frames != 3 {
		t.Errorf("in the end: %+v", all)
	}
}

// A read that waits is left behind when the context ends, and nothing that it brings
// is used: neither a frame nor a panic.
func TestLeftBehind(t *testing.T) {
	t.Run("a frame", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { leftBehind(t, true) }) })
	t.Run("a panic", func(t *testing.T) { synctest.Test(t, func(t *testing.T) { leftBehind(t, false) }) })
	a := analysis.New(nil)
	for range 2000 {
		a.Fault(errors.New("x"))
	}
	if n := len(a.Faults()); n != 1000 {
		t.Errorf("%d faults are kept", n)
	}
}

func leftBehind(t *testing.T, frame bool) {
	r, w := io.Pipe()
	a := analysis.New([]analysis.Input{{Name: "-", From: io.MultiReader(r, failing{}), Waits: true}})
	a.Heard = func(event.Answer) {}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Read(ctx, nil, never) }()
	all := pcapng(t, 1, 2, 2)
	early := len(pcapng(t, 1))
	if _, err := w.Write(all[:early]); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	before := a.Seen()
	cancel()
	<-done
	if frame {
		go w.Write(all[early:])
		synctest.Wait()
	}
	w.Close()
	synctest.Wait()
	if results := slices.Collect(a.Results(true)); before.Frames != 1 || len(results) != 1 || a.Seen() != before || len(a.Faults()) > 0 {
		t.Errorf("%+v, then %+v, %v", before, a.Seen(), a.Faults())
	}
}

// A result names the place where the captures were taken, if it is one, and says
// whether nothing was to be sent.
func TestPlace(t *testing.T) {
	place := func(name string, passive bool) []byte {
		var b bytes.Buffer
		w, err := capture.NewWriter(&b, "", []evidence.Item{
			{Fact: evidence.Vantage{Interface: name, VIP: vip}, First: t0, Last: t0, Count: 1},
			{Fact: evidence.Listened{Interface: name, Passive: passive}, First: t0, Last: t0.Add(time.Second), Count: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		data := answer(1)
		if err := errors.Join(w.Write(&evidence.Frame{Time: t0, Data: data, Length: len(data), Place: name}), w.Flush()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for want, captures := range map[string][][]byte{
		"eth0 false": {place("eth0", false)}, "eth0 true": {place("eth0", true)}, " false": {place("eth0", false), place("eth1", false)},
	} {
		var inputs []analysis.Input
		for _, c := range captures {
			inputs = append(inputs, analysis.Input{Name: "x", From: bytes.NewReader(c)})
		}
		a := analysis.New(inputs)
		a.Read(t.Context(), nil, never)
		all := slices.Collect(a.Results(false))
		if len(all) != 1 {
			t.Fatalf("%d results", len(all))
		}
		if got := fmt.Sprint(all[0].Interface, " ", all[0].Passive); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Of connections those that show something are told, the worst first, each with when
// it began.
func TestConnections(t *testing.T) {
	var inputs []analysis.Input
	for _, name := range []string{"tso-obeys", "mss-checksum-good", "ordinary-host"} {
		b, err := os.ReadFile("../cmd/nlbprobe/testdata/field/" + name + ".pcap")
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, analysis.Input{Name: name, From: bytes.NewReader(b)})
	}
	a := analysis.New(inputs)
	a.Read(t.Context(), nil, never)
	all, more := a.Connections()
	if len(all) != 2 || more != 0 || all[0].Diagnosis.Severity != finding.Critical || all[len(all)-1].Diagnosis.Severity != finding.Info {
		t.Errorf("%d connections, and %d more", len(all), more)
	}
	for _, c := range all {
		if len(c.Diagnosis.Findings) == 0 || len(c.Items) == 0 || c.Start.IsZero() || c.Elapsed < 0 || c.Capture == nil {
			t.Errorf("%+v", c)
		}
	}
}
