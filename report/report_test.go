package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/templates"
)

var (
	t0      = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	vip     = netip.MustParseAddr("172.16.63.241")
	us      = netip.MustParsePrefix("172.16.63.10/24")
	router  = netip.MustParseAddr("172.16.63.1")
	ourMAC  = mac.Addr{2, 0, 0, 0, 0, 0x0a}
	rtrMAC  = mac.Addr{2, 0, 0, 0, 0, 0x01}
	cluster = mac.Addr{0x03, 0x00, 0x5e, 0x11, 0x11, 0x11}
)

func host(n byte) mac.Addr { return mac.Addr{0x00, 0x15, 0x5d, 0, 0, n} }

// story is evidence in the making: each call adds what was seen after d.
type story struct{ log evidence.Log }

func (s *story) add(after time.Duration, f evidence.Fact) *story {
	s.log.Add(f, t0.Add(after), 1, nil)
	return s
}

// asked is what each run has: its place, its questions, its ears.
func asked(rounds int, over time.Duration) *story {
	s := &story{}
	s.add(0, evidence.Vantage{Interface: "eth0", MAC: ourMAC, Address: us})
	s.add(0, evidence.Vantage{Interface: "eth0", MAC: ourMAC, Gateway: router})
	s.add(0, evidence.Listened{Interface: "eth0"}).add(over, evidence.Listened{Interface: "eth0"})
	for i := range rounds {
		s.add(time.Duration(i)*100*time.Millisecond, evidence.ARP{
			Op: evidence.Request, EthSrc: ourMAC, EthDst: mac.Broadcast,
			SenderMAC: ourMAC, SenderIP: us.Addr(), TargetIP: vip, Out: true,
		})
	}
	return s
}

func (s *story) answer(after time.Duration, from, says mac.Addr, ip netip.Addr) *story {
	return s.add(after, evidence.ARP{
		Op: evidence.Reply, EthSrc: from, EthDst: ourMAC, SenderMAC: says, SenderIP: ip, TargetMAC: ourMAC, TargetIP: us.Addr(),
	})
}

// beat is a heartbeat of the host with this priority, which has two port rules.
func beat(priority byte, to mac.Addr) evidence.Heartbeat {
	h := evidence.Heartbeat{
		EthSrc: host(priority), EthDst: to, EtherType: 0x886f, Signature: 0xc0de01bf, Version: 0x0206, Priority: uint32(priority),
		Cluster: vip, Dedicated: netip.AddrFrom4([4]byte{172, 16, 63, 10 + priority}),
		Status: true, HostID: uint16(priority - 1), State: 1, RuleCount: 3, HostCode: 1329324085, RulesKept: evidence.Slots, Whole: true,
	}
	h.Rules[0], h.Rules[1] = 0x61050050, 0x6ffff400
	h.Weights[0], h.Weights[1] = 50, 100
	return h
}

const us1 = time.Microsecond

func outcome(s *story, sent int, took time.Duration) report.Outcome {
	return report.Outcome{Result: event.Result{Interface: "eth0", Start: t0, Sent: sent, Elapsed: took, Diagnosis: diagnose.VIP(vip, s.log.Items())}}
}

