package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/lab"
)

// Bad usage is one line on standard error and status 3; nothing is built.
func TestBadUsage(t *testing.T) {
	faulty := filepath.Join(t.TempDir(), "faulty.yaml")
	if err := os.WriteFile(faulty, []byte("description: d\nvip: 172.16.63.241\nrooters: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		want string
	}{
		{"", "say what to do: list, show SCENARIO, run SCENARIO -- COMMAND or shell SCENARIO"},
		{"lst", `no command is called "lst": there are list, show, run and shell`},
		{"multicast", "multicast is a scenario: nlblab show multicast describes it, nlblab run multicast -- COMMAND runs a command in it"},
		{"show multicast --host node9", `scenario multicast has no host "node9"; the nearest is "node1"`},
		{"list x", `unknown command "x" for "nlblab list"`},
		{"show", "give one scenario, not 0; nlblab list names them"},
		{"show a b", "give one scenario, not 2; nlblab list names them"},
		{"show multicats", `no scenario is called "multicats"; the nearest is "multicast"`},
		{"run", "give a scenario before the command; nlblab list names them"},
		{"run -- true", "give a scenario before the command; nlblab list names them"},
		{"run multicast", "give a command: nlblab run multicast -- COMMAND"},
		{"run multicast --", "give a command: nlblab run multicast -- COMMAND"},
		{"run multicast fixed -- true", `"fixed" stands before --, after one scenario`},
		{"run multicats -- true", `no scenario is called "multicats"; the nearest is "multicast"`},
		{"run ./none.yaml -- true", "open ./none.yaml: no such file or directory"},
		{"run " + faulty + " -- true", faulty + `: line 3: unknown field "rooters"`},
		{"run multicast --host node9 -- true", `scenario multicast has no host "node9"; the nearest is "node1"`},
		{"run multicast --host x -- true", `scenario multicast has no host "x"; it has prober, node1, node2, router, client, switch`},
		{"run multicast --hots node1 -- true", "unknown flag: --hots"},
		{"shell", "give one scenario, not 0; nlblab list names them"},
		{"shell multicast --host x", `scenario multicast has no host "x"; it has prober, node1, node2, router, client, switch`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			status := run(strings.Fields(tt.args), stdio{in: strings.NewReader(""), out: &out, err: &errs}, nil)
			if status != exitUnknown || out.Len() > 0 || errs.String() != "nlblab: "+tt.want+"\n" {
				t.Errorf("status %d, stdout %q, stderr\n got %q\nwant %q", status, out.String(), errs.String(), "nlblab: "+tt.want+"\n")
			}
		})
	}
}

// What list and show print, for every scenario.
func TestListAndShow(t *testing.T) {
	var got bytes.Buffer
	io := stdio{out: &got, err: &got}
	commands := [][]string{{"list"}}
	for _, name := range lab.List() {
		commands = append(commands, []string{"show", name})
	}
	for _, args := range commands {
		fmt.Fprintf(&got, "$ nlblab %s\n", strings.Join(args, " "))
		if status := run(args, io, nil); status != 0 {
			t.Errorf("%v: status %d", args, status)
		}
		fmt.Fprintln(&got)
	}
	goldentest.Compare(t, "testdata/show.txt", got.Bytes())
}
