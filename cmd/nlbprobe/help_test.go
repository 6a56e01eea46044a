package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// TestHelp: every command says what it is in 80 columns.
func TestHelp(t *testing.T) {
	seen := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		// Completion and its shells are cobra's own words.
		if c.Name() == "completion" || c.Name() == "help" {
			return
		}
		seen++
		path := strings.Fields(c.CommandPath())[1:]
		var out, errs bytes.Buffer
		status := run(t.Context(), append(path, "--help"), stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if status != exitOK || errs.Len() > 0 {
			t.Errorf("%v --help: status %d, %q", path, status, errs.String())
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%v --help: %d columns: %s", path, n, line)
			}
		}
		if c.Short == "" || !strings.Contains(out.String(), "Usage:") {
			t.Errorf("%v --help says nothing", path)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	none := stdio{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	root := newRootCmd(none)
	addCommands(root, none)
	walk(root)
	if seen < 5 {
		t.Errorf("%d commands", seen)
	}
	var out bytes.Buffer
	run(t.Context(), []string{"help"}, stdio{in: strings.NewReader(""), out: &out, err: &out})
	golden(t, "help/root.txt", out.Bytes())
}