// outcomes are the runs that the golden files show.
func outcomes() map[string]report.Outcome {
	all := make(map[string]report.Outcome)
	all["cluster"] = outcome(asked(3, 400*time.Millisecond).
		answer(300*us1, host(1), cluster, vip).answer(350*us1, host(2), cluster, vip).
		answer(400*us1, rtrMAC, rtrMAC, router), 3, 1204*time.Millisecond)
	// A cluster that beats: one host with a hostile name, one that has died, one
	// that answers nothing.
	members := asked(3, 12*time.Second).answer(300*us1, host(1), cluster, vip).answer(350*us1, host(2), cluster, vip)
	for i := range 12 {
		at := time.Duration(i) * time.Second
		members.add(at+100*time.Millisecond, beat(1, cluster)).add(at+200*time.Millisecond, beat(3, cluster))
		if i < 4 {
			members.add(at+300*time.Millisecond, beat(2, cluster))
		}
	}
	members.add(time.Second, evidence.Heartbeat{
		EthSrc: host(1), EthDst: cluster, EtherType: 0x886f, Signature: 0xc0de01c0, Version: 0x0206, Priority: 1, Cluster: vip,
		Dedicated: netip.MustParseAddr("172.16.63.11"), Name: "web1\x1b]0;owned\a\r\n\u202emoc.elpmaxe" + strings.Repeat("x", 200),
	})
	members.add(2*time.Second, evidence.Heartbeat{
		EthSrc: host(3), EthDst: cluster, EtherType: 0x886f, Signature: 0xc0de01c0, Version: 0x0206, Priority: 3, Cluster: vip,
		Dedicated: netip.MustParseAddr("172.16.63.13"), Name: "\u3164e" + strings.Repeat("\u0301", 9) + strings.Repeat("\u6f22", 200),
	})
	all["members"] = outcome(members, 3, 12*time.Second)
	// A router's address that two MACs claim, of which one hands packets on.
	echo := func(to mac.Addr, id uint16) evidence.Echo {
		return evidence.Echo{EthSrc: ourMAC, EthDst: to, Src: us.Addr(), Dst: vip, TTL: 64, ID: id, Out: true}
	}
	evil := mac.Addr{2, 0x66, 0, 0, 0, 1}
	all["two-macs"] = outcome(asked(3, 4*time.Second).answer(300*us1, host(1), cluster, vip).
		answer(400*us1, rtrMAC, rtrMAC, router).answer(450*us1, evil, evil, router).answer(500*us1, rtrMAC, rtrMAC, router).
		add(10*time.Millisecond, echo(evil, 1)).add(10*time.Millisecond, echo(rtrMAC, 2)).
		add(11*time.Millisecond, evidence.Echo{Reply: true, EthSrc: host(1), EthDst: ourMAC, Src: vip, Dst: us.Addr(), TTL: 128, ID: 1}).
		add(3*time.Second, evidence.ICMPError{Type: 3, Code: 1, EthSrc: rtrMAC, From: router, To: us.Addr(), Src: us.Addr(), Dst: vip, Protocol: 1, ID: 2}), 5, 4*time.Second)
	all["one-packet"] = outcome(asked(3, time.Second).answer(300*us1, host(1), cluster, vip).answer(400*us1, rtrMAC, rtrMAC, router).
		add(500*time.Millisecond, evidence.Traffic{EthSrc: rtrMAC, EthDst: cluster, Src: netip.MustParseAddr("10.9.8.7"), Dst: vip, EtherType: 0x0800}), 3, time.Second)
	igmpMAC, group := mac.Addr{0x01, 0, 0x5e, 0x7f, 63, 241}, netip.MustParseAddr("239.255.63.241")
	all["igmp"] = outcome(asked(3, 3*time.Second).answer(300*us1, host(1), igmpMAC, vip).answer(350*us1, host(2), igmpMAC, vip).
		add(time.Second, evidence.IGMP{Act: evidence.Query, Version: 2, EthSrc: rtrMAC, From: router}).
		add(2*time.Second, evidence.IGMP{Act: evidence.Join, Version: 1, EthSrc: host(1), From: netip.MustParseAddr("172.16.63.11"), Group: group}), 3, 3*time.Second)
	all["beats"] = outcome(asked(3, 3*time.Second).add(100*time.Millisecond, beat(1, cluster)).add(200*time.Millisecond, beat(2, cluster)), 3, 3*time.Second)
	// What is said of captures: one that is cut short, and several that are still
	// being written.
	captured := outcome(asked(1, 20*time.Millisecond).answer(300*us1, host(1), cluster, vip), 0, 2*time.Second)
	captured.Interface, captured.Capture = "", &event.Capture{
		Files: []string{"port\x1b[31m.pcap"}, Frames: 2, First: t0, Last: t0.Add(12500 * time.Millisecond), Faults: []string{"at byte 100: cut short"},
		Carried: []event.Carried{{By: "VXLAN", Frames: 12}, {By: "GRE", Frames: 1}},
	}
	all["captured"] = captured
	captured.Capture = &event.Capture{Files: []string{"a", "b"}, Frames: 1, First: t0, Last: t0.Add(3*time.Hour + 5*time.Minute), Open: true}
	all["captures"] = captured
	all["conflict"] = outcome(asked(3, 400*time.Millisecond).
		answer(300*us1, host(1), host(1), vip).answer(350*us1, host(2), host(2), vip), 3, 402*time.Millisecond)
	all["silent"] = outcome(asked(6, 3*time.Second), 6, 3*time.Second)
	all["ordinary"] = outcome(asked(3, 400*time.Millisecond).answer(300*us1, host(1), host(1), vip), 3, 402*time.Millisecond)

	maps.Copy(all, remoteOutcomes())
	partial := outcome(asked(1, 20*time.Millisecond).answer(300*us1, host(1), cluster, vip), 1, 20*time.Millisecond)
	partial.Partial = true
	// A name comes from whoever runs the command, but may be pasted from
	// anywhere.
	partial.Name = "intranet\x1b[2J.example"
	all["interrupted"] = partial

	flood := asked(3, 400*time.Millisecond)
	for i := range byte(200) {
		flood.answer(time.Duration(i)*us1, host(i), mac.Addr{3, 1, 2, 3, 4, i}, vip)
	}
	all["flood"] = outcome(flood, 3, 3*time.Second)

	none := all["conflict"]
	none.NoConfig = "None printed: the answers contradict each other."
	all["conflict"] = none
	all["verbose"] = all["cluster"]
	return all
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	goldentest.Compare(t, "testdata/"+name, got)
}

