package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// build makes the binary that users get.
func build(tb testing.TB) string { return buildOf(tb, ".") }

// buildOf makes a binary of a folder, as the Makefile does.
func buildOf(tb testing.TB, folder string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, folder)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build %s: %v\n%s", folder, err, out)
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

// BenchmarkProbe times whole processes on the practice cluster, by turns: nlbprobe
// beside iputils arping and arp-scan, which ask the same VIP, and beside the
// least that could be built of the same libraries (testdata/floor).
// PROGRAM-first-ms is from the start of the process to the line with the first
// answer, in a pipe; PROGRAM-wall-ms to its end; both are medians.
// PROGRAM-rss-KiB is the peak of one run more.
func BenchmarkProbe(b *testing.B) {
	l := start(b, "cisco-example")
	const vip = "172.16.63.241"
	nlbprobe, port := build(b), l.Interface("prober")
	programs := []struct {
		name string
		args []string
	}{
		{"nlbprobe", []string{nlbprobe, vip}},
		{"version", []string{nlbprobe, "version"}}, // what starting costs
		{"floor", []string{buildOf(b, "./testdata/floor"), "-I", port, vip}},
		{"arping", []string{"arping", "-c1", "-f", "-I", port, vip}},
		{"arp-scan", []string{"arp-scan", "-I", port, vip}},
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p.args[0]); err != nil {
			b.Skip(err)
		}
	}
	first, wall := make([][]time.Duration, len(programs)), make([][]time.Duration, len(programs))
	for b.Loop() {
		for i, p := range programs {
			f, w := timed(b, l, p.args)
			first[i], wall[i] = append(first[i], f), append(wall[i], w)
		}
	}
	inLab := func(name string, args ...string) error {
		return l.Command(context.Background(), "prober", name, args...).Run()
	}
	for i, p := range programs {
		b.ReportMetric(median(first[i]), p.name+"-first-ms")
		b.ReportMetric(median(wall[i]), p.name+"-wall-ms")
		b.ReportMetric(float64(peakKiB(b, inLab, p.args)), p.name+"-rss-KiB")
	}
	b.ReportMetric(median(first[0])/median(first[3]), "times-arping")
	b.ReportMetric(median(first[0])/median(first[2]), "times-floor")
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}

// timed runs a program on the prober and returns when the first line that
// holds an answer came, and when it ended.
func timed(b *testing.B, l *lab.Lab, args []string) (first, wall time.Duration) {
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
	return first, wall
}
