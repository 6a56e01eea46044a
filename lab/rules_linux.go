package lab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
)

// A ruleSet collects the packet rules of one host and applies them in one
// transaction.
type ruleSet struct {
	chains []ruleChain
}

type ruleChain struct {
	family   nftables.TableFamily
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	device   string
	rules    [][]expr.Any
}

// apply puts the rules into the calling thread's network.
func (s *ruleSet) apply() error {
	if len(s.chains) == 0 {
		return nil
	}
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	for i, c := range s.chains {
		table := conn.AddTable(&nftables.Table{Family: c.family, Name: fmt.Sprintf("lab%d", i)})
		chain := conn.AddChain(&nftables.Chain{
			Name: "rules", Table: table, Type: nftables.ChainTypeFilter,
			Hooknum: c.hook, Priority: c.priority, Device: c.device,
		})
		for _, r := range c.rules {
			conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: r})
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("applying packet rules: %w", err)
	}
	return nil
}

func (s *ruleSet) add(family nftables.TableFamily, hook *nftables.ChainHook, device string, rules ...[]expr.Any) {
	s.chains = append(s.chains, ruleChain{
		family: family, hook: hook, priority: nftables.ChainPriorityFilter, device: device, rules: rules,
	})
}

// The hooks of the arp family (linux/netfilter_arp.h), which the library does
// not name.
const (
	arpIn  nftables.ChainHook = 0
	arpOut nftables.ChainHook = 1
)

// Offsets in an ARP packet for IPv4 over Ethernet (RFC 826).
const (
	arpOperation = 6
	arpSenderMAC = 8
	arpSenderIP  = 14
	arpTargetIP  = 24
)

// nodeRules makes a host answer as an NLB node does, and take its share.
func nodeRules(s *Scenario, n *Node) *ruleSet {
	set := &ruleSet{}
	set.add(nftables.TableFamilyNetdev, nftables.ChainHookIngress, "eth0", otherGroups(n))
	if n.Answers.IsZero() {
		return set
	}
	// The kernel's own ARP packets, with the cluster MAC as sender.
	var masks [][]expr.Any
	if n.AsksAsVIP {
		masks = append(masks, rule(
			network(arpOperation, []byte{0, 1}), // request
			network(arpTargetIP, s.Gateway.AsSlice()),
			write(arpSenderIP, n.VIPs[0].AsSlice()), write(arpSenderMAC, n.Answers[:])))
	}
	if n.MasksAll {
		masks = append(masks, write(arpSenderMAC, n.Answers[:]))
	} else {
		for _, v := range n.VIPs {
			masks = append(masks, rule(network(arpSenderIP, v.AsSlice()), write(arpSenderMAC, n.Answers[:])))
		}
	}
	set.add(nftables.TableFamilyARP, new(arpOut), "", masks...)

	if s.XTCluster {
		set.xtCluster(s, n)
		return set
	}

	// Frames to the cluster MAC are for this host though its adapter has
	// another address; TCP takes only packets that came as unicast.
	set.add(nftables.TableFamilyNetdev, nftables.ChainHookIngress, "eth0",
		rule(etherTo(n.Answers), []expr.Any{
			&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(unix.PACKET_HOST)},
			&expr.Meta{Key: expr.MetaKeyPKTTYPE, SourceRegister: true, Register: 1},
		}))

	var shares [][]expr.Any
	for _, v := range n.VIPs {
		share, of := shareOf(s, n, v)
		if of < 2 {
			continue
		}
		for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			shares = append(shares, rule(
				cameIn("eth0"), network(16, v.AsSlice()), transport(protocol),
				notShare(s.Affinity, share, of), drop()))
		}
	}
	if len(shares) > 0 {
		set.add(nftables.TableFamilyIPv4, nftables.ChainHookPrerouting, "", shares...)
	}
	return set
}

// otherGroups drops what a real adapter's filter drops: frames to group MACs that
// its host has not joined. A veth takes every one, and Linux an IPv4 packet in it.
func otherGroups(n *Node) []expr.Any {
	code := []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 0, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{1}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{1}},
	}
	joined := []mac.Addr{mac.Broadcast, igmp.GroupMAC(igmp.AllSystems)}
	if n.Answers.IsGroup() {
		joined = append(joined, n.Answers)
	}
	if n.Join.IsValid() {
		joined = append(joined, igmp.GroupMAC(n.Join))
	}
	for _, m := range joined {
		code = append(code,
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 0, Len: 6},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: m[:]})
	}
	return append(code, drop()...)
}

// xtCluster drops what the xt_cluster match gives to other nodes. The match
// turns the packets that it takes into such as came by unicast.
func (s *ruleSet) xtCluster(sc *Scenario, n *Node) {
	var rules [][]expr.Any
	for _, v := range n.VIPs {
		share, of := shareOf(sc, n, v)
		// struct xt_cluster_match_info of linux/netfilter/xt_cluster.h:
		// nodes, this one as a bit, seed, flags.
		var info xt.Unknown
		for _, word := range []uint32{of, 1 << share, 0xdeadbeef, 0} {
			info = append(info, binaryutil.NativeEndian.PutUint32(word)...)
		}
		toVIP := rule(cameIn("eth0"), network(16, v.AsSlice()))
		rules = append(rules,
			rule(toVIP, []expr.Any{
				// The match works on tracked connections.
				&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
				&expr.Match{Name: "cluster", Info: &info},
				&expr.Verdict{Kind: expr.VerdictAccept},
			}),
			rule(toVIP, drop()))
	}
	s.add(nftables.TableFamilyIPv4, nftables.ChainHookPrerouting, "", rules...)
}

