package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/igmp"
)

// snoop sets how the switch follows IGMP. It asks nobody yet. Where a switch is
// a querier it has an address, or asks from 0.0.0.0.
func snoop(h *netlink.Handle, s *LANSwitch, bridge *netlink.Bridge, ports map[string]netlink.Link) error {
	t := s.Timers
	settings := []*nl.RtAttr{
		interval(nl.IFLA_BR_MCAST_QUERY_INTVL, t.Interval),
		interval(nl.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, t.Response),
		interval(nl.IFLA_BR_MCAST_STARTUP_QUERY_INTVL, t.Interval/4), // RFC 2236 8.6
		interval(nl.IFLA_BR_MCAST_MEMBERSHIP_INTVL, t.Membership()),
		interval(nl.IFLA_BR_MCAST_QUERIER_INTVL, t.OtherQuerier()),
	}
	if q := s.Querier; q != nil {
		settings = append(settings, nl.NewRtAttr(nl.IFLA_BR_MCAST_IGMP_VERSION, nl.Uint8Attr(uint8(q.Version))))
		if q.Address.IsValid() {
			settings = append(settings, nl.NewRtAttr(nl.IFLA_BR_MCAST_QUERY_USE_IFADDR, nl.Uint8Attr(1)))
			address := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(q.Address, 32))}
			if err := h.AddrAdd(bridge, address); err != nil {
				return fmt.Errorf("adding %s: %w", q.Address, err)
			}
		}
	}
	if err := setBridge(bridge.Index, settings...); err != nil {
		return fmt.Errorf("setting the switch's IGMP timers: %w", err)
	}
	for name, port := range ports {
		// Where rules look up by MAC, the bridge itself keeps nothing back.
		if !s.ByMAC && !slices.Contains(s.RouterPorts, name) {
			continue
		}
		if err := setRouterPort(port.Attrs().Index); err != nil {
			return fmt.Errorf("making %s a router port: %w", name, err)
		}
	}
	return nil
}

// snoopByMAC gives the calling thread's bridge a table of group MACs and the
// ports behind which they have members, that reports fill and time empties.
func snoopByMAC(s *Scenario) error {
	if !s.Switch.ByMAC {
		return nil
	}
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyBridge, Name: "snooping"})
	perPort, err := nftables.ConcatSetType(nftables.TypeEtherAddr, nftables.TypeIFName)
	if err != nil {
		return err
	}
	life := s.Switch.Timers.Membership()
	groups := &nftables.Set{Table: table, Name: "groups", KeyType: nftables.TypeEtherAddr, Dynamic: true, HasTimeout: true, Timeout: life}
	members := &nftables.Set{Table: table, Name: "members", KeyType: perPort, Concatenation: true, Dynamic: true, HasTimeout: true, Timeout: life}
	for _, set := range []*nftables.Set{groups, members} {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
	}
	learn := conn.AddChain(&nftables.Chain{
		Name: "learn", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityFilter,
	})
	forward := conn.AddChain(&nftables.Chain{
		Name: "restrict", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter,
	})
	// The MAC is in the first two registers, a port's name in those behind it.
	to := &expr.Payload{DestRegister: unix.NFT_REG32_00, Base: expr.PayloadBaseLLHeader, Offset: 0, Len: 6}
	port := func(key expr.MetaKey) expr.Any { return &expr.Meta{Key: key, Register: unix.NFT_REG32_02} }
	var notRouters []expr.Any
	for _, name := range routerPorts(s) {
		notRouters = append(notRouters, goesOut(expr.CmpOpNeq, name)...)
	}
	for _, kind := range []igmp.Type{igmp.ReportV1, igmp.ReportV2} {
		conn.AddRule(&nftables.Rule{Table: table, Chain: learn, Exprs: rule(igmpMessage(kind), []expr.Any{
			to,
			&expr.Dynset{SrcRegKey: unix.NFT_REG32_00, SetName: groups.Name, SetID: groups.ID, Operation: unix.NFT_DYNSET_OP_UPDATE, Timeout: life},
			port(expr.MetaKeyIIFNAME),
			&expr.Dynset{SrcRegKey: unix.NFT_REG32_00, SetName: members.Name, SetID: members.ID, Operation: unix.NFT_DYNSET_OP_UPDATE, Timeout: life},
		})})
		conn.AddRule(&nftables.Rule{Table: table, Chain: forward, Exprs: rule(igmpMessage(kind), notRouters, drop())})
	}
	conn.AddRule(&nftables.Rule{Table: table, Chain: forward, Exprs: rule(notRouters, []expr.Any{
		to,
		&expr.Lookup{SourceRegister: unix.NFT_REG32_00, SetName: groups.Name, SetID: groups.ID},
		port(expr.MetaKeyOIFNAME),
		&expr.Lookup{SourceRegister: unix.NFT_REG32_00, SetName: members.Name, SetID: members.ID, Invert: true},
	}, drop())})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("applying the rules of a switch that looks up by MAC: %w", err)
	}
	return nil
}

// routerPorts are the ports by which reports leave a switch that looks up by
// MAC: those that are set, and those of the routers that ask.
func routerPorts(s *Scenario) []string {
	names := slices.Clone(s.Switch.RouterPorts)
	for i := range s.Routers {
		if r := &s.Routers[i]; r.Querier != nil && !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// igmpMessage matches an IGMP message of a type.
func igmpMessage(kind igmp.Type) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 12, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 9, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_IGMP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{byte(kind)}},
	}
}

// ask makes the switch a querier, and returns when it acts by the answers: the
// first response time after the first query, a bridge floods as before, since it
// cannot know the members yet.
func (l *Lab) ask(ctx context.Context) error {
	err := l.hosts[Switch].onThread(func() error {
		dev, err := netlink.LinkByName(lanBridge)
		if err != nil {
			return err
		}
		return setBridge(dev.Attrs().Index, nl.NewRtAttr(nl.IFLA_BR_MCAST_QUERIER, nl.Uint8Attr(1)))
	})
	if err != nil {
		return err
	}
	return pause(ctx, l.scenario.Switch.Timers.Response)
}

// interval is a time as the bridge takes it: in ticks of 10 ms.
func interval(attribute int, d time.Duration) *nl.RtAttr {
	return nl.NewRtAttr(attribute, nl.Uint64Attr(uint64(d/(10*time.Millisecond))))
}

// setBridge changes settings of a bridge of the calling thread's network. The
// library sets but a few of them.
func setBridge(index int, settings ...*nl.RtAttr) error {
	data := nl.NewRtAttr(nl.IFLA_INFO_DATA, nil)
	for _, s := range settings {
		data.AddChild(s)
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	info.AddChild(data)
	return changeLink(unix.RTM_NEWLINK, unix.AF_UNSPEC, index, info)
}

// setRouterPort has a bridge treat a port as leading to a multicast router
// always, queries or not (MDB_RTR_TYPE_PERM of linux/if_bridge.h).
func setRouterPort(index int) error {
	const always = 2
	port := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	port.AddRtAttr(nl.IFLA_BRPORT_MULTICAST_ROUTER, nl.Uint8Attr(always))
	return changeLink(unix.RTM_SETLINK, unix.AF_BRIDGE, index, port)
}

func changeLink(kind int, family, index int, a *nl.RtAttr) error {
	req := nl.NewNetlinkRequest(kind, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(family)
	msg.Index = int32(index)
	req.AddData(msg)
	req.AddData(a)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
