package lab

import (
	"errors"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// ErrUnsupported is wrapped by the error of [Start] and [Available] where
// network namespaces are not to be had: another system, or no permission.
var ErrUnsupported = errors.New("no network namespaces here")

// ErrMissing is wrapped by the error of [Start] where a scenario needs a program
// of another project that this machine lacks.
var ErrMissing = errors.New("a program is missing")

// A Host is one machine of a running lab.
type Host struct {
	Name      string
	Interface string       // "" for the switch
	Prefix    netip.Prefix // address and length on that interface
	MAC       mac.Addr     // of that interface
	Gateway   netip.Addr   // not valid for routers and the switch
}

// Addr returns the host's address on its LAN or remote interface, not a VIP.
func (h Host) Addr() netip.Addr { return h.Prefix.Addr() }

// Hosts returns the hosts that the scenario's lab has: prober, nodes, routers,
// client, switch.
func (s *Scenario) Hosts() []Host {
	hosts := []Host{s.prober()}
	for i := range s.Nodes {
		hosts = append(hosts, s.node(&s.Nodes[i]))
	}
	for i := range s.Routers {
		hosts = append(hosts, s.router(&s.Routers[i]))
	}
	return append(hosts, s.client(), theSwitch())
}

// remoteMAC sets the adapters of the remote subnet apart from those of the LAN.
const remoteMAC = 0x80

// The bridges of the switch: the LAN, and the remote subnet's own switch.
const (
	lanBridge    = "br0"
	remoteBridge = "br1"
)

func (s *Scenario) prober() Host {
	return station(Prober, s.Prober, s.LAN, documentationMAC(s.Prober, 0), s.Gateway)
}

func (s *Scenario) client() Host {
	return station(Client, s.Client, s.Remote, documentationMAC(s.Client, remoteMAC), s.Via)
}

func (s *Scenario) node(n *Node) Host {
	return station(n.Name, n.Address, s.LAN, n.MAC, s.Gateway)
}

func (s *Scenario) router(r *Router) Host {
	return station(r.Name, r.Address, s.LAN, r.MAC, netip.Addr{})
}

func theSwitch() Host { return Host{Name: Switch, Interface: lanBridge} }

func station(name string, a netip.Addr, subnet netip.Prefix, m mac.Addr, gateway netip.Addr) Host {
	return Host{Name: name, Interface: "eth0", Prefix: netip.PrefixFrom(a, subnet.Bits()), MAC: m, Gateway: gateway}
}
