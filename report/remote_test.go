package report_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/report"
)

var nearBy = netip.MustParseAddr("192.0.2.1")

func echoTo(ip netip.Addr, seq uint16, ttl uint8) evidence.Ask {
	return evidence.Ask{Target: ip, Seq: seq, TTL: ttl}
}

func said(of evidence.Ask, from netip.Addr, kind, code uint8) evidence.Told {
	return evidence.Told{Of: of, Word: evidence.SaidICMP, From: from, Type: kind, Code: code}
}

func fromAfar(s *story, sent int, took time.Duration) report.Outcome {
	s.add(0, evidence.Vantage{Interface: "eth0", Address: netip.MustParsePrefix("192.0.2.10/24")})
	return report.Outcome{Result: event.Result{Interface: "eth0", Sent: sent, Elapsed: took, Diagnosis: diagnose.Remote(vip, s.log.Items())}}
}

// remoteOutcomes are runs from another subnet, for the golden files.
func remoteOutcomes() map[string]report.Outcome {
	all := make(map[string]report.Outcome)
	first, hop, beyond := echoTo(vip, 1, 0), echoTo(vip, 2, 1), echoTo(vip, 3, 2)
	way := func() *story {
		return new(story).add(0, first).add(0, hop).add(time.Millisecond, said(hop, nearBy, 11, 0)).add(20*time.Millisecond, beyond)
	}
	all["remote-no-mac"] = fromAfar(way().add(3060*time.Millisecond, said(first, nearBy, 3, 1)).add(3060*time.Millisecond, said(beyond, nearBy, 3, 1)).
		add(3061*time.Millisecond, echoTo(nearBy, 4, 0)).add(3062*time.Millisecond, evidence.Told{Of: echoTo(nearBy, 4, 0), Word: evidence.Replied}), 4, 3561*time.Millisecond)
	yes := evidence.Told{Of: first, Word: evidence.Replied}
	all["remote-reachable"] = fromAfar(way().add(2*time.Millisecond, yes).add(2*time.Millisecond, yes).
		add(21*time.Millisecond, evidence.Told{Of: beyond, Word: evidence.Replied}), 3, 900*time.Millisecond)
	interrupted := fromAfar(way(), 1, 300*time.Millisecond)
	interrupted.Partial, interrupted.Interface = true, ""
	interrupted.NoConfig = "None printed: no MAC is known from another subnet."
	all["remote-silent"] = interrupted
	return all
}

// What comes back is told in one write each, on lines that fit.
func TestTextHeard(t *testing.T) {
	tcp := evidence.Ask{Target: vip, By: evidence.ByTCP, Port: 443}
	udp := evidence.Ask{Target: vip, By: evidence.ByUDP, Port: 33434}
	for _, tt := range []struct {
		told       evidence.Told
		again, own bool
		want       string
	}{
		{told: evidence.Told{Of: echoTo(vip, 1, 0), Word: evidence.Replied}, want: "172.16.63.241 answers an echo request  0.41 ms\n"},
		{told: evidence.Told{Of: echoTo(vip, 1, 0), Word: evidence.Replied}, again: true, want: "172.16.63.241 answers the same packet once more (DUP)  0.41 ms\n"},
		{told: evidence.Told{Of: echoTo(nearBy, 1, 0), Word: evidence.Replied}, want: "control 192.0.2.1 answers an echo request  0.41 ms\n"},
		{told: evidence.Told{Of: tcp, Word: evidence.Accepted}, want: "172.16.63.241 accepts a connection to port 443  0.41 ms\n"},
		{told: evidence.Told{Of: tcp, Word: evidence.Refused}, want: "172.16.63.241 refuses a connection to port 443  0.41 ms\n"},
		{told: evidence.Told{Of: tcp, Word: evidence.Forbidden}, want: "this host does not allow a SYN to port 443 to 172.16.63.241  0.41 ms\n"},
		{told: evidence.Told{Of: udp, Word: evidence.NoRoute}, want: "this host has no route to 172.16.63.241  0.41 ms\n"},
		{told: evidence.Told{Of: udp, Word: evidence.Unsent}, want: "this host could not send a UDP datagram to 172.16.63.241  0.41 ms\n"},
		{told: said(udp, vip, 3, 3), want: "172.16.63.241 says port unreachable (ICMP 3/3) of a UDP datagram  0.41 ms\n"},
		{told: said(udp, vip, 3, 3), again: true, want: "172.16.63.241 answers the same packet once more (DUP)  0.41 ms\n"},
		{told: said(echoTo(vip, 1, 2), nearBy, 11, 0), want: "192.0.2.1 is a router on the way, 2 hops away  0.41 ms\n"},
		{told: said(echoTo(vip, 1, 0), nearBy, 3, 1), want: "192.0.2.1 says host unreachable (ICMP 3/1) of an echo request to 172.16.63.241\n  0.41 ms\n"},
		{told: said(tcp, netip.Addr{}, 3, 1), want: "somebody says host unreachable (ICMP 3/1) of a SYN to port 443 to 172.16.63.241\n  0.41 ms\n"},
		{told: said(echoTo(vip, 1, 0), nearBy, 3, 1), own: true, want: "this host itself, 192.0.2.1, says host unreachable (ICMP 3/1) of an echo request\n  to 172.16.63.241 0.41 ms\n"},
	} {
		var w writes
		if err := report.NewText(&w, report.Style{}).Heard(event.Heard{VIP: vip, Told: tt.told, After: 412 * us1, Again: tt.again, Own: tt.own}); err != nil {
			t.Fatal(err)
		}
		if len(w) != 1 || w[0] != tt.want {
			t.Errorf("%q\nwant %q", w, tt.want)
		}
	}
	var object bytes.Buffer
	if err := report.NewJSON(&object).Heard(event.Heard{}); err != nil || object.Len() > 0 {
		t.Errorf("JSON: %q, %v", object.String(), err)
	}
}
