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
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/templates"
)

// Schema names the JSON contract. Fields may be added under the same name,
// never renamed or retyped.
const Schema = "nlbprobe/1"

// JSON writes one object a VIP and line (JSON Lines), each when it is whole.
type JSON struct{ enc *json.Encoder }

// NewJSON returns a Handler that writes to w.
func NewJSON(w io.Writer) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc}
}

var _ Handler = (*JSON)(nil)

// Answer writes nothing: nothing is printed before the object is whole.
func (*JSON) Answer(event.Answer) error { return nil }

// SoFar writes nothing, for the same reason.
func (*JSON) SoFar(event.SoFar) error { return nil }

// Outcome writes the VIP's object.
func (j *JSON) Outcome(o Outcome) error { return j.enc.Encode(object(o)) }

// Config writes nothing: the outcomes hold it.
func (*JSON) Config(Paste) error { return nil }

// Close ends the report.
func (*JSON) Close() error { return nil }

// The objects of the contract. A pointer is null where nothing is known.
type jsonRun struct {
	Schema    string             `json:"schema"`
	VIP       netip.Addr         `json:"vip"`
	Verdict   string             `json:"verdict"`
	Severity  string             `json:"severity"`
	Cluster   jsonCluster        `json:"cluster"`
	Routers   []jsonRouter       `json:"routers"`
	Findings  []jsonFinding      `json:"findings"`
	Configs   []templates.Config `json:"configs"`
	Name      *string            `json:"name"`
	Interface *string            `json:"interface"`
	Vantage   string             `json:"vantage"` // "local": by the frames of a segment; "remote": by way of routers, from another subnet
	Passive   bool               `json:"passive"`
	Partial   bool               `json:"partial"`
	Sent      int                `json:"sent_frames"`
	Seconds   float64            `json:"elapsed_seconds"`
	Capture   *jsonCapture       `json:"capture"`
	NoConfig  *string            `json:"no_config"` // why there is nothing, or not all, to paste
}

// SchemaMSS names the object of a connection, which concerns no VIP.
const SchemaMSS = "nlbprobe-mss/1"

type jsonConnection struct {
	Schema    string         `json:"schema"`
	Client    netip.AddrPort `json:"client"`
	Server    netip.AddrPort `json:"server"`
	Severity  string         `json:"severity"`
	ClientMSS *int           `json:"client_mss"`
	ServerMSS *int           `json:"server_mss"`
	Findings  []jsonFinding  `json:"findings"`
	Name      *string        `json:"name"`
	Seconds   float64        `json:"elapsed_seconds"`
	Capture   *jsonCapture   `json:"capture"`
}

// Connection writes a connection's object.
func (j *JSON) Connection(c event.Connection) error {
	d := c.Diagnosis
	o := jsonConnection{
		Schema: SchemaMSS, Client: d.Client, Server: d.Server, Severity: d.Severity.String(),
		ClientMSS: some(d.ClientMSS), ServerMSS: some(d.ServerMSS), Findings: findings(d.Findings),
		Name: some(c.Name), Seconds: c.Elapsed.Seconds(), Capture: captured(c.Capture),
	}
	return j.enc.Encode(o)
}

// captured is nil where there is no capture.
func captured(c *event.Capture) *jsonCapture {
	if c == nil {
		return nil
	}
	return &jsonCapture{Files: list(c.Files), Frames: c.Frames, First: some(c.First), Last: some(c.Last), Open: c.Open, Faults: list(c.Faults), Carried: list(c.Carried)}
}

func findings(all []diagnose.Finding) []jsonFinding {
	out := []jsonFinding{}
	for _, f := range all {
		out = append(out, jsonFinding{
			ID: f.ID, Severity: f.Severity.String(), Certainty: f.Certainty.String(), Summary: f.Summary,
			Evidence: list(f.Evidence), Remedy: f.Remedy, Disproof: f.Disproof, References: list(f.References),
		})
	}
	return out
}

