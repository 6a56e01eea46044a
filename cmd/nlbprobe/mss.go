package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/tcpinfo"
)

// mssOptions is what `nlbprobe mss` is told.
type mssOptions struct {
	args    []string
	wait    time.Duration
	output  string
	verbose bool
}

// newMssCmd returns `nlbprobe mss`, which asks a service what segment size it
// takes.
func newMssCmd(io stdio) *cobra.Command {
	o := &mssOptions{}
	cmd := &cobra.Command{
		Use:   "mss HOST:PORT",
		Short: "Does a service take segments as long as Windows sends at least?",
		Long: `Connect to a service and say what TCP segment size (MSS) it takes. Windows sends
for no size below 536 bytes; a service that offers less, behind a link with a
small MTU, then loses the full segments of Windows senders while the handshake
works. An offer below 536 is legal: the floor is Windows' own.

It needs no right to raw frames: the kernel has read the answer to its SYN and
tells what came of it. Of an offer larger than the path carries it shows "or
more". One connection is opened, nothing is sent on it. In captures, nlbprobe
analyze shows the same, and the segments that are too long.`,
		Example: `  nlbprobe mss mail.example.net:25
  nlbprobe mss 172.16.63.241:443 -o json
  nlbprobe mss '[2001:db8::25]:25'`,
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.wait = 5 * time.Second
	f.Var((*seconds)(&o.wait), "wait", "the most `TIME` to spend")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text or json (one object per address and line)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "every finding with its evidence, cure and sources")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.args = args
		return runMss(cmd.Context(), o, io)
	}
	return cmd
}

// parseService reads HOST:PORT.
func parseService(arg string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(arg)
	if err != nil || host == "" {
		return "", 0, fmt.Errorf("%q is not HOST:PORT, as mail.example.net:25 or [2001:db8::25]:25", clip(arg))
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is not a port: 1 to 65535", clip(text))
	}
	return host, uint16(n), nil
}

// runMss asks every address of the host, reports, and returns a statusError.
func runMss(ctx context.Context, o *mssOptions, io stdio) error {
	switch {
	case len(o.args) != 1:
		return errors.New("one service is asked at a time: nlbprobe mss HOST:PORT")
	case o.wait < time.Millisecond || o.wait > time.Hour:
		return fmt.Errorf("--wait %v is not between 1ms and 1h", o.wait)
	}
	if err := checkOutput(o.output); err != nil {
		return err
	}
	host, port, err := parseService(o.args[0])
	if err != nil {
		return err
	}
	io.giveUp("")
	ctx, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	name := ""
	ip, err := netip.ParseAddr(host)
	ips := []netip.Addr{ip}
	if err != nil {
		if err := checkName(host); err != nil {
			return err
		}
		name = host
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return lookupError(host, err, nil)
		}
	}
	var handler report.Handler = report.NewText(io.out, report.Style{Colour: wantColour(io.out), Verbose: o.verbose})
	if o.output == "json" {
		handler = report.NewJSON(io.out)
	}
	var severities []diagnose.Severity
	for _, ip := range ips {
		server := netip.AddrPortFrom(ip.Unmap(), port)
		begin := time.Now()
		offer, err := tcpinfo.Dial(ctx, server)
		if err != nil {
			fmt.Fprintf(io.err, "nlbprobe: %s\n", report.Clean(mssError(server, o.wait, err)))
			severities = append(severities, diagnose.Unknown)
			continue
		}
		items := []evidence.Item{{Fact: offer, First: begin, Last: begin, Count: 1}}
		d := mss.Judge(offer.Dst, offer.Src, items)
		severities = append(severities, d.Severity)
		if err := handler.Connection(event.Connection{Name: name, Items: items, Diagnosis: d, Start: begin, Elapsed: time.Since(begin)}); err != nil {
			return err
		}
	}
	if err := handler.Close(); err != nil {
		return err
	}
	return &statusError{status: finding.Worst(severities...).ExitStatus()}
}

// mssError says why nothing was learnt of a service.
func mssError(server netip.AddrPort, wait time.Duration, err error) string {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return "mss needs Linux, whose kernel tells the segment size; in captures nlbprobe analyze finds it on every system"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Sprintf("%s did not answer within %v", server, wait)
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return fmt.Sprintf("connect to %s: %s", server, text)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
