package main

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever cobra would take for a subcommand, or for a wish for help, has the
// subcommands built; a probe has not.
func TestMayNameCommand(t *testing.T) {
	none := stdio{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	for line, want := range map[string]bool{
		"":                                   false,
		"172.16.63.241":                      false,
		"-i eth0 172.16.63.241 --tcp 80 -v":  false,
		"172.16.63.241 --platform cisco-ios": false,
		"renderer":                           false,
		"render --vip 172.16.63.241":         true,
		"-v analyze f.pcap":                  true,
		"-i eth0 mss a:1":                    true,
		"version":                            true,
		"help":                               true,
		"help render":                        true,
		"completion bash":                    true,
		"__complete rend":                    true,
		"__completeNoDesc rend":              true,
		"--help":                             true,
		"--help=true":                        true,
		"172.16.63.241 -vh":                  true,
		"-h":                                 true,
	} {
		args := strings.Fields(line)
		if got := mayNameCommand(args); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
		root := newRootCmd(none)
		addCommands(root, none)
		if cmd, _, err := root.Find(args); err == nil && cmd != root && !want {
			t.Errorf("%q: cobra takes it for %s", line, cmd.Name())
		}
	}
	for _, name := range commandNames() {
		if !mayNameCommand([]string{name}) {
			t.Errorf("%s is no command", name)
		}
	}
}
