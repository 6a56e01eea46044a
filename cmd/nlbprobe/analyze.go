package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/analysis"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/replay"
	"github.com/nlbprobe/nlbprobe/report"
)

// analyzeOptions is what `nlbprobe analyze` is told.
type analyzeOptions struct {
	args    []string
	vips    []string
	follow  bool
	write   newFile
	output  string
	verbose bool
	config  configOptions
}

// newAnalyzeCmd returns `nlbprobe analyze`, the diagnosis from captures.
func newAnalyzeCmd(io stdio) *cobra.Command {
	o := &analyzeOptions{}
	cmd := &cobra.Command{
		Use:   "analyze FILE...",
		Short: "The same diagnosis from captures: pcap or pcapng, - for stdin",
		Long: `Read captures and say of every VIP in them what a live probe would say, as far
as the frames prove it. Nothing is sent, and it runs on every system.

A FILE is pcap or pcapng, as it is or compressed with gzip or zstd; - is
standard input. Several are read as one, in the order of time. Ethernet and
Linux cooked captures (tcpdump -i any) are read, with VLAN tags, cut frames and
times in nanoseconds; of PPP, tunnels and raw IP the sizes of TCP segments. A
file that nlbprobe --write left also says from where it was taken and what was
asked, and gives the diagnosis of that run. In others' captures more stays
open: the verdict is "seen" where presence is all that is proven.

The exit status is that of a probe. Where a capture cannot be read to its end,
one line names the byte at fault, what was read is reported all the same, and
the exit status is 3.`,
		Example: `  nlbprobe analyze switch-port.pcapng
  nlbprobe analyze --vip 172.16.63.241 monday.pcap.gz tuesday.pcap.zst
  sudo tcpdump -i eth0 -U -w - | nlbprobe analyze - --follow`,
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var((*texts)(&o.vips), "vip", "judge the VIP `IP` only, repeatable (default: every one that is found)")
	f.BoolVar(&o.follow, "follow", false, "report as it goes, whenever a diagnosis changes")
	f.Var(&o.write, "write", "keep the frames that the verdict rests on in `FILE`, a new pcapng, with the findings as comments")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text or json (one object per VIP and line)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "every finding with its evidence, cure and sources")
	o.config.device.bind(f)
	o.config.device.files.notes, o.config.device.files.mu = io.err, new(sync.Mutex)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.args = args
		o.config.given = o.config.device.given(f)
		return runAnalyze(cmd.Context(), o, io)
	}
	return cmd
}

func (o *analyzeOptions) check() error {
	stdin := 0
	for _, a := range o.args {
		if a == "-" {
			stdin++
		}
	}
	if o.config.device.portsFrom == "-" {
		stdin++
	}
	switch {
	case len(o.args) == 0:
		return errors.New("no capture was given: nlbprobe analyze FILE..., - for standard input")
	case stdin > 1:
		return errors.New("- stands for standard input, which can be read only once")
	}
	return checkOutput(o.output)
}

// analyzeMemory is how much memory the runtime is to use, in bytes. What must be
// remembered of a capture is bounded well below; without this the runtime would
// let as much again of what is not needed any more gather.
const analyzeMemory = 46 << 20

// runAnalyze reads the captures, reports, and returns a statusError with the
// exit status.
func runAnalyze(ctx context.Context, o *analyzeOptions, io stdio) error {
	if err := o.check(); err != nil {
		return err
	}
	vips, err := parseIPs("--vip", "a VIP", o.vips)
	if err != nil {
		return err
	}
	some := []named{{vip: netip.AddrFrom4([4]byte{192, 0, 2, 1})}}
	for i, vip := range vips {
		some = append(some[:i], named{vip: vip})
	}
	if err := o.config.device.prepare(ctx, io.in); err != nil {
		return err
	}
	if err := o.config.validate(some, io.err); err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(analyzeMemory)
	}
	a, err := openAnalysis(ctx, o, io, vips)
	if err != nil {
		return err
	}
	defer a.close()
	if o.write != "" {
		if err := o.write.checkNew(); err != nil {
			return err
		}
	}
	o.config.device.files.prepare()
	io.giveUp(o.write)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.write == "" {
		a.rec.gone = cancel // nobody is left to tell
	}
	a.read(ctx)
	k := &frameRecorder{Listener: a.rec, off: o.write == "", errs: io.err}
	err = guard.Safely(func() error { return a.finish(k, ctx.Err() != nil) })
	if k.off {
		return err
	}
	return k.end(o.write, err)
}

// reading is captures being read and reported.
type reading struct {
	of    *analysis.Analysis
	files []*captureFile
	o     *analyzeOptions
	io    stdio
	rec   *recorder
	prog  progress
}

