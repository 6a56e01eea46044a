// Package object is the JSON objects that runs print, both ways: their types, and a
// decoder that takes nothing on trust. docs/json.md and docs/schema describe them.
//
// Fields are added under the same schema name, never renamed or given another type.
// A pointer is null if nothing is known; lists are empty rather than null.
package object

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

// The schema names.
const (
	SchemaVIP        = "nlbprobe/1"
	SchemaConnection = "nlbprobe-mss/1"
)

// Object is what a run prints on one line: a *VIP or a *Connection.
type Object interface {
	check() error
}

// VIP is what a run learnt about one VIP.
type VIP struct {
	Schema   string             `json:"schema"`
	VIP      netip.Addr         `json:"vip"`
	Verdict  string             `json:"verdict"`
	Severity string             `json:"severity"`
	Cluster  Cluster            `json:"cluster"`
	Routers  []Router           `json:"routers"`
	Findings []Finding          `json:"findings"`
	Configs  []templates.Config `json:"configs"`

	// Check is the command that tells whether the lines of Configs worked, Undo the
	// one that prints the lines which take them back, each word unquoted; null if
	// there are no lines. DefaultPlatform tells that nobody named a platform: another
	// one may be wanted.
	Check           []string `json:"check_command"`
	Undo            []string `json:"undo_command"`
	DefaultPlatform bool     `json:"default_platform"`

	Name      *string    `json:"name"`
	Interface *string    `json:"interface"`
	Vantage   string     `json:"vantage"` // "local": by the frames of a segment; "remote": by way of routers, from another subnet
	Passive   bool       `json:"passive"`
	Partial   bool       `json:"partial"`
	Started   *time.Time `json:"started"` // of a capture its first frame; UTC
	Sent      int        `json:"sent_frames"`
	Seconds   float64    `json:"elapsed_seconds"`
	Answers   []Answer   `json:"answers"`
	Returned  []Returned `json:"returned"`
	Capture   *Capture   `json:"capture"`
	NoConfig  *string    `json:"no_config"` // why there is nothing, or not all, to paste
}

// Connection is what was learnt about the segment sizes of one TCP connection. It
// concerns no VIP.
type Connection struct {
	Schema    string         `json:"schema"`
	Client    netip.AddrPort `json:"client"`
	Server    netip.AddrPort `json:"server"`
	Severity  string         `json:"severity"`
	ClientMSS *int           `json:"client_mss"` // bytes
	ServerMSS *int           `json:"server_mss"`
	Findings  []Finding      `json:"findings"`
	Name      *string        `json:"name"`
	Started   *time.Time     `json:"started"`
	Seconds   float64        `json:"elapsed_seconds"`
	Capture   *Capture       `json:"capture"`
}

// Answer is one of the different answers to the question who has the VIP, in the
// order in which they were heard.
type Answer struct {
	MAC       mac.Addr `json:"mac"`        // the Ethernet source
	SenderMAC mac.Addr `json:"sender_mac"` // the VIP's, as the answer says
	VLAN      *int     `json:"vlan"`       // null if the frame had no tag
	After     float64  `json:"after_seconds"`
}

// Returned is one of the different things that came back of packets from another
// subnet than the VIP's.
type Returned struct {
	Word   string      `json:"word"`   // replied, accepted, refused, icmp, no-route, forbidden, unsent
	Target netip.Addr  `json:"target"` // of the packet: the VIP, or a control
	By     string      `json:"by"`     // echo, udp, tcp
	Port   *int        `json:"port"`   // of udp and tcp
	Hops   *int        `json:"hops"`   // how many the packet was let go; null is as many as the system allows
	From   *netip.Addr `json:"from"`   // of icmp: who said it, null if that is not known
	Type   *int        `json:"icmp_type"`
	Code   *int        `json:"icmp_code"`
	After  float64     `json:"after_seconds"` // since the packet
	Again  bool        `json:"again"`         // not the first for this packet
	Own    bool        `json:"own"`           // this host itself says it, and not a router
}

// Capture is the captures that were read as one.
type Capture struct {
	Files   []string   `json:"files"`
	Frames  int        `json:"frames"`
	First   *time.Time `json:"first"`
	Last    *time.Time `json:"last"`
	Open    bool       `json:"open"`   // it is still being written: more may come
	Faults  []string   `json:"faults"` // why not all of them could be read
	Carried []Carried  `json:"carried"`
}

// Carried is how many frames carried others in one way, as tunnels do.
type Carried struct {
	By     string `json:"by"` // VXLAN, GRE and the like
	Frames int    `json:"frames"`
}

