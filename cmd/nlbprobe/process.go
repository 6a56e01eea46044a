package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long a run may take to tell what it has learnt once it was
// told to end. What keeps it longer is a reader of its output that reads no more.
const patience = 5 * time.Second

// mayWait reports whether a run with these arguments may wait for a file or for
// standard input before it sends anything.
func mayWait(args []string) bool {
	return mayNameCommand(args) || slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--ports-from") })
}

// watchSignals returns where the signals arrive that end a run.
func watchSignals() chan os.Signal {
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // as it is below nohup
		wanted = append(wanted, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, wanted...)
	return signals
}

// endBy ends the run at the first signal, by its context; the next one ends the
// process at once. SIGQUIT makes the exit status "unknown": the runtime would
// dump its goroutines and exit with 2, which is "critical" to a monitor.
func endBy(signals chan os.Signal, cancel context.CancelFunc, quit *atomic.Bool) {
	which := <-signals
	quit.Store(which == syscall.SIGQUIT)
	signal.Stop(signals)
	if which == os.Interrupt && isTerminal(os.Stderr) {
		fmt.Fprintln(os.Stderr) // the terminal has written ^C, and the report begins a line
	}
	cancel()
	time.Sleep(patience)
	fmt.Fprintf(os.Stderr, "nlbprobe: not over %v after it was told to end: given up\n", patience)
	os.Exit(exitUnknown)
}

// growStack makes the stack as large as a probe needs while there is little on
// it. It grows by doubling otherwise, and each time all that is on it is moved:
// before the first question that took as long as opening the socket.
//
//go:noinline
func growStack() byte {
	var room [16 << 10]byte
	return room[len(os.Args)%len(room)]
}
