package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestWrite: tshark reads the file that --write leaves without complaint, and
// shows the findings with the packets. That the file gives the same diagnosis,
// TestScenarios holds for every practice cluster.
func TestWrite(t *testing.T) {
	tests := []struct {
		scenario string
		args     []string
	}{
		{"strict-router", nil},
		{"two-routers-one-fixed", []string{"--router", "172.16.63.1", "--router", "172.16.63.2"}},
		{"affinity-none", []string{"--tcp", "80", "--affinity"}},
		{"learnt-unicast", nil},
		{"vrrp-pair", nil},
		{"silent", []string{"--wait", "1s"}},
	}
	for _, tt := range tests {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			file := filepath.Join(t.TempDir(), "evidence.pcapng")
			_, stdout, stderr := nlbprobe(t, l, "prober", append(tt.args, "-o", "json", "--write", file, labVIP)...)
			all := objects(t, stdout)
			if len(all) != 1 || stderr != "" {
				t.Fatalf("stdout %q, stderr %q", stdout, stderr)
			}
			if bad := tshark(t, file, "_ws.malformed || ip.checksum.status == 0 || icmp.checksum.status == 0 || tcp.checksum.status == 0", "frame.number"); len(bad) > 0 {
				t.Errorf("tshark finds fault with frames %v", bad)
			}
			comments := tshark(t, file, "frame.comment contains \"nlbprobe\"", "frame.comment")
			if len(comments) == 0 && all[0].Verdict != "silent" {
				t.Error("no packet has a comment")
			}
		})
	}
}

// A file that is there is not touched, and nothing is sent for nothing.
func TestWriteExisting(t *testing.T) {
	l := labtest.Start(t, "multicast")
	file := filepath.Join(t.TempDir(), "evidence.pcapng")
	if err := os.WriteFile(file, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := nlbprobe(t, l, "prober", "--write", file, labVIP)
	if status != exitUnknown || stdout != "" || !strings.Contains(stderr, "the file exists") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "somebody's" {
		t.Errorf("%q, %v", b, err)
	}
	status, _, stderr = nlbprobe(t, l, "prober", "--write", filepath.Join(file, "x"), labVIP)
	if status != exitUnknown || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}