// openAnalysis opens the captures. One that cannot be opened is a fault like others,
// as long as there is one that can.
func openAnalysis(ctx context.Context, o *analyzeOptions, io stdio, vips []netip.Addr) (*reading, error) {
	var handler report.Handler = report.NewText(io.out, report.Style{Colour: wantColour(io.out), Verbose: o.verbose})
	if o.output == "json" {
		handler = report.NewJSON(io.out)
	}
	a := &reading{o: o, io: io, rec: &recorder{handler: handler, config: &o.config, json: o.output == "json"}}
	var inputs []analysis.Input
	var faults []error
	for _, name := range o.args {
		f, err := await(ctx, fmt.Sprintf("while the capture %q was opened", clip(name)), func() (*captureFile, error) { return openCapture(name, io.in) })
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		f.From = counting{f.From, &a.prog.done}
		a.files, inputs = append(a.files, f), append(inputs, f.Input)
	}
	if len(inputs) == 0 {
		if len(faults) == 1 {
			return nil, faults[0]
		}
		for _, err := range faults {
			fmt.Fprintf(io.err, "nlbprobe: %s\n", report.Clean(err.Error()))
		}
		return nil, errors.New("none of the captures can be opened")
	}
	a.of = analysis.New(inputs, vips...)
	a.of.Heard = a.heard
	for _, err := range faults {
		a.of.Fault(err)
	}
	return a, nil
}

func (a *reading) close() {
	for _, f := range a.files {
		_ = f.close() // it was only read
	}
}

// heard tells of a new answer the moment it is met.
func (a *reading) heard(ans event.Answer) {
	a.prog.clear()
	a.rec.Answer(ans)
}

// The times between two looks at the clock.
const (
	followEvery   = time.Second
	progressEvery = 200 * time.Millisecond
)

// read reads all captures to their end, or until the context ends.
func (a *reading) read(ctx context.Context) {
	a.prog.begin = time.Now()
	if f, ok := a.io.err.(*os.File); ok && isTerminal(f) && !a.o.follow {
		a.prog.out = f
	}
	for _, f := range a.files {
		a.prog.total += f.size
	}
	if slices.ContainsFunc(a.files, func(f *captureFile) bool { return f.Waits }) {
		a.prog.total = 0
	}
	every := progressEvery
	if a.o.follow {
		every = followEvery
	}
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	a.of.Read(ctx, ticks.C, func(now time.Time) {
		if !a.o.follow {
			a.prog.show(now)
			return
		}
		for r := range a.of.Changes() {
			a.rec.Result(r)
		}
	})
	a.prog.clear()
}

// finish reports every VIP to listener, says what was wrong with the captures,
// and returns the statusError.
func (a *reading) finish(to *frameRecorder, interrupted bool) error {
	// What was told on the way is not what counts.
	a.rec.severities, a.rec.needs = nil, nil
	vips := 0
	for r := range a.of.Results(interrupted) {
		to.Result(r)
		vips++
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(a.io.err, "nlbprobe: %s\n", report.Clean(fmt.Sprintf(format, args...)))
	}
	connections, more := a.of.Connections()
	for _, c := range connections {
		to.keep(c.Items, c.Diagnosis.Findings)
		a.rec.connection(c)
	}
	faults, skipped, seen := a.of.Faults(), a.of.Skipped(), a.of.Seen()
	for _, err := range faults {
		say("%v", err)
	}
	if more > 0 {
		say("of the connections with segments to look at the worst %d are told; others, none of them worse, were left out: %d", mss.MaxOfEvidence, more)
	}
	if seen.More > 0 {
		say("more than %d VIPs are shown: those with most against them are told, and %d signs of others were left out; name those to judge with --vip", replay.MaxVIPs, seen.More)
	}
	if skipped > 0 && len(faults) == 0 {
		say("packets left out as they are neither Ethernet frames nor hold IP: %d", skipped)
	}
	if carried := a.of.Carried(); len(carried) > 0 && vips+len(connections) == 0 {
		for _, c := range carried {
			say("frames that carry others by %s, into which nothing looked: %d; capture where they are not carried", c.By, c.Frames)
		}
	}
	if vips+len(connections) == 0 && (seen.Frames > 0 || len(faults)+skipped == 0) {
		say("frames read: %d; in none of them a group MAC, or one that NLB derives, stands for an address; --vip IP judges any address", seen.Frames)
	}
	err := a.rec.end(nil)
	if status, ok := errors.AsType[*statusError](err); ok && status.err == nil && (len(faults) > 0 || seen.More > 0 && status.status != exitCritical) {
		return &statusError{status: exitUnknown} // there may be more than was read, or judged
	}
	return err
}
