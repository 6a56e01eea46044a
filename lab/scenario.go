// Package lab builds small practice networks out of network namespaces: an NLB
// cluster on a LAN switch, a router that does or does not obey RFC 1812 3.3.2,
// and a client behind it. Real Linux kernels resolve, bridge, snoop and route,
// where a scenario says so routers of the FRR project ask by IGMP and elect
// masters; only the cluster nodes are made to answer ARP, to report by IGMPv1 and
// to send heartbeats as Microsoft NLB does by its public descriptions.
//
// A [Scenario] says what to build and works on every system; [Start] builds it
// and needs Linux. Nothing is named, mounted or configured outside the
// namespaces, so the kernel frees all of it when the process ends, however it
// ends.
package lab

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Names of the hosts that every scenario has beside its nodes and routers.
const (
	Prober = "prober" // on the LAN, no part of the cluster
	Client = "client" // in the remote subnet, behind the routers
	Switch = "switch" // the LAN switch: its bridge is br0, a port is called like its host
)

// A Scenario is one practice network, as its file describes it. All addresses
// are IPv4.
type Scenario struct {
	Name        string
	Description string // one line
	Admin       string // what an administrator of this network would see

	VIP      netip.Addr   // the address to ask for
	LAN      netip.Prefix // the cluster's subnet
	Remote   netip.Prefix // the subnet of Client
	Prober   netip.Addr
	Client   netip.Addr
	Gateway  netip.Addr // default gateway of the hosts on the LAN
	Via      netip.Addr // default gateway of Client
	Affinity Affinity
	// XTCluster builds the nodes as Linux's own cluster does, by the xt_cluster
	// match and a rule that rewrites ARP: they share by source address, also
	// ICMP, so that one node answers an echo request and not all.
	XTCluster bool

	Switch  LANSwitch
	Nodes   []Node
	Routers []Router
	Flows   []Flow
}

// Affinity says which part of a TCP or UDP packet chooses the node that serves
// it.
type Affinity uint8

// The affinities of an NLB port rule that the lab knows.
const (
	AffinitySingle Affinity = iota // source address
	AffinityNone                   // source address and source port
)

// String returns the name that scenario files use.
func (a Affinity) String() string {
	switch a {
	case AffinitySingle:
		return "single"
	case AffinityNone:
		return "none"
	}
	return fmt.Sprintf("Affinity(%d)", uint8(a))
}

// LANSwitch is the bridge between the hosts of the LAN. It is Linux's: with
// Snooping and no querier heard it floods all group addresses. Once somebody
// asks, it looks IPv4 packets up by their IP address, so a packet for a VIP in a
// group MAC leaves by RouterPorts only, whatever group its MAC stands for.
// Frames that are not IP are flooded always.
type LANSwitch struct {
	Snooping bool
	// ByMAC makes it a switch that looks group addresses up by MAC, as much
	// hardware does and as NLB's IGMP mode wants it: a report of version 1 or 2
	// opens the port it came by for its group's MAC, whatever is in a frame, for
	// as long as a membership counts, and reports leave by router ports only. A
	// MAC that nobody reported is flooded. The table is the kernel's too, but its
	// rules (nftables) are the lab's.
	ByMAC   bool
	Timers  QueryTimers // of its querier, and of what it has snooped
	Querier *Querier    // its own; nil: none
	// RouterPorts are the hosts whose ports are set as leading to a multicast
	// router. They get all reports and all multicast.
	RouterPorts []string
	// Members lists, per destination MAC, the hosts whose ports its frames may
	// leave by: a static multi-port MAC table entry. Other MACs are not
	// concerned.
	Members []Members
	// Learnt pins a unicast MAC to one host's port, as a switch does that has
	// learnt it there.
	Learnt []Port
}

// QueryTimers are those from which the others of IGMP follow (RFC 2236 8.2,
// 8.3): a membership counts for twice the interval and a response.
type QueryTimers struct {
	Interval time.Duration // 125 s where a scenario does not say otherwise
	Response time.Duration // 10 s; hosts report within it
}

// Membership is how long a report counts (RFC 2236 8.4).
func (t QueryTimers) Membership() time.Duration { return 2*t.Interval + t.Response }

// OtherQuerier is how long a querier counts as present (RFC 2236 8.5).
func (t QueryTimers) OtherQuerier() time.Duration { return 2*t.Interval + t.Response/2 }

// Querier asks the LAN which groups have members.
type Querier struct {
	Version int        // of IGMP: 2 or 3
	Address netip.Addr // source of the queries; not valid: 0.0.0.0
}

// Members is one static entry of the switch's MAC table.
type Members struct {
	MAC   mac.Addr
	Hosts []string
}

// Port names the port of one host.
type Port struct {
	MAC  mac.Addr
	Host string
}

