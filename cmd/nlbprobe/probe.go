package main

import (
	"context"
	"crypto/rand"
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
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/route"
	"github.com/nlbprobe/nlbprobe/routerprobe"
	"github.com/nlbprobe/nlbprobe/wire"
)

// probeOptions is what the root command is told.
type probeOptions struct {
	args    []string
	iface   string
	routers []string
	control []string
	tcp     ports
	affin   bool
	igmp    bool
	wait    time.Duration
	listen  time.Duration
	passive bool
	write   newFile
	expect  string
	retry   time.Duration
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
	f.Var((*texts)(&o.routers), "router", "test the router `IP`, repeatable (default: the interface's gateways, and other routers that are heard)")
	f.Var((*texts)(&o.control), "control", "live host `IP` of the subnet, by which a router shows whether it sends packets back onto it; repeatable (default: one that this host talks to)")
	f.Var(&o.tcp, "tcp", "try TCP `PORT` of the VIP too, repeatable")
	f.BoolVar(&o.affin, "affinity", false, "with --tcp: open many connections and show which host takes them")
	f.BoolVar(&o.igmp, "igmp-query", false, "ask the hosts of a cluster in IGMP mode whether they joined its group")
	o.wait = 5 * time.Second
	f.Var((*seconds)(&o.wait), "wait", "the most `TIME` to spend; it ends sooner when nothing more can be learnt")
	f.Var((*seconds)(&o.listen), "listen", "listen for `TIME` at least, for what comes unasked, such as other routers' questions")
	f.BoolVar(&o.passive, "passive", false, "send nothing: listen for the whole --wait")
	f.Var(&o.write, "write", "keep the frames that the verdict rests on in `FILE`, a new pcapng, with the findings as comments")
	f.StringVar(&o.expect, "expect", "", "repeat until every VIP's verdict is `VERDICT`; the exit status says whether it became so")
	f.Var((*seconds)(&o.retry), "retry-for", "with --expect: how much `TIME` to repeat for (default: one try)")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text or json (one object per VIP and line)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "every finding with its evidence, cure and sources")
	o.config.device.bind(f)
	o.config.device.files.notes, o.config.device.files.mu = io.err, new(sync.Mutex)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.args = args
		if !f.Changed("wait") {
			o.wait = max(o.wait, o.listen)
		}
		o.config.given = o.config.device.given(f)
		return runProbe(cmd.Context(), o, io)
	}
}

// job is what is probed from one interface.
type job struct {
	ifi    route.Interface
	vips   []named
	remote bool // they are on another subnet: asked by way of the routers
}

// nameOf is the name that stood for a VIP, or "".
func (j job) nameOf(vip netip.Addr) string {
	i := slices.IndexFunc(j.vips, func(n named) bool { return n.vip == vip })
	if i < 0 {
		return ""
	}
	return j.vips[i].name
}

// addrs are the addresses of the VIPs.
func (j job) addrs() []netip.Addr {
	vips := make([]netip.Addr, len(j.vips))
	for i, v := range j.vips {
		vips[i] = v.vip
	}
	return vips
}

