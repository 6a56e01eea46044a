package analysis

import (
	"net/netip"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/finding"
)

// Of each of these there is more to say; figures and times alone are no news.
func TestGist(t *testing.T) {
	base := func() diagnose.Diagnosis {
		return diagnose.Diagnosis{
			VIP: netip.MustParseAddr("192.0.2.90"), Verdict: diagnose.Answers, Severity: finding.Warning,
			Cluster:  diagnose.Cluster{MAC: [6]byte{3, 0xbf, 192, 0, 2, 90}, HasMAC: true, Mode: diagnose.Multicast, Hosts: []diagnose.Host{{Answers: 1}}},
			Routers:  []diagnose.Router{{IP: netip.MustParseAddr("192.0.2.1")}},
			Findings: []diagnose.Finding{{ID: "a", Severity: finding.Warning, Summary: "3 times"}},
		}
	}
	same := gist(base())
	for name, change := range map[string]func(*diagnose.Diagnosis){
		"verdict":            func(d *diagnose.Diagnosis) { d.Verdict = diagnose.Reachable },
		"severity":           func(d *diagnose.Diagnosis) { d.Severity = finding.Critical },
		"MAC":                func(d *diagnose.Diagnosis) { d.Cluster.MAC[5]++ },
		"mode":               func(d *diagnose.Diagnosis) { d.Cluster.Mode = diagnose.IGMPMulticast },
		"a host":             func(d *diagnose.Diagnosis) { d.Cluster.Hosts = append(d.Cluster.Hosts, diagnose.Host{}) },
		"a router":           func(d *diagnose.Diagnosis) { d.Routers = append(d.Routers, diagnose.Router{}) },
		"what a router does": func(d *diagnose.Diagnosis) { d.Routers[0].Reach = diagnose.Reaches },
		"a finding":          func(d *diagnose.Diagnosis) { d.Findings = append(d.Findings, diagnose.Finding{ID: "b"}) },
		"a finding's weight": func(d *diagnose.Diagnosis) { d.Findings[0].Severity = finding.Info },
		"another finding":    func(d *diagnose.Diagnosis) { d.Findings[0].ID = "c" },
	} {
		d := base()
		if change(&d); gist(d) == same {
			t.Errorf("%s: no news", name)
		}
	}
	for name, change := range map[string]func(*diagnose.Diagnosis){
		"nothing":        func(*diagnose.Diagnosis) {},
		"more answers":   func(d *diagnose.Diagnosis) { d.Cluster.Hosts[0].Answers++ },
		"a later one":    func(d *diagnose.Diagnosis) { d.Cluster.Hosts[0].LastBeat = time.Unix(1, 0) },
		"other figures":  func(d *diagnose.Diagnosis) { d.Findings[0].Summary = "4 times" },
		"other evidence": func(d *diagnose.Diagnosis) { d.Findings[0].Evidence = []string{"x"} },
	} {
		d := base()
		if change(&d); gist(d) != same {
			t.Errorf("%s: news", name)
		}
	}
}
