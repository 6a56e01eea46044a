package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/route"
	"github.com/nlbprobe/nlbprobe/wire"
)

// probeOptions is what the root command is told.
type probeOptions struct {
	args    []string
	iface   string
	routers []string
	wait    time.Duration
	passive bool
	output  string
	verbose bool
	config  configOptions
}

// bindProbe makes cmd, the root, a command that probes.
func bindProbe(cmd *cobra.Command, io stdio) {
	o := &probeOptions{}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.iface, "interface", "i", "", "probe from `IFACE` (default: the one whose subnet holds the VIP)")
	f.StringArrayVar(&o.routers, "router", nil, "know about the router `IP`, repeatable (default: the interface's gateways)")
	f.DurationVar(&o.wait, "wait", arpprobe.DefaultTiming().Wait, "the most `TIME` to spend; it ends sooner when nothing more can be learnt")
	f.BoolVar(&o.passive, "passive", false, "send nothing: listen for the whole --wait")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text or json (one object per VIP and line)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "every finding with its evidence, cure and sources")
	o.config.device.bind(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.args = args
		o.config.given = o.config.device.given(f)
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		return runProbe(cmd.Context(), o, io, names)
	}
}

// job is what is probed from one interface.
type job struct {
	ifi  route.Interface
	vips []named
}

// runProbe probes, reports, and returns a statusError with the exit status.
// Whatever is wrong with the arguments is found before anything is sent.
func runProbe(ctx context.Context, o *probeOptions, io stdio, commands []string) error {
	if err := o.check(); err != nil {
		return err
	}
	vips, err := parseVIPs(ctx, o.args, net.DefaultResolver, commands)
	if err != nil {
		return err
	}
	routers, err := parseRouters(o.routers)
	if err != nil {
		return err
	}
	if err := o.config.validate(vips); err != nil {
		return err
	}
	jobs, notes, err := plan(o.iface, vips)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintf(io.err, "nlbprobe: %s\n", n)
	}
	links := make([]*wire.Link, len(jobs))
	for i, j := range jobs {
		if links[i], err = open(j, routers); err != nil {
			return err
		}
	}

	var handler report.Handler = report.NewText(io.out, report.Style{Colour: wantColour(io.out), Verbose: o.verbose})
	if o.output == "json" {
		handler = report.NewJSON(io.out)
	}
	rec := &recorder{handler: handler, config: &o.config, json: o.output == "json"}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, j := range jobs {
		// The first one runs here: starting a thread would cost what the
		// first answer must not wait for.
		if i == 0 {
			continue
		}
		wg.Go(func() { errs[i] = probe(ctx, o, links[i], j, routers, rec) })
	}
	errs[0] = probe(ctx, o, links[0], jobs[0], routers, rec)
	wg.Wait()
	return rec.end(errors.Join(errs...))
}

func (o *probeOptions) check() error {
	switch {
	case len(o.args) == 0:
		return errors.New("no VIP was given: nlbprobe VIP..., as in nlbprobe 172.16.63.241")
	case o.wait < time.Millisecond || o.wait > 24*time.Hour:
		return fmt.Errorf("--wait %v is not between 1ms and 24h", o.wait)
	}
	return checkOutput(o.output)
}

func parseRouters(args []string) ([]netip.Addr, error) {
	var routers []netip.Addr
	for _, arg := range args {
		ip, err := netip.ParseAddr(arg)
		if err != nil {
			return nil, fmt.Errorf("--router %q is not an IPv4 address", clip(arg))
		}
		if err := checkVIP(ip); err != nil {
			return nil, fmt.Errorf("--router %s is not the IPv4 address of a router", ip)
		}
		routers = append(routers, ip.Unmap())
	}
	return routers, nil
}

// plan finds the interface for each VIP: the one named, or the one whose subnet
// holds it. The notes say what else could have been chosen.
func plan(name string, vips []named) (jobs []job, notes []string, err error) {
	all, err := route.Interfaces()
	if err != nil {
		return nil, nil, noLinux(err)
	}
	for _, v := range vips {
		choice, err := route.Choose(all, v.vip)
		if name != "" {
			choice, err = route.On(all, name, v.vip)
		}
		if err != nil {
			return nil, nil, err
		}
		if choice.Note != "" {
			notes = append(notes, choice.Note)
		}
		i := slices.IndexFunc(jobs, func(j job) bool { return j.ifi.Index == choice.Interface.Index })
		if i < 0 {
			i = len(jobs)
			jobs = append(jobs, job{ifi: choice.Interface})
		}
		jobs[i].vips = append(jobs[i].vips, v)
	}
	return jobs, notes, nil
}