// runProbe probes, reports, and returns a statusError with the exit status.
// Whatever is wrong with the arguments is found before anything is sent.
func runProbe(ctx context.Context, o *probeOptions, io stdio) error {
	if err := o.check(); err != nil {
		return err
	}
	vips, err := parseVIPs(ctx, splitCommas(o.args), net.DefaultResolver, here(), func(text string) { fmt.Fprintf(io.err, "nlbprobe: %s\n", text) })
	if err != nil {
		return err
	}
	routers, err := parseIPs("--router", "a router", o.routers)
	if err != nil {
		return err
	}
	controls, err := parseIPs("--control", "a host", o.control)
	if err != nil {
		return err
	}
	if err := checkRoles(vips, routers, controls); err != nil {
		return err
	}
	if err := o.config.device.prepare(ctx, io.in); err != nil {
		return err
	}
	if err := o.config.validate(vips, io.err); err != nil {
		return err
	}
	jobs, own, notes, err := plan(o, vips)
	if err != nil {
		return err
	}
	run := &session{o: o, jobs: jobs, turns: make([]routerprobe.Turns, len(jobs)), own: own, routers: routers, controls: controls, io: io}
	note, err := run.checkRemote()
	if err != nil {
		return err
	}
	if note != "" {
		notes = append(notes, note)
	}
	for _, n := range notes {
		fmt.Fprintf(io.err, "nlbprobe: %s\n", n)
	}
	for _, j := range jobs {
		if j.remote {
			run.links = append(run.links, nil)
			continue
		}
		link, err := open(j, routers)
		if err != nil {
			return err
		}
		run.links = append(run.links, link)
	}
	if o.write != "" {
		if err := o.write.checkNew(); err != nil {
			return err
		}
	}
	var handler report.Handler = report.NewText(io.out, report.Style{Colour: wantColour(io.out), Verbose: o.verbose})
	if o.output == "json" {
		handler = report.NewJSON(io.out)
	}
	rec := &recorder{handler: handler, config: &o.config, json: o.output == "json", passive: o.passive, again: o.again()}
	// Beside the first question, as it takes a stop of all threads for each right.
	var rights sync.WaitGroup
	rights.Go(func() {
		o.config.device.files.prepare()
		// A VIP of another subnet is asked by sockets that are opened for each try,
		// and the one for echoes may need a right.
		if !slices.ContainsFunc(jobs, func(j job) bool { return j.remote }) {
			io.giveUp(o.write)
		}
	})
	if o.write == "" {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rec.gone = cancel // nobody is left to tell
		return run.conduct(ctx, rec, rec)
	}
	k := &frameRecorder{Listener: rec, errs: io.err}
	err = guard.Safely(func() error { return run.conduct(ctx, k, rec) })
	rights.Wait() // so that the file has the same owner always
	return k.end(o.write, err)
}

// again are the flags that say where and by whom, for a second run.
func (o *probeOptions) again() []string {
	var words []string
	if o.iface != "" {
		words = append(words, "-i", o.iface)
	}
	for _, r := range o.routers {
		words = append(words, "--router", r)
	}
	return words
}

// conduct runs the probe once, or until the expected verdict is there, tells to
// what is learnt, and returns the statusError of rec, the report.
func (s *session) conduct(ctx context.Context, to event.Listener, rec *recorder) error {
	if s.o.expect != "" {
		return s.until(ctx, to, rec)
	}
	err := rec.end(s.once(ctx, to))
	if text := rec.turns(); text != "" {
		fmt.Fprintf(s.io.err, "nlbprobe: %s\n", text)
	}
	return err
}

// session is a probe with its links open: it can be run several times.
type session struct {
	o        *probeOptions
	jobs     []job
	links    []*wire.Link   // of the jobs; nil of one that is remote
	own      []netip.Prefix // this host's addresses
	routers  []netip.Addr
	controls []netip.Addr
	io       stdio
	turns    []routerprobe.Turns // of the jobs: a further run goes on where the last one ended
}

// once runs every job, side by side, and tells to.
func (s *session) once(ctx context.Context, to event.Listener) error {
	errs := make([]error, len(s.jobs))
	var wg sync.WaitGroup
	for i := range s.jobs[1:] {
		wg.Go(func() { errs[i+1] = guard.Safely(func() error { return s.probe(ctx, i+1, to) }) })
	}
	// The first job runs here: starting a thread would cost what the first
	// answer must not wait for.
	errs[0] = s.probe(ctx, 0, to)
	wg.Wait()
	return errors.Join(errs...)
}

