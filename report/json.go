package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/object"
)

// Schema is the name under which all commands but mss print objects.
const Schema = object.SchemaVIP

// JSON writes one object a VIP and line (JSON Lines), each when it is whole.
type JSON struct {
	enc *json.Encoder

	// What was told of VIPs whose object is not whole.
	answers  map[netip.Addr][]object.Answer
	returned map[netip.Addr][]object.Returned
}

// NewJSON returns a Handler that writes to w.
func NewJSON(w io.Writer) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc, answers: make(map[netip.Addr][]object.Answer), returned: make(map[netip.Addr][]object.Returned)}
}

var _ Handler = (*JSON)(nil)

// Answer keeps the answer: nothing is printed before the object is whole.
func (j *JSON) Answer(a event.Answer) error {
	j.answers[a.VIP] = append(j.answers[a.VIP], object.Answer{
		MAC: a.ARP.EthSrc, SenderMAC: a.ARP.SenderMAC, VLAN: some(int(a.ARP.VLAN)), After: a.After.Seconds(),
	})
	return nil
}

// Heard keeps what came back, for the same reason.
func (j *JSON) Heard(h event.Heard) error {
	j.returned[h.VIP] = append(j.returned[h.VIP], returned(h))
	return nil
}

// SoFar writes nothing: what is known so far is no result.
func (*JSON) SoFar(event.SoFar) error { return nil }

// Outcome writes the VIP's object.
func (j *JSON) Outcome(o Outcome) error {
	run := vipObject(o)
	vip := o.Diagnosis.VIP
	run.Answers, run.Returned = list(j.answers[vip]), list(j.returned[vip])
	if o.Capture == nil || !o.Capture.Open { // else the same VIP is told once more
		delete(j.answers, vip)
		delete(j.returned, vip)
	}
	return j.enc.Encode(run)
}

// Config writes nothing: the outcomes hold it.
func (*JSON) Config(Paste) error { return nil }

// Close ends the report.
func (*JSON) Close() error { return nil }

// Connection writes a connection's object.
func (j *JSON) Connection(c event.Connection) error {
	d := c.Diagnosis
	o := object.Connection{
		Schema: object.SchemaConnection, Client: d.Client, Server: d.Server, Severity: d.Severity.String(),
		ClientMSS: some(d.ClientMSS), ServerMSS: some(d.ServerMSS), Findings: findings(d.Findings),
		Name: some(c.Name), Started: instant(c.Start), Seconds: c.Elapsed.Seconds(), Capture: captured(c.Capture),
	}
	return j.enc.Encode(o)
}

// captured is nil where there is no capture.
func captured(c *event.Capture) *object.Capture {
	if c == nil {
		return nil
	}
	out := &object.Capture{Files: list(c.Files), Frames: c.Frames, First: some(c.First), Last: some(c.Last), Open: c.Open, Faults: list(c.Faults), Carried: []object.Carried{}}
	for _, k := range c.Carried {
		out.Carried = append(out.Carried, object.Carried(k))
	}
	return out
}

func findings(all []diagnose.Finding) []object.Finding {
	out := []object.Finding{}
	for _, f := range all {
		out = append(out, object.Finding{
			ID: f.ID, Severity: f.Severity.String(), Certainty: f.Certainty.String(), Summary: f.Summary,
			Evidence: list(f.Evidence), Remedy: f.Remedy, Disproof: f.Disproof, References: list(f.References),
			First: instant(f.First), Last: instant(f.Last), Sightings: f.Sightings, Addrs: list(f.Addrs), MACs: list(f.MACs), More: f.More,
		})
	}
	return out
}

func queriers(all []diagnose.Querier) []object.Querier {
	out := []object.Querier{}
	for _, q := range all {
		j := object.Querier{IP: q.IP, MAC: q.MAC, Versions: []int{}, Interval: some(q.Interval.Seconds()), Queries: q.Queries, Last: instant(q.Last)}
		for _, v := range q.Versions {
			j.Versions = append(j.Versions, int(v))
		}
		out = append(out, j)
	}
	return out
}

// inferredFields are those of object.Heartbeat.
var inferredFields = []string{"host_id", "default_host", "started_inferred", "rules.ports", "rules.ports_if_low"}

