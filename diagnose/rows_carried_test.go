package diagnose

import (
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// carriedStories are captures that hold no ARP for the VIP.
func carriedStories() []story {
	to := func(m mac.Addr) step {
		return passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = m })
	}
	isAt := func(m mac.Addr, mode Mode) func(*testing.T, Diagnosis) {
		return func(t *testing.T, d Diagnosis) {
			if d.Cluster.MAC != m || !d.Cluster.HasMAC || d.Cluster.Mode != mode {
				t.Errorf("cluster %+v", d.Cluster)
			}
		}
	}
	return []story{
		{
			name:    "clients' packets to a cluster MAC",
			steps:   []step{passes(stranger, client), passes(routerMAC, remote)},
			verdict: Seen, severity: Info,
			want:  []string{idCarried},
			near:  []string{idSilent, idFloods, idRouterUntested},
			check: isAt(multicast, Multicast),
		},
		{
			name:    "clients' packets to a cluster in IGMP mode",
			steps:   []step{to(igmp)},
			verdict: Seen, severity: Info,
			want: []string{idCarried, idNotProven},
			check: func(t *testing.T, d Diagnosis) {
				isAt(igmp, IGMPMulticast)(t, d)
				if d.Cluster.Group.String() != "239.255.63.241" {
					t.Errorf("group %v", d.Cluster.Group)
				}
			},
		},
		{
			name:    "clients' packets to a hand-set group MAC",
			steps:   []step{to(example)},
			verdict: Seen, severity: Info,
			want:  []string{idCarried},
			check: isAt(example, Multicast),
		},
		{
			// Which of the two is right nobody says.
			name:    "clients' packets to two cluster MACs",
			steps:   []step{to(unicast), to(multicast)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.HasMAC || d.Cluster.Mode != ModeUnknown {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "packets for the VIP in others' frames",
			steps:   []step{to(stranger), to(mac.Broadcast), to(masked1)},
			verdict: Silent, severity: Unknown,
			want: []string{idSilent},
			near: []string{idCarried},
		},
		{
			// ARP says where it is, and that counts.
			name:    "an answer, and packets to another cluster MAC",
			steps:   []step{answer(node1, multicast), to(unicast)},
			verdict: Seen, severity: Warning,
			want:  []string{idGroupMAC, idRouterUntested},
			near:  []string{idCarried},
			check: isAt(multicast, Multicast),
		},
		{
			// Somebody reaches it, but it does not answer us.
			name:    "packets to a cluster MAC, and our question",
			steps:   live(passes(stranger, client)),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idCarried},
		},
	}
}
