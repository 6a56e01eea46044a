package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
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
	a := newAnalysis(o, io, vips)
	if err := a.open(ctx); err != nil {
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
	k := &keeper{Listener: a.rec, off: o.write == ""}
	err = safely(func() error { return a.finish(k, ctx.Err() != nil) })
	if k.off {
		return err
	}
	return k.end(o.write, err)
}

// analysis is captures being read. The goroutine that reads holds mu while it
// takes a frame, the other one while it reports.
type analysis struct {
	o      *analyzeOptions
	io     stdio
	inputs []*input
	rec    *recorder
	prog   progress

	said int // counts what the captures say besides frames; the reading goroutine's

	mu      sync.Mutex
	replay  *replay.Replay
	place   []evidence.Item // what the captures say besides frames
	faults  []error
	known   int // how many facts that was
	skipped int // packets of theirs that are neither Ethernet frames nor hold IP
	stopped bool
	told    map[netip.Addr]string // what was reported of a VIP last
}

func newAnalysis(o *analyzeOptions, io stdio, vips []netip.Addr) *analysis {
	var handler report.Handler = report.NewText(io.out, report.Style{Colour: wantColour(io.out), Verbose: o.verbose})
	if o.output == "json" {
		handler = report.NewJSON(io.out)
	}
	a := &analysis{o: o, io: io, replay: replay.New(vips...), told: make(map[netip.Addr]string)}
	a.rec = &recorder{handler: handler, config: &o.config, json: o.output == "json"}
	a.replay.Heard = a.heard
	return a
}

// open opens the captures. One that cannot be opened is a fault like others, as
// long as there is one that can.
func (a *analysis) open(ctx context.Context) error {
	for _, name := range a.o.args {
		in, err := await(ctx, fmt.Sprintf("while the capture %q was opened", clip(name)), func() (*input, error) { return openInput(name, a.io.in) })
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			a.fault(err)
			continue
		}
		in.from, in.told = counting{in.from, &a.prog.done}, &a.said
		a.inputs = append(a.inputs, in)
	}
	if len(a.inputs) > 0 {
		return nil
	}
	if len(a.faults) == 1 {
		return a.faults[0]
	}
	for _, err := range a.faults {
		fmt.Fprintf(a.io.err, "nlbprobe: %s\n", report.Clean(err.Error()))
	}
	return errors.New("none of the captures can be opened")
}

func (a *analysis) close() {
	for _, in := range a.inputs {
		_ = in.close() // it was only read
	}
}

// maxFaults bounds the faults that are told; a capture has one or two.
const maxFaults = 1000

func (a *analysis) fault(err error) {
	if len(a.faults) < maxFaults {
		a.faults = append(a.faults, err)
	}
}

// heard tells of a new answer the moment it is met.
func (a *analysis) heard(ans event.Answer) {
	a.prog.clear()
	a.rec.Answer(ans)
}

// The times between two looks at the clock.
const (
	followEvery   = time.Second
	progressEvery = 200 * time.Millisecond
)

// read reads all captures to their end, or until the context ends.
func (a *analysis) read(ctx context.Context) {
	waits := slices.ContainsFunc(a.inputs, func(in *input) bool { return in.waits })
	a.prog.begin = time.Now()
	if f, ok := a.io.err.(*os.File); ok && isTerminal(f) && !a.o.follow {
		a.prog.out = f
	}
	for _, in := range a.inputs {
		a.prog.total += in.size
	}
	if waits {
		a.prog.total = 0
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := safely(func() error { a.readAll(waits); return nil }); err != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.fault(err) // what was read until then is told
		}
	}()
	every := progressEvery
	if a.o.follow {
		every = followEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			a.prog.clear()
			return
		case <-ctx.Done():
			a.mu.Lock()
			// A read of standard input may wait for ever: it is left behind, and
			// nothing it brings is used.
			a.stopped = true
			a.prog.clear()
			a.mu.Unlock()
			return
		case now := <-tick.C:
			a.mu.Lock()
			if a.o.follow {
				a.reportChanges()
			} else {
				a.prog.show(now)
			}
			a.mu.Unlock()
		}
	}
}

// batch is how many frames are taken with the lock held where no read waits:
// taking it costs as much as a frame does.
const batch = 256

// readAll reads every frame.
func (a *analysis) readAll(waits bool) {
	sources := make([]capture.Source, len(a.inputs))
	for i, in := range a.inputs {
		sources[i] = in
	}
	var source capture.Source = capture.NewMerge(sources...)
	if len(sources) == 1 {
		source = sources[0]
	}
	var f evidence.Frame
	more := true
	one := func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		more = a.take(err, &f) && !a.stopped
	}
	many := func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for n := 0; n < batch && more; n++ {
			more = a.take(source.Next(&f), &f)
		}
		more = more && !a.stopped
	}
	for more {
		if waits {
			one(source.Next(&f))
			continue
		}
		many()
	}
}

// take takes a frame, or the fault of a capture, and reports whether there may
// be more.
func (a *analysis) take(err error, f *evidence.Frame) bool {
	if a.stopped {
		return false
	}
	if a.said != a.known || err != nil {
		a.known = a.said
		a.gatherPlace()
	}
	switch {
	case err == nil:
		a.replay.Frame(f)
	case errors.Is(err, io.EOF):
		return false
	default:
		a.fault(err)
		return len(a.inputs) > 1 // a merge goes on with the others
	}
	return true
}

// gatherPlace puts together what the captures say besides frames.
func (a *analysis) gatherPlace() {
	a.place, a.skipped = nil, 0
	for _, in := range a.inputs {
		if in.reader != nil {
			a.place = append(a.place, in.reader.Facts()...)
			a.skipped += in.reader.Skipped()
		}
	}
	a.replay.Place(a.place)
}

