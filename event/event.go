// Package event is what a run tells as it goes and in the end: each answer, what
// is known so far, and the result of each VIP and connection. Live probes and
// captures tell it; reports and everything else that follows runs consume it.
package event

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mss"
)

// Listener consumes the events of runs. One that serves several runs at once is
// called from several goroutines.
type Listener interface {
	Answer(Answer) // as soon as it is heard, each different answer once
	Heard(Heard)   // as soon as it came back, each different thing once
	SoFar(SoFar)   // once for a VIP at most
	Result(Result) // as soon as nothing more can be learnt about its VIP
}

// Answer is an answer to the question who has the VIP, at the moment it was heard.
type Answer struct {
	VIP   netip.Addr
	ARP   evidence.ARP
	After time.Duration // since the first question was sent, or since listening or the capture began
}

// Heard is what came back of a packet that was sent from another subnet than the
// VIP's, at the moment it did.
type Heard struct {
	VIP   netip.Addr
	Told  evidence.Told
	After time.Duration // since the packet
	Again bool          // not the first for this packet
	Own   bool          // this host itself says it, and not a router
}

// SoFar is what is known of a VIP once its hosts have answered and something else
// is still waited for.
type SoFar struct {
	Name      string // as in Result
	VIP       netip.Addr
	Diagnosis diagnose.Diagnosis
	Pending   Pending
}

// Pending is what is waited for.
type Pending struct {
	Routers    []netip.Addr // whose test goes on
	Hellos     bool         // of further routers
	Heartbeats bool         // of the cluster's hosts
	Members    bool         // of its IGMP group
	Ports      bool         // connections
	Listen     bool         // for what comes unasked, as the user wishes
}

// Result is what a run learnt about one VIP.
type Result struct {
	Name      string // the name that stood for the VIP; empty if its address was given
	VIP       netip.Addr
	Interface string          // that was probed from; of a capture the one that it was taken on, empty if that is not known
	Items     []evidence.Item // in the order of their first instants
	Diagnosis diagnose.Diagnosis
	Start     time.Time     // when the run began; of a capture its first frame, zero if that has no time
	Elapsed   time.Duration // from Start to the end
	Sent      int           // frames sent on behalf of this VIP; from another subnet packets
	Passive   bool          // nothing was to be sent
	Partial   bool          // the run was interrupted: more might have been learnt

	// Capture is where the frames came from; nil in a live run.
	Capture *Capture
}

// Connection is what was learnt about the segment sizes of one TCP connection.
type Connection struct {
	Name      string          // the name that stood for the server; empty if its address was given
	Items     []evidence.Item // in the order of their first instants
	Diagnosis mss.Connection
	Start     time.Time     // of the connection as far as it was seen; zero if it is not known
	Elapsed   time.Duration // from Start to the last of it
	Capture   *Capture      // nil in a live run
}

// Capture is one or several captures that were read as one.
type Capture struct {
	Files       []string
	Frames      int
	First, Last time.Time // of the first and last frame; zero if none had a time
	Open        bool      // it is still being written: more may come
	Faults      []string  // why not all of them could be read
	Carried     []Carried // frames that hold others, into which nothing looked
}

// Carried is how many frames carried others in one way, as tunnels do.
type Carried struct {
	By     string // VXLAN, GRE and the like
	Frames int
}
