package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/lab"
)

// exitUnknown is the status of everything that is not the command's own.
const exitUnknown = 3

// stdio is where a run reads and writes, and what a command in the lab gets.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// statusError ends a run with the status of the command in the lab, which has
// said itself what there was to say.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is the whole program: it runs the command that args name and returns the
// exit status. Signals are handed to the command in the lab.
func run(args []string, io stdio, signals <-chan os.Signal) int {
	root := newRootCmd(io, signals)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[statusError](err); ok {
		return int(status)
	}
	fmt.Fprintf(io.err, "nlblab: %v\n", err)
	return exitUnknown
}

func newRootCmd(io stdio, signals <-chan os.Signal) *cobra.Command {
	root := &cobra.Command{
		Use:           "nlblab",
		Short:         "A practice NLB cluster in network namespaces",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("say what to do: list, show SCENARIO, run SCENARIO -- COMMAND or shell SCENARIO")
			case slices.Contains(lab.List(), args[0]):
				return fmt.Errorf("%s is a scenario: nlblab show %[1]s describes it, nlblab run %[1]s -- COMMAND runs a command in it", args[0])
			}
			return fmt.Errorf("no command is called %q: there are list, show, run and shell", args[0])
		},
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.AddCommand(newListCmd(io), newShowCmd(io), newRunCmd(io, signals), newShellCmd(io, signals), newInsideCmd(io))
	return root
}
