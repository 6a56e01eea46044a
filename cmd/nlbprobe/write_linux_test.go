package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// TestWriteCutShort: however a run ends, the evidence so far is in the file, or
// there is no file.
func TestWriteCutShort(t *testing.T) {
	l := labtest.Start(t, "multicast")
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "evidence.pcapng")
			cmd := l.Command(t.Context(), "prober", "nlbprobe", "--listen", "1h", "--write", file, labVIP)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			for line := ""; !strings.Contains(line, "so far"); {
				if line, err = lines.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Error(err)
			}
			report, err := io.ReadAll(lines)
			if err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // the status says it
			if sig == syscall.SIGKILL {
				if left := names(t, dir); len(left) != 0 {
					t.Errorf("left behind: %q", left)
				}
				return
			}
			if got := cmd.ProcessState.ExitCode(); sig == syscall.SIGQUIT && got != exitUnknown || got < 0 {
				t.Errorf("status %d", got)
			}
			if !strings.Contains(string(report), "VERDICT") {
				t.Errorf("what was learnt is not told: %q", report)
			}
			if frames := tshark(t, file, "arp", "frame.number"); len(frames) == 0 {
				t.Error("no frame was kept")
			}
		})
	}
	t.Run("nobody reads", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "evidence.pcapng")
		cmd := l.Command(t.Context(), "prober", "nlbprobe", "--write", file, labVIP)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
			t.Error(err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // the status says it
		if got := cmd.ProcessState.ExitCode(); got != exitUnknown || errs.Len() > 0 {
			t.Errorf("status %d, stderr %q", got, errs.String())
		}
		if frames := tshark(t, file, "arp || icmp", "frame.number"); len(frames) < 5 {
			t.Errorf("%d frames were kept", len(frames))
		}
	})
}
