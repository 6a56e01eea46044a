package lab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/mac"
)

// buildSwitch makes the bridges and a cable to every host. It runs on the
// switch's thread; the far ends come to life in the hosts' namespaces, so that
// no interface is ever seen outside.
func (l *Lab) buildSwitch(plans []hostPlan) error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	bridges := map[string]*netlink.Bridge{}
	for i, name := range []string{lanBridge, remoteBridge} {
		// Forwarding starts at once: a new bridge has no spanning tree.
		snooping := l.scenario.Switch.Snooping
		b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}, MulticastSnooping: &snooping}
		b.HardwareAddr = mac.Addr{0x00, 0x00, 0x5e, 0x00, 0x53, 0xfe + byte(i)}.HardwareAddr()
		if err := nl.LinkAdd(b); err != nil {
			return fmt.Errorf("adding bridge %s: %w", name, err)
		}
		if err := nl.LinkSetUp(b); err != nil {
			return fmt.Errorf("setting %s up: %w", name, err)
		}
		bridges[name] = b
	}
	ports := map[string]netlink.Link{}
	for _, p := range plans {
		for _, link := range p.links {
			port, err := addPort(nl, link, l.hosts[p.Name], bridges[link.bridge])
			if err != nil {
				return fmt.Errorf("adding port %s: %w", link.port, err)
			}
			ports[link.port] = port
		}
	}
	for _, e := range l.scenario.Switch.Learnt {
		err := nl.NeighSet(&netlink.Neigh{
			LinkIndex: ports[e.Host].Attrs().Index, Family: unix.AF_BRIDGE,
			State: netlink.NUD_NOARP, Flags: netlink.NTF_MASTER, HardwareAddr: e.MAC.HardwareAddr(),
		})
		if err != nil {
			return fmt.Errorf("pinning %s to port %s: %w", e.MAC, e.Host, err)
		}
	}
	if err := snoop(nl, &l.scenario.Switch, bridges[lanBridge], ports); err != nil {
		return err
	}
	if err := switchRules(&l.scenario.Switch).apply(); err != nil {
		return err
	}
	return snoopByMAC(l.scenario)
}

func addPort(nl *netlink.Handle, p linkPlan, to *host, b *netlink.Bridge) (netlink.Link, error) {
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: p.port, MasterIndex: b.Index})
	veth.PeerName = p.name
	veth.PeerHardwareAddr = p.mac.HardwareAddr()
	veth.PeerNamespace = netlink.NsFd(int(to.ns.Fd()))
	if err := nl.LinkAdd(veth); err != nil {
		return nil, err
	}
	return veth, nl.LinkSetUp(veth)
}

// configure gives a host its addresses, routes and rules. It runs on the
// host's thread.
func (p hostPlan) configure() error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	// Rules first: no frame may leave before they hold.
	if p.rules != nil {
		if err := p.rules().apply(); err != nil {
			return err
		}
	}
	if err := up(nl, "lo"); err != nil {
		return err
	}
	for _, link := range p.links {
		if err := p.configureLink(nl, link); err != nil {
			return fmt.Errorf("%s: %w", link.name, err)
		}
	}
	if p.Gateway.IsValid() {
		err := nl.RouteAdd(&netlink.Route{Gw: p.Gateway.AsSlice()})
		if err != nil {
			return fmt.Errorf("adding the default route: %w", err)
		}
	}
	return nil
}

func (p hostPlan) configureLink(nl *netlink.Handle, link linkPlan) error {
	dev, err := nl.LinkByName(link.name)
	if err != nil {
		return err
	}
	if err := sendWholeChecksums(link.name); err != nil {
		return fmt.Errorf("turning checksum offload off: %w", err)
	}
	index := dev.Attrs().Index
	if err := p.timing.set(index); err != nil {
		return fmt.Errorf("setting neighbour timers: %w", err)
	}
	for _, a := range link.addresses {
		if err := nl.AddrAdd(dev, &netlink.Addr{IPNet: ipNet(a)}); err != nil {
			return fmt.Errorf("adding %s: %w", a, err)
		}
	}
	if err := nl.LinkSetUp(dev); err != nil {
		return err
	}
	if link.bridge == lanBridge {
		for _, n := range p.static {
			err := nl.NeighSet(&netlink.Neigh{
				LinkIndex: index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT,
				IP: n.IP.AsSlice(), HardwareAddr: n.MAC.HardwareAddr(),
			})
			if err != nil {
				return fmt.Errorf("adding static ARP entry %s: %w", n.IP, err)
			}
		}
		return p.beMaster(nl, index)
	}
	for _, a := range p.away {
		err := nl.RouteAdd(&netlink.Route{LinkIndex: index, Scope: unix.RT_SCOPE_LINK, Dst: ipNet(netip.PrefixFrom(a, 32))})
		if err != nil {
			return fmt.Errorf("routing %s away: %w", a, err)
		}
	}
	return nil
}

// beMaster gives a router the interface of the virtual router that it is the
// master of, or may become: a MAC and an address beside its own. Where there is
// an election, FRR takes the interface down for as long as another one is.
func (p hostPlan) beMaster(nl *netlink.Handle, parent int) error {
	if p.virtual == nil {
		return nil
	}
	dev := &netlink.Macvlan{LinkAttrs: netlink.NewLinkAttrs(), Mode: netlink.MACVLAN_MODE_BRIDGE}
	dev.Name = virtualName(p.virtual)
	dev.ParentIndex = parent
	dev.HardwareAddr = p.virtual.MAC().HardwareAddr()
	if err := nl.LinkAdd(dev); err != nil {
		return fmt.Errorf("adding %s: %w", dev.Name, err)
	}
	if err := nl.AddrAdd(dev, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(p.virtual.Address, 32))}); err != nil {
		return fmt.Errorf("adding %s: %w", p.virtual.Address, err)
	}
	return nl.LinkSetUp(dev)
}

// virtualName is the name of a virtual router's interface.
func virtualName(v *VRRP) string { return fmt.Sprintf("vrrp%d", v.ID) }

func up(nl *netlink.Handle, name string) error {
	dev, err := nl.LinkByName(name)
	if err != nil {
		return err
	}
	return nl.LinkSetUp(dev)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
