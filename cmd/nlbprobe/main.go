//go:build !man

// Command nlbprobe finds out why a Microsoft NLB cluster answers on its own
// subnet and nowhere else, and prints the router configuration that cures it.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/nlbprobe/nlbprobe/privilege"
)

func main() {
	growStack()
	// A reader of our output that went away is an error of the write, as a full
	// disk is. Without this the process would end in the middle of a run, and
	// what --write was to keep would be gone.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	var quit atomic.Bool
	if mayWait(os.Args[1:]) {
		go endBy(watchSignals(), cancel, &quit)
	} else {
		// Beside the start of the run: the runtime's signal handling takes a
		// thread and a tenth of a millisecond, which the first answer need not
		// wait for.
		go func() { endBy(watchSignals(), cancel, &quit) }()
	}
	status := run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, drop: privilege.Drop})
	if quit.Load() {
		status = exitUnknown
	}
	os.Exit(status)
}
