package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/lab"
)

func newListCmd(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scenarios, one line each",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runList(io) },
	}
}

func runList(io stdio) error {
	w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for _, name := range lab.List() {
		s, err := lab.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\n", name, s.Description)
	}
	return w.Flush()
}
