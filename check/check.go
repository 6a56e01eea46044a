// Package check is one run for one or several VIPs on one link: it asks, has
// each frame observed, stops when nothing more can be learnt, and has the
// evidence diagnosed. It knows no socket: the link is handed in.
package check

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// Link is what a run needs of the wire.
type Link interface {
	// Send puts a whole Ethernet frame on the wire.
	Send(frame []byte) error
	// Receive waits for the next frame, until the deadline; then its error
	// is os.ErrDeadlineExceeded. The frame's bytes are valid until the next call.
	Receive(deadline time.Time) (evidence.Frame, error)
	// Interrupt ends a Receive at once, and every later one, as if its
	// deadline had passed. It may be called from another goroutine.
	Interrupt()
	// Join makes the interface accept frames to a group address.
	Join(mac.Addr) error
	// JoinAll makes the interface accept frames to every group address.
	JoinAll() error
	// Hear makes ARP and IPv4 with ip as sender or target heard, beside what is
	// heard already.
	Hear(ip netip.Addr) error
	// HearMAC makes every frame from or to a MAC heard, where it comes to this port.
	HearMAC(mac.Addr) error
	// Drops returns how many frames were lost before they could be received,
	// since the link was opened.
	Drops() (int, error)
}

// Router is a router to know about: by address, and whether the user named it.
type Router struct {
	IP    netip.Addr
	Asked bool
}

// Config is where and how a run listens and asks.
type Config struct {
	Interface   string
	MAC         mac.Addr       // of the interface
	Addresses   []netip.Prefix // the interface's own, each with its prefix length
	Routers     []Router
	Timing      arpprobe.Timing
	RouterTest  routerprobe.Timing  // its Wait is cut to what is left of Timing.Wait
	Controls    []netip.Addr        // live hosts that are no cluster, for the routers' control
	Neighbours  func() []netip.Addr // where Controls is empty: hosts that this one has talked to; may be nil
	Ports       []uint16            // TCP ports of the VIPs to try
	Connections int                 // how many connections to try on each port, straight to the VIP
	Seed        routerprobe.Seed    // of what tells this run's packets from others': nobody else may guess it
	Passive     bool                // send nothing
	Listen      time.Duration       // the least time to listen, for what comes unasked; Timing.Wait bounds it
	Beats       time.Duration       // how long to listen for the heartbeats of a cluster that answered; Timing.Wait bounds it
	IGMPQuery   bool                // ask the hosts of a cluster in IGMP mode whether they joined its group
	Promiscuous bool                // the link is; it is evidence of what could be heard
	Pace        Pace                // of the questions; zero is DefaultPace
	Turns       *routerprobe.Turns  // what routers were asked for in earlier runs; may be nil
	Now         func() time.Time    // the clock; nil is time.Now
}

// Handler is told what happens, from the goroutine that called Run.
type Handler interface {
	Answer(event.Answer) // as soon as it is heard, each different answer once
	SoFar(event.SoFar)   // once for a VIP at most, and not while more than 100 are under way
	Result(event.Result) // as soon as nothing more can be learnt about its VIP
}

// Run probes the VIPs side by side and tells handler of each answer and each
// result. It returns when all are done, or when the context ends: then the
// results say that they are partial. An error means that the link failed; what
// was learnt before has been told all the same.
func Run(ctx context.Context, link Link, cfg Config, vips []netip.Addr, handler Handler) error {
	o, err := New(link, cfg, handler)
	if err != nil {
		return err
	}
	for _, vip := range vips {
		if err := o.Add(vip); err != nil {
			return err
		}
	}
	defer context.AfterFunc(ctx, link.Interrupt)()
	for {
		next := o.Step()
		if o.Idle() {
			return o.SendFailure()
		}
		frame, err := link.Receive(next)
		switch {
		case ctx.Err() != nil:
			o.Stop()
			return o.SendFailure()
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			o.Stop()
			return fmt.Errorf("listen on %s: %w", cfg.Interface, err)
		default:
			o.Hear(&frame)
		}
	}
}