type jsonCapture struct {
	Files   []string        `json:"files"`
	Frames  int             `json:"frames"`
	First   *time.Time      `json:"first"`
	Last    *time.Time      `json:"last"`
	Open    bool            `json:"open"`
	Faults  []string        `json:"faults"`
	Carried []event.Carried `json:"carried"`
}

type jsonCluster struct {
	MAC         *mac.Addr   `json:"mac"`
	Mode        string      `json:"mode"`
	DerivedFrom *netip.Addr `json:"derived_from"`
	Group       *netip.Addr `json:"group"`
	Hosts       []jsonHost  `json:"hosts"`
	// Primaries are the primary VIPs that heartbeats name.
	Primaries []netip.Addr `json:"primary_vips"`
	// Queriers are who asks for IGMP groups on the segment.
	Queriers []jsonQuerier `json:"igmp_queriers"`
}

type jsonQuerier struct {
	IP       netip.Addr `json:"ip"` // 0.0.0.0 where it has none
	MAC      mac.Addr   `json:"mac"`
	Versions []int      `json:"versions"`
	Interval *float64   `json:"interval_seconds"` // null where it is not known
	Queries  int        `json:"queries"`
	Last     *time.Time `json:"last_heard"`
}

func queriers(all []diagnose.Querier) []jsonQuerier {
	out := []jsonQuerier{}
	for _, q := range all {
		j := jsonQuerier{IP: q.IP, MAC: q.MAC, Versions: []int{}, Interval: some(q.Interval.Seconds()), Queries: q.Queries}
		for _, v := range q.Versions {
			j.Versions = append(j.Versions, int(v))
		}
		if !q.Last.IsZero() {
			at := q.Last.UTC()
			j.Last = &at
		}
		out = append(out, j)
	}
	return out
}

type jsonHost struct {
	MAC       mac.Addr    `json:"mac"`
	Priority  *int        `json:"priority"`
	IP        *netip.Addr `json:"ip"`
	SenderMAC *mac.Addr   `json:"sender_mac"` // null for a host of which only heartbeats were heard
	Answers   int         `json:"answers"`

	// What its heartbeats say; null where none was heard.
	Name      *string        `json:"name"` // escaped: it is text from the wire
	LastHeard *time.Time     `json:"last_heard"`
	Stopped   *bool          `json:"stopped"`
	Heartbeat *jsonHeartbeat `json:"heartbeat"`

	// Joined is true where it reported the group of IGMP mode, else null: that
	// nothing was heard does not say that it did not.
	Joined *bool `json:"joined_group"`
}

// jsonHeartbeat is a host's newest membership heartbeat. What the meanings of
// state, default_host and the rules rest on is inferred from one capture.
type jsonHeartbeat struct {
	Count       int        `json:"count"`
	To          mac.Addr   `json:"to"`
	Version     string     `json:"version"`
	HostID      int        `json:"host_id"`
	DefaultHost int        `json:"default_host"`
	State       int        `json:"convergence_state"`
	RuleCount   int        `json:"rule_count"`
	Started     *time.Time `json:"started_inferred"`
	Rules       []jsonRule `json:"rules"`
	Inferred    []string   `json:"inferred"` // the fields whose meaning no document gives
}

type jsonRule struct {
	Code       string  `json:"code"`
	Ports      *string `json:"ports"`        // where the code means these only
	PortsIfLow *string `json:"ports_if_low"` // where all its ports are below 4096
	Weight     *uint32 `json:"weight"`       // null where the heartbeat was cut
}

// inferredFields are those of jsonHeartbeat.
var inferredFields = []string{"host_id", "default_host", "started_inferred", "rules.ports", "rules.ports_if_low"}

