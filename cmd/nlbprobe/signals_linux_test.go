package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waitsIn returns once a thread of the process waits in one of the system calls,
// by number.
func waitsIn(t *testing.T, pid int, calls ...int) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
		for _, file := range threads {
			text, _ := os.ReadFile(file) // a thread may be gone
			for _, call := range calls {
				if strings.HasPrefix(string(text), fmt.Sprintf("%d ", call)) {
					return
				}
			}
		}
	}
	t.Errorf("process %d never waited in the system calls %v", pid, calls)
}

// TestSignalsEndWaits: the first signal ends whatever is waited for, with one
// line and status 3.
func TestSignalsEndWaits(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	render := "render cisco-ios 192.0.2.1 03bf.c000.0201 --vlan 20 --port Gi1/0/1"
	opens := []int{syscall.SYS_OPENAT}
	reads := []int{syscall.SYS_READ}
	for _, tt := range []struct {
		args string
		in   []int
		said string
	}{
		{"analyze " + fifo, opens, "while the capture"},
		{render + " --diff " + fifo, opens, "while --diff"},
		{render + " --diff -", reads, `while --diff "-" was read`},
		{"render cisco-ios:l2 192.0.2.1 03bf.c000.0201 --ports-from -", reads, `while --ports-from "-" was read`},
		{"render cisco-ios:l2 192.0.2.1 03bf.c000.0201 --ports-from " + fifo, opens, "while --ports-from"},
		{"192.0.2.1 --ports-from " + fifo, opens, "while --ports-from"},
		{"platforms --check " + fifo, opens, "while platform file"},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
			t.Run(fmt.Sprintf("%v/%s", sig, tt.args), func(t *testing.T) {
				t.Parallel()
				cmd := exec.CommandContext(t.Context(), "nlbprobe", strings.Fields(tt.args)...)
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				defer w.Close() // nothing ever comes from it
				var out, errs bytes.Buffer
				cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &out, &errs
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				waitsIn(t, cmd.Process.Pid, tt.in...)
				begin := time.Now()
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // the status says it
				if took := time.Since(begin); took > patience {
					t.Errorf("it took %v to end", took)
				}
				if got := cmd.ProcessState.ExitCode(); got != exitUnknown || out.Len() > 0 ||
					!strings.Contains(errs.String(), "interrupted "+tt.said) || strings.Count(errs.String(), "\n") != 1 {
					t.Errorf("status %d, stdout %q, stderr %q", got, out.String(), errs.String())
				}
			})
		}
	}
}

// A reader of the output that reads no more keeps no run that was told to end.
func TestSignalWhileWriting(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// A pipe with room for one byte of what is to come.
	if _, err := w.Write(make([]byte, 1<<16-1)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "nlbprobe", "platforms", "-o", "json")
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	waitsIn(t, cmd.Process.Pid, syscall.SYS_WRITE)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status says it
	if got := cmd.ProcessState.ExitCode(); got != exitUnknown || !strings.Contains(errs.String(), "given up") {
		t.Errorf("status %d, stderr %q", got, errs.String())
	}
	_, _ = io.Copy(io.Discard, r)
}
