package report_test

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/object"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/templates"
)

// decoded reads the only object.
func decoded(t *testing.T, b []byte) object.Object {
	t.Helper()
	o, err := object.NewDecoder(bytes.NewReader(b)).Next()
	if err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return o
}

// TestAgain: the object of each outcome, read back, gives the text that the run
// printed, and the object again.
func TestAgain(t *testing.T) {
	configs := map[bool][]templates.Config{true: {
		{Platform: "cisco-ios", Role: "l3", Section: templates.Configure, Text: "arp 1\n arp\t2\n", Confidence: templates.Vendor, Missing: []string{"vlan"}},
		{Device: "core1", Platform: "mine", Section: templates.Configure, Text: "x\n", Confidence: templates.Unverified, Notes: []string{"a remark"}, File: "mine.yaml", Form: templates.AnsibleForm},
	}}
	all := outcomes()
	cut := all["beats"]
	cut.Diagnosis.Cluster.Hosts = slices.Clone(cut.Diagnosis.Cluster.Hosts)
	host := &cut.Diagnosis.Cluster.Hosts[0]
	short := *host.Heartbeat
	short.Whole, short.RulesKept = false, 2
	host.Heartbeat = &short
	all["a heartbeat that was cut"] = cut
	long := all["cluster"]
	long.Elapsed = math.MaxInt64
	all["a run without end"] = long
	long.Elapsed = math.MinInt64
	all["a clock that went backwards"] = long
	for name, o := range all {
		for _, pasted := range []bool{false, true} {
			o.Configs, o.FollowUp = configs[pasted], report.FollowUp{}
			if pasted {
				o.FollowUp = followUp
			}
			for _, style := range []report.Style{{}, {Verbose: true}, {Colour: true}} {
				var text, again, line, line2 bytes.Buffer
				for h, skip := range map[report.Handler]bool{report.NewText(&text, style): !pasted, report.NewJSON(&line): false} {
					errs := []error{before(h, name), h.Outcome(o)}
					if !skip {
						errs = append(errs, h.Config(report.Paste{VIPs: []netip.Addr{vip}, Configs: o.Configs, FollowUp: o.FollowUp}))
					}
					if err := errors.Join(append(errs, h.Close())...); err != nil {
						t.Fatal(err)
					}
				}
				saved := decoded(t, line.Bytes())
				got, err := report.Again(report.NewText(&again, style), saved)
				_, err2 := report.Again(report.NewJSON(&line2), saved)
				if err := errors.Join(err, err2); err != nil {
					t.Fatal(err)
				}
				if got != o.Diagnosis.Severity {
					t.Errorf("%s: %v, was %v", name, got, o.Diagnosis.Severity)
				}
				want := strings.ReplaceAll(text.String(), "172.16.63.242 is at 00:15:5d:00:00:09  0.00 ms\n", "") // another VIP's
				if again.String() != want {
					t.Errorf("%s: the text is not what the run printed:\n%s\nbut\n%s", name, want, again.String())
				}
				if line2.String() != line.String() {
					t.Errorf("%s: the object is another:\n%s\n%s", name, line.String(), line2.String())
				}
			}
		}
	}
}

// What only a hostile file holds reaches no terminal as it is.
func TestAgainHostile(t *testing.T) {
	const bad = "a\x1b]0;owned\a\u202e\r\nb"
	word := bad
	o := &object.VIP{
		Schema: object.SchemaVIP, VIP: vip, Verdict: bad, Severity: bad, Vantage: bad, Name: &word, Interface: &word, NoConfig: &word,
		Cluster: object.Cluster{Mode: bad, Hosts: []object.Host{{Name: &word, LastHeard: &t0, Heartbeat: &object.Heartbeat{
			Version: bad, RuleCount: 1 << 20, Rules: make([]object.Rule, 1000), Inferred: []string{bad},
		}}}},
		Routers:  []object.Router{{IP: router, Why: bad}},
		Findings: []object.Finding{{ID: bad, Severity: bad, Certainty: bad, Summary: bad, Evidence: []string{bad}, Remedy: bad, Disproof: bad, References: []string{bad}}},
		Configs: []templates.Config{{
			Device: bad, Platform: bad, Role: bad, Section: bad, Confidence: bad, Form: bad, File: bad, Missing: []string{bad}, Notes: []string{bad}, Text: bad,
		}},
		Check: []string{bad}, Undo: []string{bad},
		Returned: []object.Returned{{Word: bad, By: bad, Target: vip}},
		Capture:  &object.Capture{Files: []string{bad}, Faults: []string{bad}, Carried: []object.Carried{{By: bad, Frames: 1}}},
	}
	remote := *o
	remote.Vantage, remote.Capture = "remote", nil
	alive := *o
	alive.Capture = nil
	client := netip.MustParseAddrPort("192.0.2.7:40000")
	c := &object.Connection{Schema: object.SchemaConnection, Client: client, Server: client, Severity: bad, Name: &word, Findings: o.Findings, Capture: o.Capture}
	for _, saved := range []object.Object{o, &remote, &alive, c} {
		var b bytes.Buffer
		if _, err := report.Again(report.NewText(&b, report.Style{Verbose: true}), saved); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexAny(b.String(), "\x1b\a\r\u202e"); i >= 0 || b.Len() == 0 {
			t.Errorf("a terminal obeys %q", b.String()[max(i-40, 0):])
		}
	}
}