// Cluster is who stands behind the VIP.
type Cluster struct {
	MAC         *mac.Addr   `json:"mac"`
	Mode        string      `json:"mode"`
	DerivedFrom *netip.Addr `json:"derived_from"` // the primary VIP that a derived MAC reveals
	Group       *netip.Addr `json:"group"`        // the IPv4 group of IGMP mode
	Hosts       []Host      `json:"hosts"`

	Primaries []netip.Addr `json:"primary_vips"`  // that heartbeats name
	Queriers  []Querier    `json:"igmp_queriers"` // who asks for IGMP groups on the segment
}

// Querier is who asks for IGMP groups.
type Querier struct {
	IP       netip.Addr `json:"ip"` // 0.0.0.0 if it has none
	MAC      mac.Addr   `json:"mac"`
	Versions []int      `json:"versions"`
	Interval *float64   `json:"interval_seconds"` // null if it is not known
	Queries  int        `json:"queries"`
	Last     *time.Time `json:"last_heard"`
}

// Host is one host of the cluster, or whoever else speaks for the VIP.
type Host struct {
	MAC       mac.Addr    `json:"mac"`
	Priority  *int        `json:"priority"`
	IP        *netip.Addr `json:"ip"`
	SenderMAC *mac.Addr   `json:"sender_mac"` // null for a host of which only heartbeats were heard
	Answers   int         `json:"answers"`

	// What its heartbeats say; null if none was heard.
	Name      *string    `json:"name"` // escaped: it is text from the wire
	LastHeard *time.Time `json:"last_heard"`
	Quiet     *float64   `json:"quiet_seconds"` // from then until the end of the observation
	Stopped   *bool      `json:"stopped"`
	Beats     int        `json:"heartbeats"`
	Heartbeat *Heartbeat `json:"heartbeat"`

	// Joined is true if it reported the group of IGMP mode, else null: that nothing
	// was heard does not say that it did not.
	Joined *bool `json:"joined_group"`
}

// Heartbeat is a host's newest membership heartbeat. What the meanings of state,
// default_host and the rules rest on is inferred from one capture.
type Heartbeat struct {
	Count       int        `json:"count"`
	To          mac.Addr   `json:"to"`
	Version     string     `json:"version"`
	HostID      int        `json:"host_id"`
	DefaultHost int        `json:"default_host"`
	State       int        `json:"convergence_state"`
	RuleCount   int        `json:"rule_count"`
	Started     *time.Time `json:"started_inferred"`
	Rules       []Rule     `json:"rules"`
	Inferred    []string   `json:"inferred"` // the fields whose meaning no document gives
}

// Rule is a port rule.
type Rule struct {
	Code       string  `json:"code"`         // 0x and eight hex digits
	Ports      *string `json:"ports"`        // if the code means these only
	PortsIfLow *string `json:"ports_if_low"` // if all its ports are below 4096
	Weight     *uint32 `json:"weight"`       // null if the heartbeat was cut
}

// Router is a router of the VIP's segment, as far as known.
type Router struct {
	IP         netip.Addr `json:"ip"`
	MAC        *mac.Addr  `json:"mac"`
	ReachesVIP *bool      `json:"reaches_vip"` // null if it could not be told
	Why        string     `json:"why"`         // how it is known to be a router

	// If several MACs claim the router's address: what is known of each, the best
	// proven first, and how many more there are.
	MACs     []RouterMAC `json:"macs,omitempty"`
	MoreMACs int         `json:"more_macs,omitempty"`
}

// RouterMAC is one of several MACs that claim a router's address.
type RouterMAC struct {
	MAC        mac.Addr `json:"mac"`
	ReachesVIP *bool    `json:"reaches_vip"`
	Heard      int      `json:"heard"` // how often it was named
}

// Finding is a statement about a VIP or a connection.
type Finding struct {
	ID         string   `json:"id"`
	Severity   string   `json:"severity"`
	Certainty  string   `json:"certainty"`
	Summary    string   `json:"summary"`
	Evidence   []string `json:"evidence"`
	Remedy     string   `json:"remedy"`
	Disproof   string   `json:"disproof"`
	References []string `json:"references"`

	// What the evidence is about: when it was first and last seen, null if that is not
	// known; how often something was sent or heard; whom it concerns beside this host,
	// the VIP and the ends of the connection; and how many more those are than are named.
	First     *time.Time   `json:"first_seen"`
	Last      *time.Time   `json:"last_seen"`
	Sightings int          `json:"sightings"`
	Addrs     []netip.Addr `json:"addresses"`
	MACs      []mac.Addr   `json:"macs"`
	More      int          `json:"more_concerned"`
}
