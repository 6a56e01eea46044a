package lab

import (
	"context"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// A beacon is a frame that a host sends at intervals without being asked.
type beacon struct {
	what  string
	frame []byte
	after time.Duration // the start of the lab: when it is sent first
	every time.Duration
}

// repeat sends a beacon from a host's interface, the first time at once where
// it need not wait.
func (l *Lab) repeat(ctx context.Context, host string, b beacon) error {
	var fd int
	var to unix.SockaddrLinklayer
	err := l.Do(host, func() error {
		dev, err := net.InterfaceByName(l.Interface(host))
		if err != nil {
			return err
		}
		to.Ifindex = dev.Index
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return err
	}
	// A full queue loses one of many, a pulled cable all.
	send := func() { _ = unix.Sendto(fd, b.frame, 0, &to) }
	if b.after == 0 {
		send()
	}
	l.running.Go(func() {
		defer unix.Close(fd)
		if b.after > 0 {
			if pause(ctx, b.after) != nil {
				return
			}
			send()
		}
		every(ctx, b.every, send)
	})
	return nil
}

// beacons returns what a node sends of itself: reports and heartbeats.
func beacons(n *Node) ([]beacon, error) {
	var all []beacon
	if n.Join.IsValid() {
		report := igmp.Message{Type: igmp.ReportV1, Group: n.Join}
		frame, err := report.AppendFrame(nil, igmp.Sender{MAC: n.MAC, IP: reportsFrom(n)})
		if err != nil {
			return nil, err
		}
		all = append(all, beacon{what: "reports", frame: frame, every: n.JoinEvery})
	}
	if h := n.Heartbeat; h != nil {
		all = append(all, beacon{"heartbeats", membership(n), h.After, h.Every})
		if h.Name != "" {
			all = append(all, beacon{"identity heartbeats", identity(n), h.After, h.IdentityEvery})
		}
	}
	return all, nil
}

// reportsFrom is the address from which a node reports: the cluster's primary VIP
// (Microsoft ISA Server blog, 2009-06-22).
func reportsFrom(n *Node) netip.Addr {
	switch {
	case n.Heartbeat != nil && n.Heartbeat.Cluster.IsValid():
		return n.Heartbeat.Cluster
	case len(n.VIPs) > 0:
		return n.VIPs[0]
	}
	return n.Address
}

// membership returns a node's membership heartbeat. What a scenario does not
// choose is as in the one public capture (tcpdump, tests/msnlb.pcap): version 2.6,
// convergence state 1, a host code that reads as a time in February 2012, a host
// identifier that is the priority less one, a count that has one more than there
// are codes. What a cluster's load maps hold is not known; they are zero.
func membership(n *Node) []byte {
	h := n.Heartbeat
	status := nlb.Status{
		HostID: uint16(h.Priority - 1), DefaultHost: uint16(h.DefaultHost - 1), State: 1,
		RuleCount: uint16(len(h.Rules) + 1),
		HostCode:  0x4f3be200 + uint32(h.Priority),
	}
	for i, r := range h.Rules {
		status.Rules[i] = nlb.RuleCodeOf(r.First, r.Last)
	}
	return status.AppendTo(heartbeatHead(n, nlb.SignatureMembership))
}

// identity returns a node's identity heartbeat: its name and its address.
func identity(n *Node) []byte {
	b := nlb.AppendName(heartbeatHead(n, nlb.SignatureIdentity), n.Heartbeat.Name)
	return nlb.AppendAddress(b, n.Address)
}

// heartbeatHead returns the Ethernet header and the common header of a node's
// heartbeats. They go to the cluster's group MAC, in unicast mode to everybody
// (Microsoft KB 232711; for IGMP mode inferred).
func heartbeatHead(n *Node, s nlb.Signature) []byte {
	to := n.Answers
	if !to.IsGroup() {
		to = mac.Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	}
	b := nlb.AppendEthernet(nil, to, n.MAC, nlb.EtherTypeHeartbeat)
	return nlb.Heartbeat{
		Signature: s, Version: 0x0206, Priority: uint32(n.Heartbeat.Priority),
		Cluster: n.Heartbeat.Cluster, Dedicated: n.Address,
	}.AppendHeader(b)
}
