package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/finding"
	saved "github.com/nlbprobe/nlbprobe/object"
	"github.com/nlbprobe/nlbprobe/report"
)

// newReportCmd returns `nlbprobe report`, which prints saved objects as text.
func newReportCmd(io stdio) *cobra.Command {
	verbose := false
	cmd := &cobra.Command{
		Use:   "report FILE...",
		Short: "Saved JSON as the text that the run printed, - for stdin",
		Long: `Read the objects that a probe, analyze or mss printed with -o json, and print
them as the text that the run would have printed: who answered, the verdict, the
evidence, the configuration and how to go on. Nothing is sent.

A FILE holds one object or several; - is standard input. What was only known "so
far" is left out, as nothing is waited for any more. The configuration follows
each VIP, where a run prints one for all VIPs of a cluster.

The exit status is that of the run; of several objects the worst counts. If an
object cannot be read, one line names it and the byte, what was read is printed
all the same, and the exit status is 3.`,
		Example: `  nlbprobe report monday.json
  sudo nlbprobe -o json 172.16.63.241 | tee monday.json | nlbprobe report -`,
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&verbose, "verbose", "v", false, "every finding with its evidence, cure and sources")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runReport(cmd.Context(), args, report.Style{Colour: wantColour(io.out), Verbose: verbose}, io)
	}
	return cmd
}

// savedFile is a file of objects.
type savedFile struct {
	name string
	r    io.Reader
}

// runReport prints the objects of the files, and returns a statusError with the
// worst exit status of their runs.
func runReport(ctx context.Context, args []string, style report.Style, io stdio) error {
	if len(args) == 0 {
		return errors.New("no file was given: nlbprobe report FILE..., - for standard input")
	}
	files, err := openSaved(ctx, args, io)
	if err != nil {
		return err
	}
	io.giveUp("")
	var severities []finding.Severity
	faults := false
	for _, f := range files {
		n := len(severities)
		err := eachSaved(ctx, f, func(o saved.Object) error {
			if len(severities) > 0 {
				if _, err := fmt.Fprintln(io.out); err != nil {
					return err
				}
			}
			severity, err := report.Again(report.NewText(io.out, style), o)
			severities = append(severities, severity)
			return err
		})
		if e, ok := errors.AsType[*unreadableError](err); ok {
			fmt.Fprintf(io.err, "nlbprobe: %s\n", report.Clean(e.Error()))
			faults = true
			continue
		}
		if err != nil {
			return err
		}
		if len(severities) == n {
			fmt.Fprintf(io.err, "nlbprobe: %s holds no object\n", report.Clean(f.name))
			faults = true
		}
	}
	if faults {
		return &statusError{status: exitUnknown}
	}
	return &statusError{status: finding.Worst(severities...).ExitStatus()}
}

// openSaved opens the files.
func openSaved(ctx context.Context, args []string, io stdio) ([]savedFile, error) {
	var files []savedFile
	stdin := 0
	for _, name := range args {
		if name == "-" {
			if f, ok := io.in.(*os.File); ok && isTerminal(f) {
				return nil, errors.New("standard input is a terminal: pipe objects into it, as nlbprobe -o json VIP does")
			}
			if stdin++; stdin > 1 {
				return nil, errors.New("- stands for standard input, which can be read only once")
			}
			files = append(files, savedFile{"standard input", io.in})
			continue
		}
		f, err := await(ctx, fmt.Sprintf("while %q was opened", clip(name)), func() (*os.File, error) { return os.Open(name) })
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", clip(name), errors.Unwrap(err))
		}
		files = append(files, savedFile{clip(name), f})
	}
	return files, nil
}

// unreadableError is what is wrong with a file of objects.
type unreadableError struct {
	name string
	err  error
}

func (e *unreadableError) Error() string { return e.name + ": " + e.err.Error() }

func (e *unreadableError) Unwrap() error { return e.err }

// eachSaved calls f for each object of a file.
func eachSaved(ctx context.Context, from savedFile, f func(saved.Object) error) error {
	d := saved.NewDecoder(from.r)
	for {
		o, err := await(ctx, fmt.Sprintf("while %q was read", from.name), d.Next)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && ctx.Err() != nil:
			return err
		case err != nil:
			return &unreadableError{from.name, err}
		}
		if err := f(o); err != nil {
			return err
		}
	}
}
