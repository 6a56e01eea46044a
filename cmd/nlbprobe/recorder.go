package main

import (
	"errors"
	"sync"
	"syscall"

	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/remoteprobe"
	"github.com/nlbprobe/nlbprobe/report"
)

// listener is told what the jobs of a run learn. Jobs run side by side, so it is
// called from several goroutines.
type listener interface {
	answer(job, check.Answer)
	soFar(job, check.SoFar)
	returned(job, remoteprobe.Heard)
	result(job, check.Result)
}

// jobHandler is a check.Handler that says which job speaks.
type jobHandler struct {
	job job
	to  listener
}

func (h jobHandler) Answer(a check.Answer) { h.to.answer(h.job, a) }
func (h jobHandler) SoFar(s check.SoFar)   { h.to.soFar(h.job, s) }
func (h jobHandler) Result(r check.Result) { h.to.result(h.job, r) }

// recorder is a listener that hands what it hears to the report, one call at a
// time, and remembers what the exit status and the configuration need.
type recorder struct {
	handler report.Handler
	// connections is the handler where it is told of connections too.
	connections report.Connections
	config      *configOptions
	json        bool
	passive     bool
	// again are the flags by which a run that checks the result finds the same
	// interface and routers.
	again []string
	// gone is called when nobody reads the report any more; may be nil.
	gone func()

	mu         sync.Mutex
	severities []diagnose.Severity
	groups     []configGroup
	err        error // the first of the handler's
}

func (r *recorder) note(err error) {
	if r.err == nil {
		r.err = err
	}
	if r.gone != nil && errors.Is(err, syscall.EPIPE) {
		r.gone()
	}
}

func (r *recorder) answer(_ job, a check.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(r.handler.Answer(report.Answer(a)))
}

func (r *recorder) soFar(j job, s check.SoFar) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(r.handler.SoFar(report.SoFar{Name: j.nameOf(s.VIP), Diagnosis: s.Diagnosis, Pending: report.Pending(s.Pending)}))
}

func (r *recorder) result(j job, res check.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcome(report.Outcome{
		Name: j.nameOf(res.VIP), Interface: j.ifi.Name, Diagnosis: res.Diagnosis, Elapsed: res.Elapsed, Sent: res.Sent,
		Passive: r.passive, Partial: res.Partial,
	}, j.ifi.Index)
}

// outcome hands a VIP's outcome to the report. link is the interface that it was
// probed from.
func (r *recorder) outcome(out report.Outcome, link int) {
	r.severities = append(r.severities, out.Diagnosis.Severity)
	group, why := groupFor(out.Diagnosis, link, r.config.given)
	out.NoConfig = why
	if group != nil && (r.json || group.unicast()) {
		lines, advice, err := r.config.renderLines(*group)
		r.note(err)
		if len(advice) > 0 {
			out.NoConfig = noLines(advice, group.mac)
		}
		if r.json { // each object is whole by itself
			out.Configs = lines
		}
		if len(lines) == 0 {
			group = nil
		}
	}
	if group != nil && !r.json {
		r.groups = addGroup(r.groups, *group)
	}
	r.note(r.handler.Outcome(out))
}

// connection hands a connection to the report.
func (r *recorder) connection(c report.Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.severities = append(r.severities, c.Diagnosis.Severity)
	r.note(r.connections.Connection(c))
}

// check is the command that waits until the VIPs are reachable.
func (r *recorder) check(g configGroup) []string {
	words := append([]string{"nlbprobe"}, r.again...)
	words = append(words, "--expect", "reachable", "--retry-for", "5m")
	for _, v := range g.vips {
		words = append(words, v.String())
	}
	return words
}

// end writes the configuration, which is the same for all VIPs of a cluster,
// and returns the run's exit status, or err where the run failed.
func (r *recorder) end(err error) error {
	for _, g := range r.groups {
		configs, _, err := r.config.renderLines(g)
		r.note(err)
		if err == nil {
			r.note(r.handler.Config(report.Paste{
				VIPs: g.vips, Configs: configs, Check: r.check(g), Undo: r.config.undo(g),
				Default: len(r.config.device.platforms) == 0 && r.config.device.portsFrom == "",
			}))
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
