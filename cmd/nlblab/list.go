package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/lab"
)

func newListCmd(std stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scenarios",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runList(std) },
	}
}

func runList(std stdio) error {
	names := lab.List()
	longest := 0
	for _, name := range names {
		longest = max(longest, len(name))
	}
	for _, name := range names {
		s, err := lab.Load(name)
		if err != nil {
			return err
		}
		writeWrapped(std.out, fmt.Sprintf("%-*s  ", longest, name), s.Description)
	}
	return nil
}

// columns is how wide lines are at most, where words allow it.
const columns = 80

// writeWrapped writes text behind a lead, on as many lines as it needs; those
// after the first are indented as far.
func writeWrapped(w io.Writer, lead, text string) {
	line, indent := lead, strings.Repeat(" ", len(lead))
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > columns:
			fmt.Fprintln(w, line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}
