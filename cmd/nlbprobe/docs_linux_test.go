package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestDocumentedCommands runs every command of the pages' sh blocks, in their
// order, on the prober of the practice cluster whose addresses the pages use. None
// may end as wrong usage does.
func TestDocumentedCommands(t *testing.T) {
	members := "device,port,platform\nacc1,Gi1/0/11,\nacc1,Gi1/0/12,\nlab-sw,Ethernet1,arista-eos:l2\n"
	running := "hostname acc1\narp 172.16.63.241 0300.5e11.1111 ARPA\nmac address-table static 0300.5e11.1111 vlan 63 interface GigabitEthernet1/0/10\n"
	total := 0
	for _, page := range documents(t) {
		var commands []documented
		for _, c := range commandsIn(t, page) {
			if c.run {
				commands = append(commands, c)
			}
		}
		total += len(commands)
		if len(commands) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, "cisco-example")
			dir := t.TempDir()
			for name, text := range map[string]string{"members.csv": members, "running-config.txt": running} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if status, _, errs := nlbprobe(t, l, "prober", labVIP, "--wait", "500ms", "--write", filepath.Join(dir, "ticket.pcapng")); status == exitUnknown {
				t.Fatalf("the capture of the ticket: %s", errs)
			}
			for _, c := range commands {
				cmd := l.Command(t.Context(), "prober", "sh", "-c", c.line)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				status := 0
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					status = exit.ExitCode()
				} else if err != nil {
					t.Fatal(err)
				}
				if status > exitCritical || !strings.HasPrefix(c.line, "nlbprobe ") || len(out) == 0 {
					t.Errorf("%s\nstatus %d\n%s", c.line, status, out)
				}
			}
		})
	}
	if total < 20 {
		t.Errorf("%d commands were found", total)
	}
}