// result judges a VIP by what was read so far.
func (a *analysis) result(vip netip.Addr) event.Result {
	items := a.replay.Items(vip, a.place)
	seen := a.replay.Seen()
	res := event.Result{
		VIP: vip, Items: items, Diagnosis: diagnose.VIP(vip, items),
		Start: seen.First, Elapsed: seen.Last.Sub(seen.First), Capture: a.captured(),
	}
	// Where the captures were taken at one place, the report names it as the live
	// one did.
	var places []string
	for _, it := range items {
		switch f := it.Fact.(type) {
		case evidence.Vantage:
			if !slices.Contains(places, f.Interface) {
				places = append(places, f.Interface)
			}
		case evidence.Listened:
			res.Passive = res.Passive || f.Passive
		}
	}
	if len(places) == 1 {
		res.Interface = places[0]
	}
	return res
}

// captured says what was read.
func (a *analysis) captured() *event.Capture {
	seen := a.replay.Seen()
	c := &event.Capture{Frames: seen.Frames, First: seen.First, Last: seen.Last, Carried: a.carried()}
	for _, in := range a.inputs {
		c.Files = append(c.Files, in.name)
	}
	for _, err := range a.faults {
		c.Faults = append(c.Faults, err.Error())
	}
	return c
}

// reportChanges tells of each VIP whose diagnosis is another than was told last.
func (a *analysis) reportChanges() {
	for _, vip := range a.replay.VIPs() {
		if !a.replay.Changed(vip) {
			continue
		}
		res := a.result(vip)
		said := gist(res.Diagnosis)
		if a.told[vip] == said {
			continue
		}
		a.told[vip] = said
		res.Capture.Open = true
		a.rec.Result(res)
	}
}

// gist is what makes a diagnosis worth telling again.
func gist(d diagnose.Diagnosis) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %v %v %d", d.Verdict, d.Severity, d.Cluster.MAC, d.Cluster.Mode, len(d.Cluster.Hosts))
	for _, r := range d.Routers {
		fmt.Fprintf(&b, " %v %d", r.IP, r.Reach)
	}
	for _, f := range d.Findings {
		fmt.Fprintf(&b, " %s %v", f.ID, f.Severity)
	}
	return b.String()
}

// span is the time from the first to the last of the items.
func span(items []evidence.Item) time.Duration {
	var first, last time.Time
	for _, it := range items {
		if first.IsZero() || it.First.Before(first) {
			first = it.First
		}
		if it.Last.After(last) {
			last = it.Last
		}
	}
	return last.Sub(first)
}

// finish reports every VIP to listener, says what was wrong with the captures,
// and returns the statusError.
func (a *analysis) finish(to *keeper, interrupted bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	// What was told on the way is not what counts.
	a.rec.severities, a.rec.needs = nil, nil
	vips := a.replay.VIPs()
	for _, vip := range vips {
		res := a.result(vip)
		res.Partial = interrupted
		to.Result(res)
	}
	say := func(format string, args ...any) {
		fmt.Fprintf(a.io.err, "nlbprobe: %s\n", report.Clean(fmt.Sprintf(format, args...)))
	}
	connections, more := a.replay.Connections()
	a.tellConnections(to, connections)
	for _, err := range a.faults {
		say("%v", err)
	}
	if more > 0 {
		say("of the connections with segments to look at the worst %d are told; others, none of them worse, were left out: %d", mss.MaxOfEvidence, more)
	}
	seen := a.replay.Seen()
	if seen.More > 0 {
		say("more than %d VIPs are shown: those with most against them are told, and %d signs of others were left out; name those to judge with --vip", replay.MaxVIPs, seen.More)
	}
	if a.skipped > 0 && len(a.faults) == 0 {
		say("packets left out as they are neither Ethernet frames nor hold IP: %d", a.skipped)
	}
	if carried := a.carried(); len(carried) > 0 && len(vips)+len(connections) == 0 {
		for _, c := range carried {
			say("frames that carry others by %s, into which nothing looked: %d; capture where they are not carried", c.By, c.Frames)
		}
	}
	if len(vips)+len(connections) == 0 && (seen.Frames > 0 || len(a.faults)+a.skipped == 0) {
		say("frames read: %d; in none of them a group MAC, or one that NLB derives, stands for an address; --vip IP judges any address", seen.Frames)
	}
	err := a.rec.end(nil)
	if status, ok := errors.AsType[*statusError](err); ok && status.err == nil && (len(a.faults) > 0 || seen.More > 0 && status.status != exitCritical) {
		return &statusError{status: exitUnknown} // there may be more than was read, or judged
	}
	return err
}

// tellConnections tells of connections, the worst first.
func (a *analysis) tellConnections(to *keeper, connections []mss.Followed) {
	type judged struct {
		of        mss.Followed
		diagnosis mss.Connection
	}
	var all []judged
	for _, c := range connections {
		if d := mss.Judge(c.Client, c.Server, c.Items); len(d.Findings) > 0 {
			all = append(all, judged{c, d})
		}
	}
	slices.SortStableFunc(all, func(x, y judged) int { return y.diagnosis.Severity.Compare(x.diagnosis.Severity) })
	for _, j := range all {
		to.keep(j.of.Items, j.diagnosis.Findings)
		a.rec.connection(event.Connection{Items: j.of.Items, Diagnosis: j.diagnosis, Capture: a.captured(), Elapsed: span(j.of.Items)})
	}
}

// carried are the frames that carry others.
func (a *analysis) carried() []event.Carried {
	var all []event.Carried
	for _, c := range a.replay.Carried() {
		all = append(all, event.Carried{By: c.By.String(), Frames: c.Frames})
	}
	return all
}
