package remoteprobe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// Link is what a run needs of this host's sockets.
type Link interface {
	// Send has the kernel send a packet. What keeps it from doing so comes by
	// Receive, as everything that comes back.
	Send(evidence.Ask)
	// Receive waits until something comes back, or until the deadline: then its
	// error is os.ErrDeadlineExceeded.
	Receive(deadline time.Time) (evidence.Told, time.Time, error)
	// Interrupt ends a Receive at once, and every later one, as if its deadline had
	// passed. It may be called from another goroutine.
	Interrupt()
}

// Config is how a run asks.
type Config struct {
	Interface string         // by which packets leave
	Addresses []netip.Prefix // this host's own
	Way       evidence.Way   // ByEcho, ByUDP, or ByTCP where only Ports can be asked
	NoEcho    bool           // echo was wanted and is not allowed
	Trace     bool
	Ports     []uint16
	Controls  []netip.Addr
	Timing    Timing
}

// Handler is told what happens, from the goroutine that called Run.
type Handler interface {
	Heard(event.Heard)   // as soon as it came back, each different thing once
	Result(event.Result) // as soon as nothing more can be learnt about its VIP
}

// subject is a VIP under way.
type subject struct {
	vip   netip.Addr
	probe *Probe
	log   evidence.Log
	done  bool
}

// apart is the time between the first packets to two VIPs.
const apart = 5 * time.Millisecond

// runner is the state of one Run.
type runner struct {
	cfg      Config
	link     Link
	handler  Handler
	start    time.Time
	subjects []*subject
	told     map[evidence.Told]bool // what the handler knows, without numbers
}

// Run asks for the VIPs side by side and tells handler of each answer and each
// result. It returns when all are done, or when the context ends: then the results
// say that they are partial. An error means that the sockets failed; what was
// learnt before has been told all the same.
func Run(ctx context.Context, link Link, cfg Config, vips []netip.Addr, handler Handler) error {
	r := &runner{cfg: cfg, link: link, handler: handler, start: time.Now(), told: make(map[evidence.Told]bool)}
	numbers := &Numbers{}
	for i, vip := range vips {
		s := &subject{vip: vip}
		task := Task{VIP: vip, Way: cfg.Way, Ports: cfg.Ports, Controls: cfg.Controls, Trace: cfg.Trace}
		s.probe = New(task, numbers, r.start.Add(time.Duration(i)*apart), cfg.Timing)
		for _, p := range cfg.Addresses {
			s.log.Add(evidence.Vantage{Interface: cfg.Interface, Address: p}, r.start, 1, nil)
		}
		s.log.Add(evidence.Listened{Interface: cfg.Interface}, r.start, 1, nil)
		if cfg.NoEcho {
			s.log.Add(evidence.Told{Of: evidence.Ask{Target: vip}, Word: evidence.Forbidden}, r.start, 1, nil)
		}
		r.subjects = append(r.subjects, s)
	}
	defer context.AfterFunc(ctx, link.Interrupt)()
	for {
		next, more := r.step(time.Now())
		if !more {
			return nil
		}
		told, at, err := link.Receive(next)
		switch {
		case ctx.Err() != nil:
			r.finish(true)
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			r.finish(true)
			return fmt.Errorf("ask by this host's sockets: %w", err)
		default:
			r.hear(told, at)
		}
	}
}

// step sends what is due, ends what is over, and returns the instant at which
// something is due again; more is false when all is over.
func (r *runner) step(now time.Time) (next time.Time, more bool) {
	for _, s := range r.subjects {
		if s.done {
			continue
		}
		for {
			a, ok := s.probe.Step(now)
			if !ok {
				break
			}
			s.log.Add(a, now, 1, nil)
			r.link.Send(a)
		}
		if s.probe.Done() {
			r.result(s, false)
			continue
		}
		if at, ok := s.probe.Next(now); ok && (!more || at.Before(next)) {
			next, more = at, true
		}
	}
	return next, more
}

// hear files what came back with the VIP that it was asked for.
func (r *runner) hear(t evidence.Told, at time.Time) {
	for _, s := range r.subjects {
		if s.done {
			continue
		}
		if after, again, ok := s.probe.Heard(t, at); ok {
			s.log.Add(t, at, 1, nil)
			if r.isNew(t, again) {
				own := t.Word == evidence.SaidICMP && slices.ContainsFunc(r.cfg.Addresses, func(p netip.Prefix) bool { return p.Addr() == t.From })
				r.handler.Heard(event.Heard{VIP: s.vip, Told: t, After: after, Again: again, Own: own})
			}
			return
		}
	}
}

// isNew reports whether the handler has not been told of the like.
func (r *runner) isNew(t evidence.Told, again bool) bool {
	limited := t.Word == evidence.SaidICMP && t.Type == evidence.TimeExceeded
	if !limited {
		t.Of.TTL = 0
	}
	if t.Of.By != evidence.ByTCP {
		t.Of.Port = 0
	}
	t.Of.Seq = 0
	if again {
		t.Of.Seq = 1
	}
	if again && limited || r.told[t] || len(r.told) >= evidence.PerKind {
		return false
	}
	r.told[t] = true
	return true
}

func (r *runner) finish(partial bool) {
	for _, s := range r.subjects {
		if !s.done {
			r.result(s, partial)
		}
	}
}

func (r *runner) result(s *subject, partial bool) {
	s.done = true
	now := time.Now()
	s.log.Add(evidence.Listened{Interface: r.cfg.Interface}, now, 1, nil)
	items := s.log.Items()
	r.handler.Result(event.Result{
		VIP: s.vip, Interface: r.cfg.Interface, Items: items, Diagnosis: diagnose.Remote(s.vip, items), Start: r.start, Elapsed: now.Sub(r.start),
		Sent: s.probe.Sent(), Partial: partial,
	})
}
