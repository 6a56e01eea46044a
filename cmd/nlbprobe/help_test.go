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

// A word that is no command is wrong usage for help too, and completion needs a
// shell.
func TestHelpOfNothing(t *testing.T) {
	for args, want := range map[string]string{
		"help nosuch":         "nlbprobe: no command is called \"nosuch\"\nnlbprobe: nlbprobe --help lists the commands\n",
		"help platform":       "nlbprobe: no command is called \"platform\"; did you mean \"platforms\"?\nnlbprobe: nlbprobe --help lists the commands\n",
		"help probe":          "nlbprobe: no command is called \"probe\": nlbprobe VIP probes\nnlbprobe: nlbprobe --help says how\n",
		"help render nosuch":  "nlbprobe: no command is called \"nosuch\"\nnlbprobe: nlbprobe --help lists the commands\n",
		"completion":          "nlbprobe: name the shell: nlbprobe completion bash, zsh, fish or powershell\n",
		"completion tcsh":     "nlbprobe: no shell is called \"tcsh\"; there are bash, zsh, fish and powershell\n",
		"help completion csh": "nlbprobe: no command is called \"csh\"\nnlbprobe: nlbprobe --help lists the commands\n",
	} {
		var out, errs bytes.Buffer
		status := run(t.Context(), strings.Fields(args), stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if status != exitUnknown || errs.String() != want || out.Len() > 0 {
			t.Errorf("%s: status %d, stderr %q, want %q; stdout %q", args, status, errs.String(), want, out.String())
		}
	}
	for _, args := range []string{"help render", "render --help", "completion bash", "help completion zsh", "--version"} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), strings.Fields(args), stdio{in: strings.NewReader(""), out: &out, err: &errs}); status != exitOK || errs.Len() > 0 || out.Len() == 0 {
			t.Errorf("%s: status %d, stderr %q", args, status, errs.String())
		}
	}
}