func TestText(t *testing.T) {
	for name, o := range outcomes() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			h := report.NewText(&b, report.Style{Verbose: name == "verbose"})
			if err := errors.Join(h.Outcome(o), h.Close()); err != nil {
				t.Fatal(err)
			}
			for line := range strings.SplitSeq(b.String(), "\n") {
				if report.Columns(line) > report.Width {
					t.Errorf("%d columns: %s", report.Columns(line), line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("space at the end: %q", line)
				}
			}
			if strings.ContainsRune(b.String(), 0x1b) {
				t.Error("an escape sequence got through")
			}
			compare(t, name+".txt", b.Bytes())
		})
	}
}

// TestConnection is of a server that sends longer segments than its client takes.
func TestConnection(t *testing.T) {
	client, server := netip.MustParseAddrPort("192.0.2.7:40000"), netip.MustParseAddrPort("172.16.63.241:443")
	segments := func(opened bool) []evidence.Item {
		var l evidence.Log
		if opened {
			l.Add(evidence.TCP{Src: client, Dst: server, SYN: true, MSS: 400}, t0, 1, nil)
			l.Add(evidence.TCP{Src: server, Dst: client, SYN: true, ACK: true, MSS: 1460}, t0.Add(time.Millisecond), 1, nil)
		}
		l.Add(evidence.Segment{Src: server, Dst: client, Payload: 536}, t0.Add(2*time.Millisecond), 1, nil)
		return l.Items()
	}
	for name, c := range map[string]event.Connection{
		"connection": {
			Name: "web\x1b[31m", Diagnosis: mss.Judge(client, server, segments(true)), Elapsed: 2 * time.Millisecond,
			Capture: &event.Capture{Files: []string{"mail.pcap"}, Frames: 3, First: t0, Last: t0.Add(2 * time.Millisecond)},
		},
		"connection-half-seen": {Diagnosis: mss.Judge(client, server, segments(false))},
	} {
		var text, object, indented bytes.Buffer
		h := report.NewText(&text, report.Style{})
		if err := errors.Join(h.Connection(c), h.Connection(c), report.NewJSON(&object).Connection(c)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(text.String(), "\n") {
			if report.Columns(line) > report.Width {
				t.Errorf("%d columns: %s", report.Columns(line), line)
			}
		}
		if strings.ContainsRune(text.String(), 0x1b) {
			t.Error("an escape sequence got through")
		}
		compare(t, name+".txt", text.Bytes())
		if err := json.Indent(&indented, object.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		compare(t, name+".json", indented.Bytes())
	}
}

func TestTextColour(t *testing.T) {
	var plain, colour bytes.Buffer
	o := outcomes()["cluster"]
	if err := errors.Join(report.NewText(&plain, report.Style{}).Outcome(o), report.NewText(&colour, report.Style{Colour: true}).Outcome(o)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(colour.String(), "\x1b[1;33manswers, warning\x1b[0m") {
		t.Errorf("no colour: %q", colour.String()[:120])
	}
	stripped := colour.String()
	for _, code := range []string{"\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[36m", "\x1b[0m"} {
		stripped = strings.ReplaceAll(stripped, code, "")
	}
	if stripped != plain.String() {
		t.Error("colour changes more than colours")
	}
}

// The first answer's line must be out when the call returns, in one write.
func TestTextAnswer(t *testing.T) {
	tests := []struct {
		name   string
		answer event.Answer
		want   string
	}{
		{
			"a cluster's host", event.Answer{VIP: vip, After: 412 * us1, ARP: evidence.ARP{EthSrc: host(1), SenderMAC: cluster}},
			"00:15:5d:00:00:01 answers: 172.16.63.241 is at 03:00:5e:11:11:11  0.41 ms\n",
		}, {
			"an ordinary host, tagged", event.Answer{VIP: vip, After: 1234 * time.Millisecond, ARP: evidence.ARP{EthSrc: host(1), SenderMAC: host(1), VLAN: 20}},
			"172.16.63.241 is at 00:15:5d:00:00:01  1.2 s  VLAN 20\n",
		},
	}
	for _, tt := range tests {
		var w writes
		if err := report.NewText(&w, report.Style{}).Answer(tt.answer); err != nil {
			t.Fatal(err)
		}
		if len(w) != 1 || w[0] != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, w, tt.want)
		}
	}
}

func TestTextSoFar(t *testing.T) {
	router := netip.MustParseAddr("172.16.63.1")
	tests := []struct {
		name string
		s    event.SoFar
		want string
	}{
		{"heartbeats", event.SoFar{
			Diagnosis: diagnose.Diagnosis{VIP: vip, Verdict: diagnose.Reachable}, Pending: event.Pending{Heartbeats: true},
		}, "172.16.63.241 so far: reachable; hearing heartbeats\n"},
		{"a router", event.SoFar{
			Diagnosis: diagnose.Diagnosis{VIP: vip, Verdict: diagnose.Answers},
			Pending:   event.Pending{Routers: []netip.Addr{router}, Heartbeats: true},
		}, "172.16.63.241 so far: answers; testing router 172.16.63.1, hearing heartbeats\n"},
		{"all, of a name with a bell in it", event.SoFar{
			Name: "web\a", Diagnosis: diagnose.Diagnosis{VIP: vip, Verdict: diagnose.Answers},
			Pending: event.Pending{Routers: []netip.Addr{router, router.Next()}, Hellos: true, Heartbeats: true, Members: true, Ports: true, Listen: true},
		}, "172.16.63.241 (web\\a) so far: answers; testing router 172.16.63.1, testing\n" +
			"  router 172.16.63.2, awaiting routers' hellos, hearing heartbeats, asking for\n" +
			"  the group's members, connecting, listening as asked\n"},
	}
	for _, tt := range tests {
		var w writes
		if err := report.NewText(&w, report.Style{}).SoFar(tt.s); err != nil {
			t.Fatal(err)
		}
		if len(w) != 1 || w[0] != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, w, tt.want)
		}
		var object bytes.Buffer
		if err := report.NewJSON(&object).SoFar(tt.s); err != nil || object.Len() > 0 {
			t.Errorf("JSON: %q, %v", object.String(), err)
		}
	}
}