func heartbeat(h diagnose.Host) *jsonHeartbeat {
	b := h.Heartbeat
	if b == nil {
		return nil
	}
	out := &jsonHeartbeat{
		Count: h.Beats, To: b.EthDst, Version: fmt.Sprintf("%d.%d", b.Version>>8&0xff, b.Version&0xff),
		HostID: int(b.HostID), DefaultHost: int(b.DefaultHost), State: int(b.State), RuleCount: int(b.RuleCount),
		Rules: []jsonRule{}, Inferred: inferredFields,
	}
	if b.HostCode != 0 {
		started := time.Unix(int64(b.HostCode), 0).UTC()
		out.Started = &started
	}
	for i := range min(int(b.RuleCount), int(b.RulesKept), len(b.Rules)) {
		code := nlb.RuleCode(b.Rules[i])
		rule := jsonRule{Code: fmt.Sprintf("0x%08x", uint32(code))}
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

type jsonRouter struct {
	IP         netip.Addr `json:"ip"`
	MAC        *mac.Addr  `json:"mac"`
	ReachesVIP *bool      `json:"reaches_vip"`
	Why        string     `json:"why"`

	// Where several MACs claim the router's address: what is known of each, the
	// best proven first, and how many more there are.
	MACs     []jsonPlace `json:"macs,omitempty"`
	MoreMACs int         `json:"more_macs,omitempty"`
}

type jsonPlace struct {
	MAC        mac.Addr `json:"mac"`
	ReachesVIP *bool    `json:"reaches_vip"`
	Heard      int      `json:"heard"`
}

type jsonFinding struct {
	ID         string   `json:"id"`
	Severity   string   `json:"severity"`
	Certainty  string   `json:"certainty"`
	Summary    string   `json:"summary"`
	Evidence   []string `json:"evidence"`
	Remedy     string   `json:"remedy"`
	Disproof   string   `json:"disproof"`
	References []string `json:"references"`
}

// some returns a pointer to v, or nil for its type's zero value.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func object(o Outcome) jsonRun {
	d := o.Diagnosis
	run := jsonRun{
		Schema: Schema, VIP: d.VIP, Verdict: string(d.Verdict), Severity: d.Severity.String(),
		Cluster: jsonCluster{
			Mode: d.Cluster.Mode.String(), DerivedFrom: some(d.Cluster.DerivedFrom),
			Group: some(d.Cluster.Group), Hosts: []jsonHost{}, Primaries: list(d.Cluster.Primaries), Queriers: queriers(d.Cluster.Queriers),
		},
		Routers: []jsonRouter{}, Findings: findings(d.Findings), Configs: list(o.Configs),
		Name: some(o.Name), Interface: some(o.Interface), Vantage: vantage(d),
		NoConfig: some(o.NoConfig),
		Passive:  o.Passive, Partial: o.Partial, Sent: o.Sent, Seconds: o.Elapsed.Seconds(),
	}
	run.Capture = captured(o.Capture)
	if d.Cluster.HasMAC {
		run.Cluster.MAC = &d.Cluster.MAC
	}
	for _, h := range d.Cluster.Hosts {
		run.Cluster.Hosts = append(run.Cluster.Hosts, jsonHost{
			MAC: h.MAC, Priority: some(h.Priority), IP: some(h.IP), SenderMAC: some(h.SenderMAC), Answers: h.Answers,
			Name: some(Clean(h.Name)), LastHeard: lastHeard(h), Stopped: stopped(h), Heartbeat: heartbeat(h), Joined: some(h.Joined),
		})
	}
	for _, r := range d.Routers {
		router := jsonRouter{IP: r.IP, MAC: some(r.MAC), Why: r.Why, ReachesVIP: reaches(r.Reach), MoreMACs: r.More}
		for _, p := range r.Places {
			router.MACs = append(router.MACs, jsonPlace{p.MAC, reaches(p.Reach), p.Heard})
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

// lastHeard and stopped are null where no heartbeat was heard.
func lastHeard(h diagnose.Host) *time.Time {
	if h.LastBeat.IsZero() {
		return nil
	}
	at := h.LastBeat.UTC()
	return &at
}

func stopped(h diagnose.Host) *bool {
	if h.LastBeat.IsZero() {
		return nil
	}
	return &h.Stopped
}

// list returns s, or an empty list rather than null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
