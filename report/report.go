// Package report tells what a run found: as text for people, as JSON for
// scripts. It escapes whatever could reach a terminal, and knows nothing of how
// the run was made.
package report

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/templates"
)

// Handler is told of a run as it goes: every answer at the moment it is heard,
// then each VIP's outcome, then the configuration, then that it is over. Text
// and JSON are handlers. A handler's methods are called one at a time.
type Handler interface {
	Answer(Answer) error
	// SoFar is what is known while something is waited for; an outcome follows.
	// JSON takes no notice.
	SoFar(SoFar) error
	Outcome(Outcome) error
	// Config is the configuration for all VIPs that share a MAC and a place.
	// JSON has it in each outcome already and takes no notice.
	Config(Paste) error
	Close() error
}

// Paste is the configuration for VIPs that share a MAC and a place, and how to go
// on from there.
type Paste struct {
	VIPs    []netip.Addr
	Configs []templates.Config

	// Check is the command that tells whether the lines worked, Undo the one that
	// prints the lines which take them back, each word as the user would type it,
	// unquoted. Nil: none is known.
	Check, Undo []string

	// Default tells that nobody named a platform: another one may be wanted.
	Default bool
}

// Answer is one answer to the question who has the VIP.
type Answer struct {
	VIP   netip.Addr
	ARP   evidence.ARP
	After time.Duration // since the question
}

// Heard is what came back of a packet that was sent from another subnet than the
// VIP's.
type Heard struct {
	VIP   netip.Addr
	Told  evidence.Told
	After time.Duration // since the packet
	Again bool          // not the first for this packet
	Own   bool          // this host itself says it, and not a router
}

// Remote is a Handler that is told of what came back from another subnet, each
// different thing once.
type Remote interface {
	Handler
	Heard(Heard) error
}

// SoFar is what is known of a VIP once its hosts have answered and something
// else is still waited for.
type SoFar struct {
	Name      string // as in Outcome
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

// Outcome is what a run found out about one VIP.
type Outcome struct {
	Name      string // the name that stood for the VIP; empty where its address was given
	Interface string
	Diagnosis diagnose.Diagnosis
	Configs   []templates.Config
	NoConfig  string // why there is no configuration to paste, or not every platform's; empty where nobody would ask
	Elapsed   time.Duration
	Sent      int  // frames sent for this VIP
	Passive   bool // nothing was to be sent
	Partial   bool // interrupted

	// Capture is where the frames came from; nil in a live run.
	Capture *Capture
}

// Connection is what was found out about the segment sizes of one TCP
// connection.
type Connection struct {
	Name      string // the name that stood for the server; empty where its address was given
	Diagnosis mss.Connection
	Capture   *Capture // nil in a live run
	Elapsed   time.Duration
}

// Connections is a Handler that is told of connections too, after all VIPs.
type Connections interface {
	Handler
	Connection(Connection) error
}

// Capture is one or several captures that were read as one.
type Capture struct {
	Files       []string
	Frames      int
	First, Last time.Time // of the first and last frame; zero where none had a time
	Open        bool      // it is still being written: more may come
	Faults      []string  // why not all of them could be read
	Carried     []Carried // frames that hold others, into which nothing looked
}

// Carried is how many frames carried others in one way, as tunnels do.
type Carried struct {
	By     string `json:"by"` // VXLAN, GRE and the like
	Frames int    `json:"frames"`
}

// milliseconds gives a time as an admin reads it off ping: 0.41 ms, 402 ms.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}
