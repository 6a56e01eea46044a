package report

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/object"
	"github.com/nlbprobe/nlbprobe/templates"
)

// Again tells a handler what the run told that printed the object, but for what was
// known so far: nothing is waited for any more. It returns the severity, which gives
// the exit status. No text of the object reaches the handler as it is: a terminal
// would obey some.
//
// The configuration follows its VIP. A run prints one for all VIPs of a cluster.
func Again(h Handler, o object.Object) (finding.Severity, error) {
	switch o := o.(type) {
	case *object.VIP:
		return againVIP(h, o)
	case *object.Connection:
		d := mss.Connection{
			Client: o.Client, Server: o.Server, ClientMSS: value(o.ClientMSS), ServerMSS: value(o.ServerMSS),
			Severity: severity(o.Severity), Findings: findingsOf(o.Findings),
		}
		return d.Severity, h.Connection(event.Connection{
			Name: value(o.Name), Diagnosis: d, Start: value(o.Started), Elapsed: nanoseconds(o.Seconds), Capture: captureOf(o.Capture),
		})
	}
	return finding.Unknown, nil
}

func againVIP(h Handler, o *object.VIP) (finding.Severity, error) {
	for _, a := range o.Answers {
		err := h.Answer(event.Answer{VIP: o.VIP, After: nanoseconds(a.After), ARP: evidence.ARP{
			Op: evidence.Reply, EthSrc: a.MAC, SenderMAC: a.SenderMAC, SenderIP: o.VIP, VLAN: uint16(value(a.VLAN)),
		}})
		if err != nil {
			return finding.Unknown, err
		}
	}
	for i := range o.Returned {
		if err := h.Heard(heardOf(o.VIP, &o.Returned[i])); err != nil {
			return finding.Unknown, err
		}
	}
	out := outcomeOf(o)
	err := h.Outcome(out)
	if err == nil && len(out.Configs) > 0 {
		err = h.Config(Paste{VIPs: []netip.Addr{o.VIP}, Configs: out.Configs, FollowUp: out.FollowUp})
	}
	return out.Diagnosis.Severity, err
}

// outcomeOf is the outcome that makes the object.
func outcomeOf(o *object.VIP) Outcome {
	mode, _ := diagnose.ParseMode(o.Cluster.Mode)
	d := diagnose.Diagnosis{
		VIP: o.VIP, Remote: o.Vantage == "remote", Verdict: diagnose.Verdict(Clean(o.Verdict)), Severity: severity(o.Severity),
		Cluster: diagnose.Cluster{
			MAC: value(o.Cluster.MAC), HasMAC: o.Cluster.MAC != nil, Mode: mode, DerivedFrom: value(o.Cluster.DerivedFrom),
			Group: value(o.Cluster.Group), Primaries: o.Cluster.Primaries,
		},
		Findings: findingsOf(o.Findings),
	}
	for _, q := range o.Cluster.Queriers {
		querier := diagnose.Querier{IP: q.IP, MAC: q.MAC, Interval: nanoseconds(value(q.Interval)), Queries: q.Queries, Last: value(q.Last)}
		for _, v := range q.Versions {
			querier.Versions = append(querier.Versions, uint8(v))
		}
		d.Cluster.Queriers = append(d.Cluster.Queriers, querier)
	}
	for i := range o.Cluster.Hosts {
		d.Cluster.Hosts = append(d.Cluster.Hosts, hostOf(&o.Cluster.Hosts[i]))
	}
	for i := range o.Routers {
		r := &o.Routers[i]
		router := diagnose.Router{IP: r.IP, MAC: value(r.MAC), Reach: reachOf(r.ReachesVIP), Why: Clean(r.Why), More: r.MoreMACs}
		for _, m := range r.MACs {
			router.Places = append(router.Places, diagnose.Place{MAC: m.MAC, Reach: reachOf(m.ReachesVIP), Heard: m.Heard})
		}
		d.Routers = append(d.Routers, router)
	}
	out := Outcome{
		Result: event.Result{
			Name: value(o.Name), VIP: o.VIP, Interface: value(o.Interface), Diagnosis: d, Start: value(o.Started), Elapsed: nanoseconds(o.Seconds),
			Sent: o.Sent, Passive: o.Passive, Partial: o.Partial, Capture: captureOf(o.Capture),
		},
		NoConfig: Clean(value(o.NoConfig)),
		FollowUp: FollowUp{Check: o.Check, Undo: o.Undo, Default: o.DefaultPlatform},
	}
	for _, c := range o.Configs {
		out.Configs = append(out.Configs, configOf(c))
	}
	return out
}