func heartbeat(h diagnose.Host) *object.Heartbeat {
	b := h.Heartbeat
	if b == nil {
		return nil
	}
	out := &object.Heartbeat{
		Count: h.Beats, To: b.EthDst, Version: fmt.Sprintf("%d.%d", b.Version>>8&0xff, b.Version&0xff),
		HostID: int(b.HostID), DefaultHost: int(b.DefaultHost), State: int(b.State), RuleCount: int(b.RuleCount),
		Rules: []object.Rule{}, Inferred: inferredFields,
	}
	if b.HostCode != 0 {
		started := time.Unix(int64(b.HostCode), 0).UTC()
		out.Started = &started
	}
	for i := range min(int(b.RuleCount), int(b.RulesKept), len(b.Rules)) {
		code := nlb.RuleCode(b.Rules[i])
		rule := object.Rule{Code: fmt.Sprintf("0x%08x", uint32(code))}
		if first, last, ok := code.Ports(); ok {
			rule.Ports = some(ports(first, last))
		} else if first, last, ok := code.LowPorts(); ok {
			rule.PortsIfLow = some(ports(first, last))
		}
		if b.Whole {
			rule.Weight = &b.Weights[i]
		}
		out.Rules = append(out.Rules, rule)
	}
	return out
}

func ports(first, last uint16) string {
	if first == last {
		return strconv.Itoa(int(first))
	}
	return fmt.Sprintf("%d-%d", first, last)
}

// some returns a pointer to v, or nil for its type's zero value.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// vipObject is the object of a VIP, but for what came before its outcome.
func vipObject(o Outcome) object.VIP {
	d := o.Diagnosis
	run := object.VIP{
		Schema: object.SchemaVIP, VIP: d.VIP, Verdict: string(d.Verdict), Severity: d.Severity.String(),
		Cluster: object.Cluster{
			Mode: d.Cluster.Mode.String(), DerivedFrom: some(d.Cluster.DerivedFrom),
			Group: some(d.Cluster.Group), Hosts: []object.Host{}, Primaries: list(d.Cluster.Primaries), Queriers: queriers(d.Cluster.Queriers),
		},
		Routers: []object.Router{}, Findings: findings(d.Findings), Configs: list(o.Configs),
		Name: some(o.Name), Interface: some(o.Interface), Vantage: vantage(d),
		NoConfig: some(o.NoConfig),
		Check:    o.Check, Undo: o.Undo, DefaultPlatform: o.Default,
		Passive: o.Passive, Partial: o.Partial, Started: instant(o.Start), Sent: o.Sent, Seconds: o.Elapsed.Seconds(),
	}
	run.Capture = captured(o.Capture)
	if d.Cluster.HasMAC {
		run.Cluster.MAC = &d.Cluster.MAC
	}
	for _, h := range d.Cluster.Hosts {
		run.Cluster.Hosts = append(run.Cluster.Hosts, object.Host{
			MAC: h.MAC, Priority: some(h.Priority), IP: some(h.IP), SenderMAC: some(h.SenderMAC), Answers: h.Answers,
			Name: some(Clean(h.Name)), LastHeard: instant(h.LastBeat), Beats: h.Beats, Heartbeat: heartbeat(h), Joined: some(h.Joined),
		})
		if last := &run.Cluster.Hosts[len(run.Cluster.Hosts)-1]; !h.LastBeat.IsZero() {
			quiet := h.Quiet.Seconds()
			last.Quiet, last.Stopped = &quiet, &h.Stopped
		}
	}
	for _, r := range d.Routers {
		router := object.Router{IP: r.IP, MAC: some(r.MAC), Why: r.Why, ReachesVIP: reaches(r.Reach), MoreMACs: r.More}
		for _, p := range r.Places {
			router.MACs = append(router.MACs, object.RouterMAC{MAC: p.MAC, ReachesVIP: reaches(p.Reach), Heard: p.Heard})
		}
		run.Routers = append(run.Routers, router)
	}
	return run
}

// reaches is null where it is not known.
func reaches(r diagnose.Reach) *bool {
	if r == diagnose.NotLearnt {
		return nil
	}
	yes := r == diagnose.Reaches
	return &yes
}

// vantage is from where the VIP was judged.
func vantage(d diagnose.Diagnosis) string {
	if d.Remote {
		return "remote"
	}
	return "local"
}

// instant is t in UTC, or null if it is not known.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// returned is what came back as the object has it.
func returned(h event.Heard) object.Returned {
	of := h.Told.Of
	r := object.Returned{
		Word: object.Words[h.Told.Word], Target: of.Target, By: object.Ways[of.By], Hops: some(int(of.TTL)),
		After: h.After.Seconds(), Again: h.Again, Own: h.Own,
	}
	if of.By != evidence.ByEcho {
		r.Port = some(int(of.Port))
	}
	if h.Told.Word == evidence.SaidICMP {
		kind, code := int(h.Told.Type), int(h.Told.Code)
		r.From, r.Type, r.Code = some(h.Told.From), &kind, &code
	}
	return r
}

// list returns s, or an empty list rather than null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
