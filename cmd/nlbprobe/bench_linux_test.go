package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// build makes the binary that users get.
func build(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "nlbprobe")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// start builds the practice cluster of a scenario for the length of a test.
func start(tb testing.TB, scenario string) *lab.Lab {
	tb.Helper()
	labtest.Require(tb)
	s, err := lab.Load(scenario)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := lab.Start(context.Background(), s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

// BenchmarkProbe times whole processes on the practice cluster: nlbprobe
// beside iputils arping and arp-scan, which ask the same VIP. first-ms is from
// the start of the process to the line with the first answer, in a pipe;
// wall-ms to its end; both are medians. rss-KiB is the largest peak.
func BenchmarkProbe(b *testing.B) {
	l := start(b, "cisco-example")
	const vip = "172.16.63.241"
	programs := []struct {
		name string
		args []string
	}{
		{"nlbprobe", []string{build(b), vip}},
		{"version", []string{build(b), "version"}}, // what starting costs
		{"arping", []string{"arping", "-c1", "-f", "-I", l.Interface("prober"), vip}},
		{"arp-scan", []string{"arp-scan", "-I", l.Interface("prober"), vip}},
	}
	for _, p := range programs {
		b.Run(p.name, func(b *testing.B) {
			if _, err := exec.LookPath(p.args[0]); err != nil {
				b.Skip(err)
			}
			var first, wall []time.Duration
			var rss int64
			for b.Loop() {
				f, w, r := timed(b, l, p.args)
				first, wall, rss = append(first, f), append(wall, w), max(rss, r)
			}
			b.ReportMetric(median(first), "first-ms")
			b.ReportMetric(median(wall), "wall-ms")
			b.ReportMetric(float64(rss), "rss-KiB")
		})
	}
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}

// timed runs a program on the prober and returns when the first line that
// holds an answer came, when it ended, and its peak memory in KiB.
func timed(b *testing.B, l *lab.Lab, args []string) (first, wall time.Duration, rss int64) {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	cmd := l.Command(context.Background(), "prober", args[0], args[1:]...)
	cmd.Stdout = w
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	w.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if first == 0 && (bytes.Contains(lines.Bytes(), []byte("03:00:5")) || bytes.Contains(lines.Bytes(), []byte("03:00:5E")) ||
			bytes.HasPrefix(lines.Bytes(), []byte("Unicast reply")) || args[1] == "version") {
			first = time.Since(begin)
		}
	}
	_ = cmd.Wait() // a sick cluster is not status 0
	wall = time.Since(begin)
	if first == 0 {
		b.Fatalf("%v printed no answer", args)
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		rss = u.Maxrss
	}
	return first, wall, rss
}