// A connection's object gives its text, and the object again.
func TestAgainConnection(t *testing.T) {
	at := netip.MustParseAddrPort
	for _, c := range []event.Connection{
		{Name: "web\x1b[31m", Start: t0, Elapsed: 2 * time.Millisecond,
			Diagnosis: mss.Connection{Client: at("192.0.2.7:40000"), Server: at("[2001:db8::1]:443"), ClientMSS: 400, ServerMSS: 1460, Severity: finding.Critical,
				Findings: []finding.Finding{{ID: "mss-exceeded", Severity: finding.Critical, Summary: "x", Evidence: []string{"y"}}}},
			Capture: &event.Capture{Files: []string{"mail.pcap"}, Frames: 3, First: t0, Last: t0.Add(2 * time.Millisecond)}},
		{Diagnosis: mss.Connection{Client: at("192.0.2.7:1"), Server: at("192.0.2.8:2"), Severity: finding.OK}},
	} {
		var text, again, line, line2 bytes.Buffer
		if err := errors.Join(report.NewText(&text, report.Style{}).Connection(c), report.NewJSON(&line).Connection(c)); err != nil {
			t.Fatal(err)
		}
		saved := decoded(t, line.Bytes())
		got, err := report.Again(report.NewText(&again, report.Style{}), saved)
		_, err2 := report.Again(report.NewJSON(&line2), saved)
		if err := errors.Join(err, err2); err != nil || got != c.Diagnosis.Severity {
			t.Errorf("%v, %v", got, err)
		}
		if again.String() != text.String() || line2.String() != line.String() {
			t.Errorf("%s\nbut\n%s\n%s\nbut\n%s", text.String(), again.String(), line.String(), line2.String())
		}
	}
}

// FuzzAgain: of whatever can be read back nothing reaches a terminal that it obeys,
// and it can be printed as an object again, which can be read.
func FuzzAgain(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 15 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		saved, err := object.NewDecoder(bytes.NewReader(b)).Next()
		if err != nil {
			return
		}
		var text, line bytes.Buffer
		_, err = report.Again(report.NewText(&text, report.Style{Verbose: true}), saved)
		_, err2 := report.Again(report.NewJSON(&line), saved)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		obeyed := func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
		}
		if i := strings.IndexFunc(text.String(), obeyed); i >= 0 || !utf8.Valid(text.Bytes()) {
			t.Errorf("a terminal obeys %q", text.String()[max(i-40, 0):])
		}
		if _, err := object.NewDecoder(&line).Next(); err != nil {
			t.Error(err)
		}
	})
}

// What came before an outcome is that VIP's, and told once; but while a capture is
// still being written the same VIP is told again, with all of it.
func TestAnswersOnce(t *testing.T) {
	o := outcomes()["cluster"]
	count := func(open bool) (n [2]int) {
		var b bytes.Buffer
		h := report.NewJSON(&b)
		o.Capture = &event.Capture{Open: open}
		if err := errors.Join(before(h, "cluster"), before(h, "remote-no-mac"), h.Outcome(o), h.Outcome(o)); err != nil {
			t.Fatal(err)
		}
		d := object.NewDecoder(&b)
		for i := range n {
			saved, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			v := saved.(*object.VIP)
			n[i] = 10*len(v.Answers) + len(v.Returned)
		}
		return n
	}
	if got := count(false); got != [2]int{26, 0} {
		t.Errorf("%v", got)
	}
	if got := count(true); got != [2]int{26, 26} {
		t.Errorf("while the capture is open: %v", got)
	}
}