// A Node is a host of the LAN, in a cluster or not.
type Node struct {
	Name    string
	Address netip.Addr // its dedicated address
	MAC     mac.Addr   // the adapter's, the Ethernet source of all it sends
	VIPs    []netip.Addr

	// Answers is the sender hardware address in the node's ARP packets about
	// its VIPs; zero means MAC. Nodes with the same Answers share the
	// connections to a VIP among them, and each takes frames sent to that
	// address.
	Answers mac.Addr
	// MasksAll puts Answers into every ARP packet, also those about Address:
	// in unicast mode the cluster MAC is the adapter's own, and only the
	// Ethernet source is masked.
	MasksAll bool
	// AsksAsVIP makes the node's ARP requests for its gateway carry the first
	// VIP and Answers as sender (KB960916), and gives it a steady reason to ask.
	AsksAsVIP bool

	// Join is a group to report by IGMPv1 (RFC 1112 appendix I) every JoinEvery,
	// without being asked; not valid: none. NLB reports from the cluster's primary
	// VIP (Microsoft ISA Server blog, 2009-06-22) and, on Windows 2003, every 60 s
	// (KB 838408); that it does without the router alert option is a guess.
	Join      netip.Addr
	JoinEvery time.Duration
	// AnswersQueries makes the kernel a member too, in IGMPv1, which answers
	// queries. NLB of Windows 2003 does not (KB 838408); of later ones it is not known.
	AnswersQueries bool

	Heartbeat *Heartbeat // nil: none
	// DiesAfter is when the node's cable is pulled, counted from the start of
	// the lab; 0: never.
	DiesAfter time.Duration
}

// Heartbeat is what a node tells the others of its cluster, in frames of
// ethertype 0x886f whose layout is put together from public decoders and one
// capture: see package nlb. They go where NLB sends them: to a group MAC that the
// node answers with, else to everybody.
type Heartbeat struct {
	Priority    int        // 1 to 32
	Cluster     netip.Addr // the primary VIP
	DefaultHost int        // the priority of the host that it takes for the default host
	Rules       []PortRule
	Every       time.Duration
	After       time.Duration // the start of the lab: when it is sent first

	Name          string // the host's full name, in identity heartbeats; "": none
	IdentityEvery time.Duration
}

// PortRule is a range of ports that a cluster shares.
type PortRule struct{ First, Last uint16 }

// A Router stands between LAN and Remote.
type Router struct {
	Name    string
	Address netip.Addr // on the LAN, interface eth0
	Remote  netip.Addr // in the remote subnet, interface eth1
	MAC     mac.Addr   // of eth0

	// AcceptsGroupARP makes the router learn a group MAC from ARP. False is
	// what RFC 1812 3.3.2 asks for.
	AcceptsGroupARP bool
	// DropsMaskedARP makes the router drop ARP of a node whose frame comes from
	// another MAC than it names, as FD.io VPP did before change 36808.
	DropsMaskedARP bool
	Static         []Neighbour  // static ARP entries
	ProxyARP       []netip.Addr // LAN addresses it routes elsewhere and answers for
	NoHairpin      bool         // drops what would leave by the interface it came in
	NoRedirects    bool         // sends no ICMP redirects
	DropsICMP      bool         // neither takes, forwards nor sends ICMP
	VRRP           *VRRP        // a virtual router that it takes part in; nil: none
	Querier        *Querier     // FRR's pimd asks the LAN; nil: not
	Timers         QueryTimers  // of Querier: the interval in whole seconds, the response 1 s at least
}

// VRRP is one router's part in a virtual router on the LAN. Without Elected the
// router of the highest priority is its master for as long as the lab runs: it
// has the address with the MAC 00:00:5e:00:01:ID, and advertises itself once a
// second (RFC 3768). There is no election.
type VRRP struct {
	// Elected has FRR's vrrpd run the virtual router, by version 3 (RFC 9568):
	// its routers elect the master, and another one takes over when it is gone.
	Elected  bool
	ID       byte // 1 to 255
	Address  netip.Addr
	Priority byte // 1 to 254
}

// MAC returns the virtual router's address (RFC 3768 7.3).
func (v *VRRP) MAC() mac.Addr { return mac.Addr{0x00, 0x00, 0x5e, 0x00, 0x01, v.ID} }

// Master reports whether a router is the master of its virtual router, where
// there is an election: whether it wins the first one.
func (s *Scenario) Master(r *Router) bool {
	if r.VRRP == nil {
		return false
	}
	for i := range s.Routers {
		if v := s.Routers[i].VRRP; v != nil && v.ID == r.VRRP.ID && v.Priority > r.VRRP.Priority {
			return false
		}
	}
	return true
}

// Neighbour is one static ARP entry.
type Neighbour struct {
	IP  netip.Addr
	MAC mac.Addr
}

// Flow is UDP traffic that runs as long as the lab does.
type Flow struct {
	From      string // a host
	To        netip.Addr
	Port      uint16
	PerSecond int
	Bytes     int // UDP payload
}