// shareOf returns the place of a node among the nodes that serve a VIP under
// the same MAC, and how many they are.
func shareOf(s *Scenario, n *Node, vip netip.Addr) (share, of uint32) {
	for i := range s.Nodes {
		m := &s.Nodes[i]
		if m.Answers != n.Answers || !hasVIP(m, vip) {
			continue
		}
		if m.Name == n.Name {
			share = of
		}
		of++
	}
	return share, of
}

func hasVIP(n *Node, vip netip.Addr) bool {
	return slices.Contains(n.VIPs, vip)
}

// notShare matches packets whose hash falls to another node. NLB hashes the
// same values by a function of its own.
func notShare(a Affinity, share, of uint32) []expr.Any {
	const first, second, result = unix.NFT_REG32_00, unix.NFT_REG32_01, unix.NFT_REG32_02
	length := uint32(4)
	load := []expr.Any{
		&expr.Payload{DestRegister: first, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4}, // source address
	}
	if a == AffinityNone {
		length = 8 // the port fills a register of 4 bytes
		load = append(load,
			&expr.Payload{DestRegister: second, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 2})
	}
	return append(load,
		&expr.Hash{
			SourceRegister: first, DestRegister: result, Length: length,
			Modulus: of, Seed: 1, Type: expr.HashTypeJenkins,
		},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: result, Data: binaryutil.NativeEndian.PutUint32(share)})
}

// routerRules makes a router obey RFC 1812 3.3.2, compare and filter.
func routerRules(s *Scenario, r *Router) *ruleSet {
	set := &ruleSet{}
	if r.DropsMaskedARP {
		// A rule cannot compare two parts of a frame, so there is one for each node.
		var masked [][]expr.Any
		for i := range s.Nodes {
			if n := &s.Nodes[i]; !n.Answers.IsZero() && n.Answers != n.MAC {
				masked = append(masked, rule(etherType(unix.ETH_P_ARP), etherFrom(n.MAC), network(arpSenderMAC, n.Answers[:]), drop()))
			}
		}
		if len(masked) > 0 {
			set.add(nftables.TableFamilyNetdev, nftables.ChainHookIngress, "eth0", masked...)
		}
	}
	if !r.AcceptsGroupARP {
		set.add(nftables.TableFamilyARP, new(arpIn), "", rule([]expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: arpSenderMAC, Len: 1},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{1}, Xor: []byte{0}},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{1}},
		}, drop()))
	}
	if r.NoHairpin {
		set.add(nftables.TableFamilyIPv4, nftables.ChainHookForward, "",
			rule(cameIn("eth0"), goesOut(expr.CmpOpEq, "eth0"), drop()))
	}
	if r.DropsICMP {
		for _, hook := range []*nftables.ChainHook{nftables.ChainHookInput, nftables.ChainHookForward, nftables.ChainHookOutput} {
			set.add(nftables.TableFamilyIPv4, hook, "", rule(transport(unix.IPPROTO_ICMP), drop()))
		}
	}
	return set
}

// switchRules keeps the switch quiet and limits a MAC to its member ports. The
// bridge's own forwarding database takes no group address for that, and its
// multicast database is looked up by IP address.
func switchRules(s *LANSwitch) *ruleSet {
	set := &ruleSet{}
	// A snooping bridge joins the group of all snoopers (RFC 4286) as a host;
	// the switches of the lab say nothing of their own.
	set.add(nftables.TableFamilyIPv4, nftables.ChainHookOutput, "", drop())
	var rules [][]expr.Any
	for _, m := range s.Members {
		others := etherTo(m.MAC)
		for _, h := range m.Hosts {
			others = append(others, goesOut(expr.CmpOpNeq, h)...)
		}
		rules = append(rules, rule(others, drop()))
	}
	if len(rules) > 0 {
		set.add(nftables.TableFamilyBridge, nftables.ChainHookForward, "", rules...)
	}
	return set
}

// The parts of rules.

func drop() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}} }

func rule(parts ...[]expr.Any) []expr.Any {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// network matches bytes of the network header.
func network(offset uint32, want []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(want))},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: want},
	}
}

// write changes bytes of the network header.
func write(offset uint32, value []byte) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: value},
		&expr.Payload{
			OperationType: expr.PayloadWrite, SourceRegister: 1,
			Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(value)),
		},
	}
}

func etherType(t uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 12, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(t)},
	}
}

func etherFrom(m mac.Addr) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: m[:]},
	}
}

func etherTo(m mac.Addr) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 0, Len: 6},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: m[:]},
	}
}

func transport(protocol byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
	}
}

func cameIn(name string) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: interfaceName(name)},
	}
}

func goesOut(op expr.CmpOp, name string) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: op, Register: 1, Data: interfaceName(name)},
	}
}

// interfaceName pads a name as the kernel compares it.
func interfaceName(name string) []byte {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return padded
}