func (o *probeOptions) check() error {
	switch {
	case len(o.args) == 0:
		return errors.New("no VIP was given: nlbprobe VIP..., as in nlbprobe 172.16.63.241")
	case o.wait < time.Millisecond || o.wait > 24*time.Hour:
		return fmt.Errorf("--wait %v is not between 1ms and 24h", o.wait)
	}
	switch {
	case o.listen < 0 || o.listen > 24*time.Hour:
		return fmt.Errorf("--listen %v is not between 0 and 24h", o.listen)
	case o.listen > o.wait:
		return fmt.Errorf("--listen %v is longer than --wait %v", o.listen, o.wait)
	}
	if err := o.checkPorts(); err != nil {
		return err
	}
	if err := checkExpect(o.expect, o.retry); err != nil {
		return err
	}
	return checkOutput(o.output)
}

// parseIPs reads the addresses that a flag gives.
func parseIPs(flag, whose string, args []string) ([]netip.Addr, error) {
	var ips []netip.Addr
	for _, arg := range splitCommas(args) {
		ip, err := netip.ParseAddr(arg)
		if err != nil {
			return nil, fmt.Errorf("%s %q is not an IPv4 address", flag, clip(arg))
		}
		if err := checkVIP(ip); err != nil {
			return nil, fmt.Errorf("%s %s is not the IPv4 address of %s", flag, ip, whose)
		}
		if ip = ip.Unmap(); !slices.Contains(ips, ip) {
			ips = append(ips, ip)
		}
	}
	return ips, nil
}

// checkRoles refuses an address that is given in two roles.
func checkRoles(vips []named, routers, controls []netip.Addr) error {
	isVIP := func(ip netip.Addr) bool { return slices.ContainsFunc(vips, func(v named) bool { return v.vip == ip }) }
	for _, ip := range routers {
		if isVIP(ip) {
			return fmt.Errorf("--router %s is the VIP itself", ip)
		}
	}
	for _, ip := range controls {
		switch {
		case isVIP(ip):
			return fmt.Errorf("--control %s is the VIP itself; name a host that is no cluster", ip)
		case slices.Contains(routers, ip):
			return fmt.Errorf("--control %s is a router under test; name another host", ip)
		}
	}
	return nil
}

// The connections that are tried on each port: enough to see whether it is
// served, or to see how a cluster spreads them.
const (
	oneConnection   = 1
	manyConnections = 32
)

// checkPorts checks what --tcp and --affinity ask for.
func (o *probeOptions) checkPorts() error {
	switch {
	case o.affin && len(o.tcp) == 0:
		return errors.New("--affinity needs a service to connect to: --tcp PORT")
	case len(o.tcp) > maxPorts:
		return fmt.Errorf("--tcp names %d ports; at most %d at once", len(o.tcp), maxPorts)
	case o.passive && len(o.tcp) > 0:
		return errors.New("--passive sends nothing, --tcp would")
	case o.passive && o.igmp:
		return errors.New("--passive sends nothing, --igmp-query would")
	}
	return nil
}

// maxPorts bounds how many ports are tried: this is no port scanner.
const maxPorts = 8