// configOf takes from a configuration what a terminal would obey.
func configOf(c templates.Config) templates.Config {
	c.Device, c.Platform, c.Role, c.File = Clean(c.Device), Clean(c.Platform), Clean(c.Role), Clean(c.File)
	c.Section, c.Confidence, c.Form = templates.Section(Clean(string(c.Section))), templates.Confidence(Clean(string(c.Confidence))), templates.Form(Clean(string(c.Form)))
	c.Missing, c.Notes = cleanAll(c.Missing), cleanAll(c.Notes)
	c.Text = cleanLines(c.Text)
	return c
}

// cleanLines is Clean but for line breaks and tabs, which lines of a device may hold.
func cleanLines(text string) string {
	var b strings.Builder
	for piece := range strings.SplitAfterSeq(text, "\n") {
		line, broken := strings.CutSuffix(piece, "\n")
		for i, part := range strings.Split(line, "\t") {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(Clean(part))
		}
		if broken {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func hostOf(h *object.Host) diagnose.Host {
	out := diagnose.Host{
		MAC: h.MAC, SenderMAC: value(h.SenderMAC), Priority: value(h.Priority), IP: value(h.IP), Answers: h.Answers,
		Name: value(h.Name), Beats: h.Beats, LastBeat: value(h.LastHeard), Quiet: nanoseconds(value(h.Quiet)), Stopped: value(h.Stopped), Joined: value(h.Joined),
	}
	b := h.Heartbeat
	if b == nil {
		return out
	}
	beat := evidence.Heartbeat{
		EthSrc: h.MAC, EthDst: b.To, Version: b.Number(), Status: true,
		HostID: uint16(b.HostID), DefaultHost: uint16(b.DefaultHost), State: uint16(b.State), RuleCount: uint16(b.RuleCount),
	}
	if b.Started != nil {
		beat.HostCode = uint32(b.Started.Unix())
	}
	for i := range min(len(b.Rules), len(beat.Rules)) {
		r := &b.Rules[i]
		beat.Rules[i], _ = r.Number()
		beat.Weights[i] = value(r.Weight)
		beat.Whole = r.Weight != nil
		beat.RulesKept++
	}
	out.Heartbeat = &beat
	return out
}

func heardOf(vip netip.Addr, r *object.Returned) event.Heard {
	told := evidence.Told{
		Of:   evidence.Ask{Target: r.Target, By: evidence.Way(index(object.Ways, r.By)), Port: uint16(value(r.Port)), TTL: uint8(value(r.Hops))},
		Word: evidence.Word(index(object.Words, r.Word)), From: value(r.From), Type: uint8(value(r.Type)), Code: uint8(value(r.Code)),
	}
	return event.Heard{VIP: vip, Told: told, After: nanoseconds(r.After), Again: r.Again, Own: r.Own}
}

func findingsOf(all []object.Finding) []finding.Finding {
	var out []finding.Finding
	for _, f := range all {
		certainty, _ := nlb.ParseCertainty(f.Certainty)
		out = append(out, finding.Finding{
			ID: Clean(f.ID), Severity: severity(f.Severity), Certainty: certainty, Summary: Clean(f.Summary), Evidence: cleanAll(f.Evidence),
			Remedy: Clean(f.Remedy), Disproof: Clean(f.Disproof), References: cleanAll(f.References),
			Subject: finding.Subject{First: value(f.First), Last: value(f.Last), Sightings: f.Sightings, Addrs: f.Addrs, MACs: f.MACs, More: f.More},
		})
	}
	return out
}

func captureOf(c *object.Capture) *event.Capture {
	if c == nil {
		return nil
	}
	out := &event.Capture{Files: c.Files, Frames: c.Frames, First: value(c.First), Last: value(c.Last), Open: c.Open, Faults: c.Faults}
	for _, k := range c.Carried {
		out.Carried = append(out.Carried, event.Carried{By: Clean(k.By), Frames: k.Frames})
	}
	return out
}

func reachOf(reaches *bool) diagnose.Reach {
	switch {
	case reaches == nil:
		return diagnose.NotLearnt
	case *reaches:
		return diagnose.Reaches
	}
	return diagnose.DoesNotReach
}

func severity(s string) finding.Severity {
	is, _ := finding.ParseSeverity(s)
	return is
}

// nanoseconds is a time in seconds as a duration.
func nanoseconds(seconds float64) time.Duration {
	ns := math.Round(seconds * float64(time.Second))
	if ns >= math.MaxInt64 { // the longest, which float64 rounds up
		return math.MaxInt64
	}
	return time.Duration(max(ns, math.MinInt64))
}

// index is where the word stands; of one that is none, 0.
func index(words []string, word string) int { return max(slices.Index(words, word), 0) }

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func cleanAll(all []string) []string {
	var out []string
	for _, s := range all {
		out = append(out, Clean(s))
	}
	return out
}
