package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// field returns what each thread of a process says in /proc/PID/status.
func field(t *testing.T, pid int, name string) []string {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for line := range strings.Lines(string(text)) {
			if value, found := strings.CutPrefix(line, name+":"); found {
				all = append(all, strings.Join(strings.Fields(value), " "))
			}
		}
	}
	if len(all) == 0 {
		t.Errorf("process %d says no %s", pid, name)
	}
	return all
}

// TestRightsGivenUp: once the link is open, a run as root is nobody's, without any
// capability, in each of its threads; and what it learns after that is all there.
// With --write it is the owner of the folder, and the file is that user's.
func TestRightsGivenUp(t *testing.T) {
	asRoot(t)
	bin := build(t)
	dir := t.TempDir()
	const user = 60123
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, user, user); err != nil {
		t.Fatal(err)
	}
	roots := t.TempDir()
	if err := os.Chmod(roots, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		why, write string
		uid        int
	}{
		{"nobody's", "", 65534},
		{"the folder's owner's", filepath.Join(dir, "evidence.pcapng"), user},
		{"root's without a capability", filepath.Join(roots, "evidence.pcapng"), 0},
	} {
		t.Run(tt.why, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, "multicast")
			args := []string{"--listen", "3s", "--wait", "9s", labVIP}
			if tt.write != "" {
				args = append(args, "--write", tt.write)
			}
			cmd := l.Command(t.Context(), "prober", bin, args...)
			cmd.Env = append(os.Environ(), "GOMAXPROCS=4")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				if strings.Contains(lines.Text(), "so far") {
					break
				}
			}
			for name, want := range map[string]string{
				"Uid": fmt.Sprintf("%d %[1]d %[1]d %[1]d", tt.uid), "CapEff": "0000000000000000", "CapPrm": "0000000000000000",
				"CapInh": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1",
			} {
				for _, got := range field(t, cmd.Process.Pid, name) {
					if got != want {
						t.Errorf("%s: %s, want %s", name, got, want)
					}
				}
			}
			// Interface, filter and counters are used after that: until the router is
			// judged and a period of heartbeats is over.
			report := ""
			for lines.Scan() {
				report += lines.Text() + "\n"
			}
			_ = cmd.Wait() // the status says it
			if cmd.ProcessState.ExitCode() != exitCritical || errs.Len() > 0 || !strings.Contains(report, labVIP+" local-only") || !strings.Contains(report, "heartbeats, the last heard") {
				t.Errorf("status %d, stderr %q, %s", cmd.ProcessState.ExitCode(), errs.String(), report)
			}
			if tt.write == "" {
				return
			}
			info, err := os.Stat(tt.write)
			if err != nil {
				t.Fatal(err)
			}
			if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != tt.uid || info.Mode() != 0o644 {
				t.Errorf("the file is %v of user %d", info.Mode(), s.Uid)
			}
			if frames := tshark(t, tt.write, "arp", "frame.number"); len(frames) == 0 {
				t.Error("no frame was kept")
			}
		})
	}
}

// A change window uses the links that the first try opened, and its end is that
// of a run that keeps its rights.
func TestRightsAndRetries(t *testing.T) {
	asRoot(t)
	l := labtest.Start(t, "multicast")
	bin := build(t)
	out, err := l.Command(t.Context(), "prober", bin, "--expect", "reachable", "--retry-for", "6s", labVIP).CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitCritical || !strings.Contains(string(out), "try 1: "+labVIP+" local-only") || strings.Contains(string(out), "permi") {
		t.Errorf("%v: %s", err, out)
	}
}

// A program with the right to raw frames and no other gives that up as well.
func TestFileRightGivenUp(t *testing.T) {
	asRoot(t)
	labtest.Tools(t, "setcap", "setpriv")
	l := labtest.Start(t, "multicast")
	dir := t.TempDir()
	bin := filepath.Join(dir, "nlbprobe")
	b, err := os.ReadFile(build(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(bin, b, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("setcap", "cap_net_raw+ep", bin).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := l.Command(t.Context(), "prober", "setpriv", "--reuid=60123", "--regid=60123", "--clear-groups", "--bounding-set=+net_raw", bin, "--listen", "1h", labVIP)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	seen := false
	for !seen && lines.Scan() {
		seen = strings.Contains(lines.Text(), "so far")
	}
	if !seen {
		t.Errorf("no answer: %s", errs.String())
	} else {
		for name, want := range map[string]string{"Uid": "60123 60123 60123 60123", "CapEff": "0000000000000000", "CapPrm": "0000000000000000", "NoNewPrivs": "1"} {
			for _, got := range field(t, cmd.Process.Pid, name) {
				if got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	for lines.Scan() {
	}
	_ = cmd.Wait() // the status says it
	if cmd.ProcessState.ExitCode() == 0 || errs.Len() > 0 {
		t.Errorf("status %d, stderr %q", cmd.ProcessState.ExitCode(), errs.String())
	}
}
