// Command nlblab builds a practice NLB cluster in network namespaces and runs
// a command in one of its hosts.
//
// # Exit status
//
// run and shell exit with the status of the command: 128 and the signal's
// number when a signal ended it, 127 when it was not found and 126 when it
// could not be started. Bad usage, a faulty scenario and a system that allows
// no namespaces give 3.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Signals are the command's to obey. One that the caller had ignored, as
	// a shell does for a job in the background, stays ignored.
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	os.Exit(run(os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}, signals))
}
