package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"github.com/nlbprobe/nlbprobe/advice"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/report"
)

// naming is a Listener that adds to the events of one job the names that the user
// gave for its VIPs.
type naming struct {
	event.Listener
	job job
}

func (n naming) SoFar(s event.SoFar) {
	s.Name = n.job.nameOf(s.VIP)
	n.Listener.SoFar(s)
}

func (n naming) Result(r event.Result) {
	r.Name = n.job.nameOf(r.VIP)
	n.Listener.Result(r)
}

// recorder is a Listener that hands what it hears to the report, one call at a
// time, and remembers what the exit status and the configuration need.
type recorder struct {
	handler report.Handler
	config  *configOptions
	json    bool
	passive bool
	// again are the flags by which a run that checks the result finds the same
	// interface and routers.
	again []string
	// gone is called when nobody reads the report any more; may be nil.
	gone func()

	mu         sync.Mutex
	severities []diagnose.Severity
	needs      []advice.Need
	err        error // the first of the handler's
	testable   int   // VIPs that answer where a router is known
	tested     int   // those of them that a router was asked for
}

func (r *recorder) note(err error) {
	if r.err == nil {
		r.err = err
	}
	if r.gone != nil && errors.Is(err, syscall.EPIPE) {
		r.gone()
	}
}

// Answer implements event.Listener.
func (r *recorder) Answer(a event.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(r.handler.Answer(a))
}

// Heard implements event.Listener.
func (r *recorder) Heard(h event.Heard) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(r.handler.Heard(h))
}

// SoFar implements event.Listener.
func (r *recorder) SoFar(s event.SoFar) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(r.handler.SoFar(s))
}

// Result implements event.Listener.
func (r *recorder) Result(res event.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := report.Outcome{Result: res}
	r.severities = append(r.severities, out.Diagnosis.Severity)
	r.countTest(out.Diagnosis)
	place := out.Interface
	if out.Capture != nil {
		place = "" // whoever reads captures has one cluster before them, wherever each was taken
	}
	need, why := advice.For(out.Diagnosis, place, r.config.given)
	out.NoConfig = why
	if need != nil && (r.json || need.Unicast()) {
		lines, without, err := r.config.renderLines(*need)
		r.note(err)
		if len(without) > 0 {
			out.NoConfig = advice.NoLines(without, need.MAC)
		}
		if r.json { // each object is whole by itself
			out.Configs = lines
			if len(lines) > 0 {
				out.FollowUp = r.followUp(*need)
			}
		}
		if len(lines) == 0 {
			need = nil
		}
	}
	if need != nil && !r.json {
		r.needs = advice.Add(r.needs, *need)
	}
	r.note(r.handler.Outcome(out))
}

// countTest counts a VIP that a router can be asked for, and whether one was.
func (r *recorder) countTest(d diagnose.Diagnosis) {
	if !d.Cluster.Answered || len(d.Routers) == 0 || r.passive {
		return
	}
	r.testable++
	known := func(x diagnose.Router) bool { return x.Reach != diagnose.NotLearnt }
	if !d.Has(diagnose.RouterNotTested) || slices.ContainsFunc(d.Routers, known) {
		r.tested++
	}
}

// mostTurns is with how many VIPs not each one has a turn by way of a router.
const mostTurns = 5

// turns says how many VIPs had no turn by way of a router, or nothing.
func (r *recorder) turns() string {
	if r.testable <= mostTurns || r.tested == r.testable {
		return ""
	}
	return fmt.Sprintf("%d of %d VIPs were tested by way of a router, which is asked to carry one packet a second; a longer --wait tests more", r.tested, r.testable)
}

// connection hands a connection to the report.
func (r *recorder) connection(c event.Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.severities = append(r.severities, c.Diagnosis.Severity)
	r.note(r.handler.Connection(c))
}

// check is the command that waits until the VIPs are reachable.
func (r *recorder) check(n advice.Need) []string {
	words := append([]string{"nlbprobe"}, r.again...)
	words = append(words, "--expect", "reachable", "--retry-for", "5m")
	for _, v := range n.VIPs {
		words = append(words, v.String())
	}
	return words
}

// followUp is how to go on once the lines for n are pasted.
func (r *recorder) followUp(n advice.Need) report.FollowUp {
	device := &r.config.device
	return report.FollowUp{Check: r.check(n), Undo: r.config.undo(n), Default: len(device.platforms) == 0 && device.portsFrom == ""}
}

// end writes the configuration, which is the same for all VIPs of a cluster,
// and returns the run's exit status, or err where the run failed.
func (r *recorder) end(err error) error {
	for _, n := range r.needs {
		configs, _, err := r.config.renderLines(n)
		r.note(err)
		if err == nil {
			r.note(r.handler.Config(report.Paste{VIPs: n.VIPs, Configs: configs, FollowUp: r.followUp(n)}))
		}
	}
	r.note(r.handler.Close())
	switch {
	case err != nil:
		return err
	case r.err != nil:
		return r.err
	}
	return &statusError{status: finding.Worst(r.severities...).ExitStatus()}
}
