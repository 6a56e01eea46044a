package object

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// The words of the fields that have a closed set of them, beside those that other
// packages have.
var (
	Vantages = []string{"local", "remote"}
	Ways     = []string{"echo", "udp", "tcp"}                                                        // by evidence.Way
	Words    = []string{"replied", "accepted", "refused", "icmp", "no-route", "forbidden", "unsent"} // by evidence.Word
)

// maxSeconds bounds times, as a duration of 64 bits in nanoseconds does. They can be
// negative: the clock of a capture may have gone backwards.
const maxSeconds = 1 << 63 / 1e9

// faults gathers what is wrong; the first counts.
type faults struct{ first error }

func (f *faults) add(format string, args ...any) {
	if f.first == nil {
		f.first = fmt.Errorf(format, args...)
	}
}

func (f *faults) oneOf(field, value string, known bool) {
	if !known {
		f.add("%s: nothing is called %q", field, clip(value))
	}
}

// count is a number of things, or any other that is at most most.
func (f *faults) count(field string, n, most int) {
	if n < 0 || n > most {
		f.add("%s: %d is not between 0 and %d", field, n, most)
	}
}

func (f *faults) maybe(field string, n *int, most int) {
	if n != nil {
		f.count(field, *n, most)
	}
}

func (f *faults) seconds(field string, s float64) {
	if !(s >= -maxSeconds && s <= maxSeconds) {
		f.add("%s: %v is no time in seconds", field, s)
	}
}

// address refuses what is none, and one whose zone is more than a plain word: it is
// printed with the address.
func (f *faults) address(field string, ip netip.Addr) {
	const maxZone = 32
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if zone := ip.Zone(); !ip.IsValid() || len(zone) > maxZone || strings.ContainsFunc(zone, odd) {
		f.add("%s: an address is missing, or has a zone that is no interface's name", field)
	}
}

func (f *faults) maybeAddress(field string, ip *netip.Addr) {
	if ip != nil {
		f.address(field, *ip)
	}
}

// The largest numbers that the fields can have. A run counts in an int of 32 bits on
// some systems.
const (
	maxCount = 1<<31 - 1
	max16    = 1<<16 - 1
	max8     = 1<<8 - 1
	maxVLAN  = 4095
)

func (v *VIP) check() error {
	var f faults
	f.address("vip", v.VIP)
	f.oneOf("verdict", v.Verdict, slices.Contains(diagnose.Verdicts(), diagnose.Verdict(v.Verdict)))
	f.severity(v.Severity)
	f.oneOf("vantage", v.Vantage, slices.Contains(Vantages, v.Vantage))
	f.count("sent_frames", v.Sent, maxCount)
	f.seconds("elapsed_seconds", v.Seconds)
	f.cluster(&v.Cluster)
	for i := range v.Routers {
		r := &v.Routers[i]
		f.address("routers.ip", r.IP)
		f.count("routers.more_macs", r.MoreMACs, maxCount)
		for _, m := range r.MACs {
			f.count("routers.macs.heard", m.Heard, maxCount)
		}
	}
	f.findings(v.Findings)
	for i := range v.Answers {
		f.maybe("answers.vlan", v.Answers[i].VLAN, maxVLAN)
		f.seconds("answers.after_seconds", v.Answers[i].After)
	}
	for i := range v.Returned {
		f.returned(&v.Returned[i])
	}
	f.capture(v.Capture)
	return f.first
}

func (c *Connection) check() error {
	var f faults
	for _, end := range [...]struct {
		field string
		at    netip.AddrPort
	}{{"client", c.Client}, {"server", c.Server}} {
		f.address(end.field, end.at.Addr())
	}
	f.severity(c.Severity)
	f.maybe("client_mss", c.ClientMSS, max16)
	f.maybe("server_mss", c.ServerMSS, max16)
	f.seconds("elapsed_seconds", c.Seconds)
	f.findings(c.Findings)
	f.capture(c.Capture)
	return f.first
}

func (f *faults) severity(s string) {
	_, known := finding.ParseSeverity(s)
	f.oneOf("severity", s, known)
}

// What an id of a finding is made of.
const (
	idLetters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	maxID     = 64
)

func (f *faults) findings(all []Finding) {
	for i := range all {
		x := &all[i]
		_, known := nlb.ParseCertainty(x.Certainty)
		f.oneOf("findings.certainty", x.Certainty, known)
		f.severity(x.Severity)
		f.oneOf("findings.id", x.ID, x.ID != "" && len(x.ID) <= maxID && strings.Trim(x.ID, idLetters) == "")
		f.count("findings.sightings", x.Sightings, maxCount)
		f.count("findings.more_concerned", x.More, maxCount)
		for _, ip := range x.Addrs {
			f.address("findings.addresses", ip)
		}
	}
}

