package evidence

import (
	"cmp"
	"slices"
	"time"
)

// Compare orders items by their first instant and, if that is equal, by content.
func Compare(a, b Item) int {
	if c := a.First.Compare(b.First); c != 0 {
		return c
	}
	if c := compareFacts(a.Fact, b.Fact); c != 0 {
		return c
	}
	return cmp.Or(a.Last.Compare(b.Last), cmp.Compare(a.Count, b.Count), cmp.Compare(a.Bytes, b.Bytes), slices.CompareFunc(a.Times, b.Times, time.Time.Compare))
}

func compareFacts(a, b Fact) int {
	if a == nil || b == nil {
		return boolCompare(a != nil, b != nil)
	}
	if c := cmp.Compare(a.Kind(), b.Kind()); c != 0 {
		return c
	}
	switch x := a.(type) {
	case ARP:
		y, _ := b.(ARP)
		return cmp.Or(
			x.EthSrc.Compare(y.EthSrc), x.SenderMAC.Compare(y.SenderMAC), x.SenderIP.Compare(y.SenderIP), x.TargetIP.Compare(y.TargetIP),
			cmp.Compare(x.Op, y.Op), x.EthDst.Compare(y.EthDst), x.TargetMAC.Compare(y.TargetMAC), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case BadARP:
		y, _ := b.(BadARP)
		return cmp.Or(x.EthSrc.Compare(y.EthSrc), cmp.Compare(x.Reason, y.Reason))
	case Echo:
		y, _ := b.(Echo)
		return cmp.Or(
			x.EthSrc.Compare(y.EthSrc), x.EthDst.Compare(y.EthDst), x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.ID, y.ID),
			cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.Token, y.Token), cmp.Compare(x.TTL, y.TTL), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Reply, y.Reply), boolCompare(x.Out, y.Out))
	case ICMPError:
		y, _ := b.(ICMPError)
		return cmp.Or(
			cmp.Compare(x.Type, y.Type), cmp.Compare(x.Code, y.Code), x.EthSrc.Compare(y.EthSrc), x.From.Compare(y.From), x.To.Compare(y.To),
			x.Gateway.Compare(y.Gateway), x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.Protocol, y.Protocol),
			cmp.Compare(x.ID, y.ID), cmp.Compare(x.Port, y.Port), cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.Token, y.Token), boolCompare(x.Payload, y.Payload), cmp.Compare(x.VLAN, y.VLAN))
	case TCP:
		y, _ := b.(TCP)
		return cmp.Or(
			x.EthSrc.Compare(y.EthSrc), x.EthDst.Compare(y.EthDst), x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.TTL, y.TTL),
			boolCompare(x.SYN, y.SYN), boolCompare(x.ACK, y.ACK), boolCompare(x.RST, y.RST), cmp.Compare(x.MSS, y.MSS), cmp.Compare(x.Number, y.Number),
			cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case Traffic:
		y, _ := b.(Traffic)
		return cmp.Or(
			x.EthSrc.Compare(y.EthSrc), x.EthDst.Compare(y.EthDst), x.Src.Compare(y.Src), x.Dst.Compare(y.Dst),
			cmp.Compare(x.EtherType, y.EtherType), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case Hello:
		y, _ := b.(Hello)
		return cmp.Or(
			cmp.Compare(x.Protocol, y.Protocol), cmp.Compare(x.Group, y.Group), x.From.Compare(y.From), x.EthSrc.Compare(y.EthSrc),
			x.Virtual.Compare(y.Virtual), cmp.Compare(x.Priority, y.Priority), boolCompare(x.Active, y.Active), cmp.Compare(x.VLAN, y.VLAN))
	case IGMP:
		y, _ := b.(IGMP)
		return cmp.Or(
			cmp.Compare(x.Act, y.Act), cmp.Compare(x.Version, y.Version), x.EthSrc.Compare(y.EthSrc), x.EthDst.Compare(y.EthDst),
			x.From.Compare(y.From), x.To.Compare(y.To), x.Group.Compare(y.Group), cmp.Compare(x.MaxResponse, y.MaxResponse),
			cmp.Compare(x.Interval, y.Interval), boolCompare(x.RouterAlert, y.RouterAlert), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case Heartbeat:
		y, _ := b.(Heartbeat)
		return cmp.Or(
			x.EthSrc.Compare(y.EthSrc), x.EthDst.Compare(y.EthDst), cmp.Compare(x.EtherType, y.EtherType), cmp.Compare(x.Signature, y.Signature),
			cmp.Compare(x.Version, y.Version), cmp.Compare(x.Priority, y.Priority), x.Cluster.Compare(y.Cluster), x.Dedicated.Compare(y.Dedicated),
			boolCompare(x.Status, y.Status), cmp.Compare(x.HostID, y.HostID), cmp.Compare(x.DefaultHost, y.DefaultHost), cmp.Compare(x.State, y.State),
			cmp.Compare(x.RuleCount, y.RuleCount), cmp.Compare(x.HostCode, y.HostCode), slices.Compare(x.Rules[:], y.Rules[:]),
			slices.Compare(x.Weights[:], y.Weights[:]), cmp.Compare(x.RulesKept, y.RulesKept), boolCompare(x.Whole, y.Whole),
			cmp.Compare(x.Name, y.Name), x.Addr.Compare(y.Addr), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case Malformed:
		y, _ := b.(Malformed)
		return cmp.Or(cmp.Compare(x.Protocol, y.Protocol), x.EthSrc.Compare(y.EthSrc), cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.VLAN, y.VLAN))
	case Vantage:
		y, _ := b.(Vantage)
		return cmp.Or(cmp.Compare(x.Interface, y.Interface), x.Address.Addr().Compare(y.Address.Addr()), cmp.Compare(x.Address.Bits(), y.Address.Bits()),
			x.Gateway.Compare(y.Gateway), x.MAC.Compare(y.MAC), boolCompare(x.Asked, y.Asked), x.VIP.Compare(y.VIP))
	case Listened:
		y, _ := b.(Listened)
		return cmp.Or(cmp.Compare(x.Interface, y.Interface), boolCompare(x.Promiscuous, y.Promiscuous),
			x.Joined.Compare(y.Joined), boolCompare(x.Passive, y.Passive))
	case Segment:
		y, _ := b.(Segment)
		return cmp.Or(x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.Payload, y.Payload), cmp.Compare(x.Options, y.Options), boolCompare(x.Again, y.Again),
			x.EthSrc.Compare(y.EthSrc), x.EthDst.Compare(y.EthDst), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case Ack:
		y, _ := b.(Ack)
		return cmp.Or(x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), boolCompare(x.Inside, y.Inside), cmp.Compare(x.Into, y.Into), cmp.Compare(x.Options, y.Options), x.EthSrc.Compare(y.EthSrc), cmp.Compare(x.VLAN, y.VLAN))
	case Offer:
		y, _ := b.(Offer)
		return cmp.Or(x.Src.Compare(y.Src), x.Dst.Compare(y.Dst), cmp.Compare(x.MSS, y.MSS), boolCompare(x.AtLeast, y.AtLeast),
			cmp.Compare(x.Interface, y.Interface), cmp.Compare(x.MTU, y.MTU), cmp.Compare(x.PathMTU, y.PathMTU))
	case Ask:
		y, _ := b.(Ask)
		return compareAsks(x, y)
	case Told:
		y, _ := b.(Told)
		return cmp.Or(compareAsks(x.Of, y.Of), cmp.Compare(x.Word, y.Word), x.From.Compare(y.From), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Code, y.Code))
	case Lost:
		y, _ := b.(Lost)
		return cmp.Or(cmp.Compare(x.Interface, y.Interface), x.VIP.Compare(y.VIP))
	case Unkept:
		y, _ := b.(Unkept)
		return cmp.Or(cmp.Compare(x.Of, y.Of), boolCompare(x.Unasked, y.Unasked), boolCompare(x.Others, y.Others))
	}
	return 0
}

func compareAsks(a, b Ask) int {
	return cmp.Or(a.Target.Compare(b.Target), cmp.Compare(a.By, b.By), cmp.Compare(a.Port, b.Port), cmp.Compare(a.TTL, b.TTL), cmp.Compare(a.Seq, b.Seq))
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
