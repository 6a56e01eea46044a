package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// peakKiB runs a program by GNU time and returns its largest memory in KiB, or 0
// where there is no such time. What the kernel tells this process of a child is
// never less than what this process had itself: a child begins in its memory.
func peakKiB(tb testing.TB, run func(name string, args ...string) error, program []string) int64 {
	tb.Helper()
	if _, err := exec.LookPath("time"); err != nil {
		tb.Log(err)
		return 0
	}
	file := filepath.Join(tb.TempDir(), "peak")
	_ = run("time", append([]string{"-q", "-f", "%M", "-o", file}, program...)...) // a sick cluster is not status 0
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Log(err)
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		tb.Log(err)
	}
	return n
}