func (f *faults) cluster(c *Cluster) {
	_, known := diagnose.ParseMode(c.Mode)
	f.oneOf("cluster.mode", c.Mode, known)
	f.maybeAddress("cluster.derived_from", c.DerivedFrom)
	f.maybeAddress("cluster.group", c.Group)
	for _, ip := range c.Primaries {
		f.address("cluster.primary_vips", ip)
	}
	for i := range c.Queriers {
		q := &c.Queriers[i]
		f.address("cluster.igmp_queriers.ip", q.IP)
		f.count("cluster.igmp_queriers.queries", q.Queries, maxCount)
		if q.Interval != nil {
			f.seconds("cluster.igmp_queriers.interval_seconds", *q.Interval)
		}
		for _, v := range q.Versions {
			f.count("cluster.igmp_queriers.versions", v, max8)
		}
	}
	for i := range c.Hosts {
		f.host(&c.Hosts[i])
	}
}

func (f *faults) host(h *Host) {
	f.maybe("cluster.hosts.priority", h.Priority, maxCount)
	f.maybeAddress("cluster.hosts.ip", h.IP)
	f.count("cluster.hosts.answers", h.Answers, maxCount)
	f.count("cluster.hosts.heartbeats", h.Beats, maxCount)
	if h.Quiet != nil {
		f.seconds("cluster.hosts.quiet_seconds", *h.Quiet)
	}
	b := h.Heartbeat
	if b == nil {
		return
	}
	const field = "cluster.hosts.heartbeat."
	f.count(field+"count", b.Count, maxCount)
	f.count(field+"host_id", b.HostID, max16)
	f.count(field+"default_host", b.DefaultHost, max16)
	f.count(field+"convergence_state", b.State, max16)
	f.count(field+"rule_count", b.RuleCount, max16)
	f.count(field+"rules", len(b.Rules), evidence.Slots)
	if b.Started != nil && b.Started.Unix() != int64(uint32(b.Started.Unix())) {
		f.add("%sstarted_inferred: %v is no time of 32 bits", field, b.Started.Format(time.RFC3339))
	}
	if _, err := parseVersion(b.Version); err != nil {
		f.add("%sversion: %w", field, err)
	}
	for i := range b.Rules {
		if _, err := b.Rules[i].Number(); err != nil {
			f.add("%srules.code: %w", field, err)
		}
	}
}

// Number is a rule's code as a number.
func (r *Rule) Number() (uint32, error) {
	digits, ok := strings.CutPrefix(r.Code, "0x")
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || err != nil || len(digits) != 8 {
		return 0, fmt.Errorf("%q is not 0x and eight digits", clip(r.Code))
	}
	return uint32(n), nil
}

// parseVersion reads a heartbeat's version, as 2.6.
func parseVersion(s string) (uint32, error) {
	major, minor, _ := strings.Cut(s, ".")
	a, err1 := strconv.ParseUint(major, 10, 8)
	b, err2 := strconv.ParseUint(minor, 10, 8)
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("%q is no version, as 2.6", clip(s))
	}
	return uint32(a<<8 | b), nil
}

// Number is a heartbeat's version as a number: 0x0206 is 2.6; 0 if it is none.
func (b *Heartbeat) Number() uint32 {
	n, err := parseVersion(b.Version)
	if err != nil {
		return 0
	}
	return n
}

func (f *faults) returned(r *Returned) {
	f.oneOf("returned.word", r.Word, slices.Contains(Words, r.Word))
	f.oneOf("returned.by", r.By, slices.Contains(Ways, r.By))
	f.address("returned.target", r.Target)
	f.maybeAddress("returned.from", r.From)
	f.maybe("returned.port", r.Port, max16)
	f.maybe("returned.hops", r.Hops, max8)
	f.maybe("returned.icmp_type", r.Type, max8)
	f.maybe("returned.icmp_code", r.Code, max8)
	f.seconds("returned.after_seconds", r.After)
}

func (f *faults) capture(c *Capture) {
	if c == nil {
		return
	}
	f.count("capture.frames", c.Frames, maxCount)
	for _, k := range c.Carried {
		f.count("capture.carried.frames", k.Frames, maxCount)
	}
}