// noLinux says in one line what works on a system without raw packet sockets.
func noLinux(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return errors.New("probing needs Linux; render, platforms, mac and explain work on this system")
	}
	return err
}

// open opens the link of a job, and says what to do where that is not allowed.
func open(j job, routers []netip.Addr) (*wire.Link, error) {
	filter := wire.Filter{ARPOnly: true, Addrs: slices.Concat(j.ifi.Gateways, routers)}
	for _, v := range j.vips {
		filter.Addrs = append(filter.Addrs, v.vip)
	}
	link, err := wire.Open(j.ifi.Net(), filter)
	switch {
	case err == nil:
		return link, nil
	case errors.Is(err, os.ErrPermission):
		path, pathErr := os.Executable()
		if pathErr != nil {
			path = "nlbprobe"
		}
		return nil, &statusError{status: exitUnknown, err: err,
			hint: "raw frames need a right: run it with sudo, or once: sudo setcap cap_net_raw+ep " + report.Clean(path)}
	}
	return nil, noLinux(err)
}

// probe runs the check of one job.
func probe(ctx context.Context, o *probeOptions, link *wire.Link, j job, asked []netip.Addr, rec *recorder) error {
	cfg := check.Config{
		Interface: j.ifi.Name, MAC: j.ifi.MAC, Addresses: j.ifi.Prefixes,
		Timing: arpprobe.DefaultTiming(), Passive: o.passive,
	}
	cfg.Timing.Wait = o.wait
	for _, ip := range asked {
		cfg.Routers = append(cfg.Routers, check.Router{IP: ip, Asked: true})
	}
	for _, ip := range j.ifi.Gateways {
		if !slices.Contains(asked, ip) {
			cfg.Routers = append(cfg.Routers, check.Router{IP: ip})
		}
	}
	vips := make([]netip.Addr, len(j.vips))
	for i, v := range j.vips {
		vips[i] = v.vip
	}
	return check.Run(ctx, link, cfg, vips, &jobRecorder{recorder: rec, job: j, passive: o.passive})
}

// recorder hands what the jobs learn to the report, one call at a time, and
// remembers what the exit status and the configuration need.
type recorder struct {
	mu         sync.Mutex
	handler    report.Handler
	config     *configOptions
	json       bool
	severities []diagnose.Severity
	groups     []configGroup
	err        error // the first of the handler's
}

// jobRecorder is a recorder that knows which job speaks.
type jobRecorder struct {
	*recorder
	job     job
	passive bool
}

func (r *recorder) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Answer implements check.Handler.
func (r *jobRecorder) Answer(a check.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(r.handler.Answer(report.Answer(a)))
}

// Result implements check.Handler.
func (r *jobRecorder) Result(res check.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := report.Outcome{
		Interface: r.job.ifi.Name, Diagnosis: res.Diagnosis, Elapsed: res.Elapsed, Sent: res.Sent,
		Passive: r.passive, Partial: res.Partial,
	}
	if i := slices.IndexFunc(r.job.vips, func(n named) bool { return n.vip == res.VIP }); i >= 0 {
		out.Name = r.job.vips[i].name
	}
	r.severities = append(r.severities, res.Diagnosis.Severity)
	group, why := groupFor(res.Diagnosis, r.job.ifi.Index)
	switch {
	case group == nil:
		out.NoConfig = why
	case r.json:
		// Each object is whole by itself.
		configs, err := r.config.render(*group)
		r.note(err)
		out.Configs = configs
	default:
		r.groups = addGroup(r.groups, *group)
	}
	r.note(r.handler.Outcome(out))
}

// end writes the configuration, which is the same for all VIPs of a cluster,
// and returns the run's exit status.
func (r *recorder) end(err error) error {
	for _, g := range r.groups {
		configs, err := r.config.render(g)
		r.note(err)
		if err == nil {
			r.note(r.handler.Config(g.vips, configs))
		}
	}
	r.note(r.handler.Close())
	switch {
	case err != nil:
		return err
	case r.err != nil:
		return r.err
	}
	return &statusError{status: diagnose.Worst(r.severities...).ExitStatus()}
}

// wantColour reports whether w is a terminal that should get colours: never
// with NO_COLOR, whatever its value, nor on a dumb terminal.
func wantColour(w any) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || strings.TrimSpace(os.Getenv("TERM")) == "" {
		return false
	}
	return isTerminal(f)
}