// plan finds the interface for each VIP: the one named, or the one whose subnet
// holds it. Where none does the VIP is asked by way of the routers. own are this
// host's addresses; the notes say what else could have been chosen.
func plan(o *probeOptions, vips []named) (jobs []job, own []netip.Prefix, notes []string, err error) {
	all, err := route.Interfaces()
	if err != nil {
		addrs, _ := net.InterfaceAddrs() // without any, no VIP is on a subnet of this host
		jobs, err = planElsewhere(o, vips, addrs, noLinux(err))
		return jobs, nil, nil, err
	}
	for _, i := range all {
		own = append(own, i.Prefixes...)
	}
	var far []*route.NoSubnetError
	for _, v := range vips {
		choice, err := route.Choose(all, v.vip)
		if o.iface != "" {
			choice, err = route.On(all, o.iface, v.vip)
		}
		if none, ok := errors.AsType[*route.NoSubnetError](err); ok && none.Elsewhere() {
			if o.passive {
				return nil, nil, nil, errUnheard(err)
			}
			jobs, far = addRemote(jobs, v, all), append(far, none)
			continue
		}
		if err != nil {
			return nil, nil, nil, err
		}
		if choice.Note != "" {
			notes = append(notes, choice.Note)
		}
		if note := routerNote(o, choice, v.vip); note != "" {
			notes = append(notes, note)
		}
		i := slices.IndexFunc(jobs, func(j job) bool { return !j.remote && j.ifi.Index == choice.Interface.Index })
		if i < 0 {
			i = len(jobs)
			jobs = append(jobs, job{ifi: choice.Interface})
		}
		jobs[i].vips = append(jobs[i].vips, v)
	}
	if len(far) > 0 {
		notes = append(notes, remoteNote(far[0], len(far)-1))
	}
	return jobs, own, notes, nil
}

// routerNote tells a router that probes a VIP of its own subnet where it knows more
// of itself than frames can show.
func routerNote(o *probeOptions, c route.Choice, vip netip.Addr) string {
	i := c.Interface
	if len(o.routers) > 0 || len(i.Gateways) > 0 || !c.Prefix.IsValid() || !route.Forwards(i.Name) {
		return ""
	}
	return fmt.Sprintf("this host forwards packets and has no gateway on %s: if it is a router of the VIP's subnet, its own ARP table says what it has: ip neigh show %v", report.Clean(i.Name), vip)
}

// noLinux says in one line what works on a system without raw packet sockets.
func noLinux(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return errors.New("probing needs Linux; here --tcp PORT tries a VIP from another subnet than its own, and analyze, render, platforms, mac and explain work")
	}
	return err
}

// open opens the link of a job, and says what to do where that is not allowed.
func open(j job, routers []netip.Addr) (*wire.Link, error) {
	var filter wire.Filter
	filter.Addrs, filter.MACs = check.Interest(j.addrs(), slices.Concat(j.ifi.Gateways, routers))
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

// beatsFor is how long the heartbeats of a cluster that answered are listened
// for: every host sends one in each period, and a little more.
const beatsFor = nlb.HeartbeatPeriod + 200*time.Millisecond

// seed is random: whoever cannot see this run's packets cannot answer them.
func seed() (s routerprobe.Seed) {
	rand.Read(s[:]) // which never fails
	return s
}

// probe runs the check of one job.
func (s *session) probe(ctx context.Context, n int, to event.Listener) error {
	j, o := s.jobs[n], s.o
	if j.remote {
		return s.ask(ctx, j, to)
	}
	cfg := check.Config{
		Interface: j.ifi.Name, MAC: j.ifi.MAC, Addresses: j.ifi.Prefixes,
		Timing: arpprobe.DefaultTiming(), RouterTest: routerprobe.DefaultTiming(),
		Controls: s.controls, Connections: oneConnection, Seed: seed(), Passive: o.passive, Listen: o.listen,
		Beats: beatsFor, IGMPQuery: o.igmp, Turns: &s.turns[n],
		Neighbours: func() []netip.Addr {
			ips, err := route.Neighbours(j.ifi.Index)
			if err != nil {
				return nil // there is no control then, and the findings say so
			}
			return ips
		},
	}
	if o.affin {
		cfg.Connections = manyConnections
	}
	cfg.Ports = o.tcp
	cfg.Timing.Wait = o.wait
	for _, ip := range s.routers {
		cfg.Routers = append(cfg.Routers, check.Router{IP: ip, Asked: true})
	}
	for _, ip := range j.ifi.Gateways {
		if !slices.Contains(s.routers, ip) {
			cfg.Routers = append(cfg.Routers, check.Router{IP: ip})
		}
	}
	return check.Run(ctx, s.links[n], cfg, j.addrs(), naming{to, j})
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