// writes keeps each Write apart.
type writes []string

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, string(b))
	return len(b), nil
}

var followUp = report.FollowUp{
	Check: []string{"nlbprobe", "--expect", "reachable", "172.16.63.241"},
	Undo: []string{"nlbprobe", "render", "--platform", "cisco-ios:l3", "--vip", "172.16.63.241", "--mac", "03:00:5e:11:11:11",
		"--port", "GigabitEthernet 1/0/1", "--section", "remove"},
	Default: true,
}

func TestTextConfig(t *testing.T) {
	var b bytes.Buffer
	h := report.NewText(&b, report.Style{})
	err := h.Config(report.Paste{
		VIPs: []netip.Addr{vip, netip.MustParseAddr("172.16.63.242")},
		Configs: []templates.Config{{
			Platform: "cisco-ios", Role: "l3", Section: templates.Configure, Confidence: "vendor",
			Text: "arp 172.16.63.241 0300.5e11.1111 arpa\n", Notes: []string{"belongs on both peers"},
		}},
		FollowUp: followUp,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `
PASTE     cisco-ios:l3 for 172.16.63.241, 172.16.63.242, section configure;
          every line is from a vendor's document
          belongs on both peers
arp 172.16.63.241 0300.5e11.1111 arpa

CHECK     nlbprobe --expect reachable 172.16.63.241
UNDO      nlbprobe render --platform cisco-ios:l3 --vip 172.16.63.241 \
              --mac 03:00:5e:11:11:11 --port 'GigabitEthernet 1/0/1' \
              --section remove
OTHERS    --platform NAME prints the lines of another platform; nlbprobe
          platforms lists the names
`
	if b.String() != want {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
}

func TestQuoteWord(t *testing.T) {
	for s, want := range map[string]string{
		"": "''", "Gi1/0/1": "Gi1/0/1", "a b": "'a b'", "it's": `'it'\''s'`, "$(reboot)": "'$(reboot)'", "tenant=Prod": "tenant=Prod", "é": "'é'", "a;b": "'a;b'",
	} {
		if got := report.QuoteWord(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

// before tells what came before the outcome of that name.
func before(h report.Handler, name string) error {
	answers := []event.Answer{
		{VIP: vip, After: 300 * us1, ARP: evidence.ARP{EthSrc: host(1), SenderMAC: cluster}},
		{VIP: vip.Next(), ARP: evidence.ARP{EthSrc: host(9), SenderMAC: host(9)}}, // another VIP's
		{VIP: vip, After: 1350 * time.Millisecond, ARP: evidence.ARP{EthSrc: host(2), SenderMAC: host(2), VLAN: 20}},
	}
	tcp, limited := evidence.Ask{Target: vip, By: evidence.ByTCP, Port: 443, Seq: 5}, echoTo(vip, 6, 3)
	returned := []event.Heard{
		{VIP: vip, Told: evidence.Told{Of: echoTo(nearBy, 1, 0), Word: evidence.Replied}, After: 412 * us1},
		{VIP: vip, Told: evidence.Told{Of: echoTo(nearBy, 1, 0), Word: evidence.Replied}, After: 413 * us1, Again: true},
		{VIP: vip, Told: evidence.Told{Of: tcp, Word: evidence.Refused}, After: time.Second},
		{VIP: vip, Told: said(limited, nearBy, 11, 0), After: 2 * time.Second},
		{VIP: vip, Told: said(echoTo(vip, 7, 0), netip.Addr{}, 3, 1), After: 3 * time.Second},
		{VIP: vip, Told: said(echoTo(vip, 8, 0), us.Addr(), 3, 1), After: 3 * time.Second, Own: true},
	}
	var errs []error
	switch name {
	case "cluster", "two-macs":
		for _, a := range answers {
			errs = append(errs, h.Answer(a))
		}
	case "remote-no-mac":
		for _, r := range returned {
			errs = append(errs, h.Heard(r))
		}
	}
	return errors.Join(errs...)
}

func TestJSON(t *testing.T) {
	for name, o := range outcomes() {
		t.Run(name, func(t *testing.T) {
			o.Configs, o.FollowUp = []templates.Config{{Platform: "cisco-ios", Section: templates.Configure, Text: "arp\n", Confidence: "vendor"}}, followUp
			var b bytes.Buffer
			h := report.NewJSON(&b)
			if err := errors.Join(before(h, name), h.SoFar(event.SoFar{VIP: vip}), h.Outcome(o), h.Config(report.Paste{}), h.Close()); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(b.Bytes(), []byte("\n")); n != 1 || b.Bytes()[b.Len()-1] != '\n' {
				t.Errorf("%d lines for one object", n)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, b.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			compare(t, name+".json", indented.Bytes())
		})
	}
}
