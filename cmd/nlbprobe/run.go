package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/privilege"
	"github.com/nlbprobe/nlbprobe/report"
)

// The exit statuses, those of monitoring plugins.
const (
	exitOK       = 0
	exitWarning  = 1
	exitCritical = 2
	exitUnknown  = 3
)

// stdio is what a run has from its process: where it reads and writes - results
// go to out, everything else to err - and how it gives up rights.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer

	// drop gives up the process's rights; nil keeps them, as in tests that run
	// commands in their own process.
	drop func(privilege.Identity) error
}

// statusError ends a run with an exit status. A nil err prints nothing: the
// report has already said it.
type statusError struct {
	status int
	err    error
	hint   string // what the user can do, on a line of its own; may be empty
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// run is the whole program: it runs the command that args name and returns the
// exit status. Nothing else in the program exits or touches os.Stdout.
func run(ctx context.Context, args []string, io stdio) int {
	err := guard.Safely(func() error { return execute(ctx, args, io) })
	if err == nil {
		return exitOK
	}
	if errors.Is(err, syscall.EPIPE) { // whoever read our output wants no more
		return exitUnknown
	}
	status, hint := exitUnknown, ""
	if e, ok := errors.AsType[*statusError](err); ok {
		if e.err == nil {
			return e.status
		}
		status, hint = e.status, e.hint
	}
	fmt.Fprintf(io.err, "nlbprobe: %s\n", cleanLines(err.Error()))
	if hint != "" {
		fmt.Fprintf(io.err, "nlbprobe: %s\n", hint)
	}
	return status
}

// cleanLines is report.Clean for a text of several lines.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = report.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// execute runs the command that args name.
func execute(ctx context.Context, args []string, io stdio) error {
	library := &sticky{Writer: io.out}
	root := newRootCmd(io)
	root.SetOut(library) // it has no way to return the errors of writing help
	if mayNameCommand(args) {
		addCommands(root, io)
	}
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	if library.err != nil {
		return fmt.Errorf("writing to standard output: %w", library.err)
	}
	return nil
}

// newRootCmd returns the command that probes, alone. It is built at every start,
// before the first frame is sent, so nothing here may read a file or parse a
// template.
func newRootCmd(io stdio) *cobra.Command {
	root := &cobra.Command{
		Use:               "nlbprobe VIP...",
		Short:             "Why does a Microsoft NLB cluster answer on its own subnet only?",
		Long:              rootLong,
		Example:           rootExample,
		Args:              cobra.ArbitraryArgs,
		Version:           version,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		SilenceErrors:     true,
		SilenceUsage:      true,
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetUsageTemplate(usageTemplate)
	root.SetVersionTemplate(versionLine())
	root.SetFlagErrorFunc(flagError)
	bindProbe(root, io)
	return root
}

// subcommands are the commands beside the probe, by name.
var subcommands = [...]struct {
	name string
	make func(stdio) *cobra.Command
}{
	{"analyze", newAnalyzeCmd},
	{"report", newReportCmd},
	{"mss", newMssCmd},
	{"render", newRenderCmd},
	{"platforms", newPlatformsCmd},
	{"mac", newMacCmd},
	{"explain", newExplainCmd},
	{"version", newVersionCmd},
}

// addCommands adds the subcommands, and with them cobra's own.
func addCommands(root *cobra.Command, io stdio) {
	root.CompletionOptions.DisableDefaultCmd = false
	for _, c := range subcommands {
		root.AddCommand(c.make(io))
	}
	root.SetHelpCommand(newHelpCmd())
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Args = nil
		c.RunE = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("no shell is called %q; there are bash, zsh, fish and powershell", clip(args[0]))
			}
			return errors.New("name the shell: nlbprobe completion bash, zsh, fish or powershell")
		}
	}
}

// commandNames are the words that stand for a command, cobra's own among them.
func commandNames() []string {
	names := []string{"help", "completion"}
	for _, c := range subcommands {
		names = append(names, c.name)
	}
	return names
}

// mayNameCommand reports whether args may be for a subcommand, or ask for help,
// which lists them. Where they are for a probe alone, its start is spared what
// the subcommands cost.
func mayNameCommand(args []string) bool {
	names := commandNames()
	return slices.ContainsFunc(args, func(a string) bool {
		long, isLong := strings.CutPrefix(a, "--")
		switch {
		case slices.Contains(names, a), strings.HasPrefix(a, cobra.ShellCompRequestCmd):
			return true
		case isLong:
			return strings.HasPrefix(long, "help")
		}
		return strings.HasPrefix(a, "-") && strings.Contains(a, "h") // among others, as in -vh
	})
}

// checkOutput refuses an --output that no command has.
func checkOutput(name string) error {
	if name != "text" && name != "json" {
		return fmt.Errorf("no output is called %q; there are text and json", clip(name))
	}
	return nil
}
