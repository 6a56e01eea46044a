//go:build !man

// Command nlbprobe finds out why a Microsoft NLB cluster answers on its own
// subnet and nowhere else, and prints the router configuration that cures it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	growStack()
	ctx, cancel := context.WithCancel(context.Background())
	// Beside the start of the run: the runtime's signal handling takes a
	// thread and a tenth of a millisecond, which the first answer need not wait
	// for.
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		<-signals
		signal.Stop(signals) // the next one ends the process at once
		cancel()
	}()
	os.Exit(run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
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
