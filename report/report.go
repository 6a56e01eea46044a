// Package report tells what a run found: as text for people, as JSON for
// scripts. It escapes whatever could reach a terminal, and knows nothing of how
// the run was made.
package report

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/templates"
)

// Handler is told of a run as it goes: every answer at the moment it is heard,
// then each VIP's outcome, then connections, then the configuration, then that it
// is over. Text and JSON are handlers; JSON writes outcomes and connections alone,
// each when it is whole. A handler's methods are called one at a time.
type Handler interface {
	Answer(event.Answer) error
	Heard(event.Heard) error
	SoFar(event.SoFar) error // an outcome follows
	Outcome(Outcome) error
	Connection(event.Connection) error
	// Config is the configuration for all VIPs that share a MAC and a place. JSON
	// has it in each outcome already.
	Config(Paste) error
	Close() error
}

// Outcome is what a run found out about one VIP, and what to do about it.
type Outcome struct {
	event.Result
	Configs  []templates.Config
	NoConfig string // why there is no configuration to paste, or not every platform's; empty where nobody would ask

	FollowUp // of Configs
}

// Paste is the configuration for VIPs that share a MAC and a place, and how to go
// on from there.
type Paste struct {
	VIPs    []netip.Addr
	Configs []templates.Config
	FollowUp
}

// FollowUp is how to go on once the lines of a configuration are pasted.
type FollowUp struct {
	// Check is the command that tells whether the lines worked, Undo the one that
	// prints the lines which take them back, each word as the user would type it,
	// unquoted. Nil: none is known.
	Check, Undo []string

	// Default tells that nobody named a platform: another one may be wanted.
	Default bool
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
