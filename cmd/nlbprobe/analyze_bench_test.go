package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture/capturetest"
)

// BenchmarkAnalyze times whole processes on a file of mixed traffic, one frame of
// 1000 of interest, in the page cache: nlbprobe analyze beside tcpdump's filter,
// tshark's, and cat, which does nothing but read. rss-KiB is the peak of one run,
// cpu-s/op the time of the processors, which others' load moves less.
//
// The file has BENCH_BYTES bytes of frames, 256 MiB where that is not set;
// scripts/bench.sh sets 4 GiB. Tshark gets a sixteenth of it: compare its MB/s.
func BenchmarkAnalyze(b *testing.B) {
	size := int64(256 << 20)
	if text := os.Getenv("BENCH_BYTES"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1<<20 {
			b.Fatalf("BENCH_BYTES=%s: a number of bytes, a MiB at least", text)
		}
		size = n
	}
	dir := b.TempDir()
	file := func(name string, format capturetest.Format, size int64) string {
		b.Helper()
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := capturetest.WriteMixed(f, format, size, 1); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		return path
	}
	pcap := file("mixed.pcap", capturetest.PCAP, size)
	slice := file("slice.pcap", capturetest.PCAP, size/16)
	nlbprobe := buildTool(b)
	tcpdump := []string{"tcpdump", "-r", pcap, "-w", os.DevNull}
	if os.Geteuid() == 0 {
		tcpdump = append(tcpdump, "-Z", "root") // else it gives its rights to the file away
	}
	programs := []struct {
		name string
		file string
		args []string
	}{
		{"nlbprobe", pcap, []string{nlbprobe, "analyze", "-o", "json", pcap}},
		{"tcpdump", pcap, append(tcpdump, "arp or igmp or ether proto 0x886f")},
		{"cat", pcap, []string{"cat", pcap}},
		{"tshark", slice, []string{"tshark", "-r", slice, "-Y", "arp"}},
	}
	for _, p := range programs {
		b.Run(p.name, func(b *testing.B) {
			if _, err := exec.LookPath(p.args[0]); err != nil {
				b.Skip(err)
			}
			info, err := os.Stat(p.file)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			var cpu time.Duration
			for b.Loop() {
				cmd := exec.Command(p.args[0], p.args[1:]...)
				var errs bytes.Buffer
				cmd.Stderr = &errs
				if p.name == "nlbprobe" {
					// What it found is worth a look: the cluster of the generator.
					out, _ := cmd.Output() // a sick cluster is not status 0
					if !bytes.Contains(out, []byte(`"mac":"03:bf:ac:10:3f:f1"`)) {
						b.Fatalf("%s%s", out, errs.Bytes())
					}
				} else if err := cmd.Run(); err != nil {
					b.Fatalf("%s: %v: %s", p.name, err, errs.Bytes())
				}
				cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(peakKiB(b, alone, p.args)), "rss-KiB")
		})
	}
}

// alone runs a program for what it costs, not for what it says.
func alone(name string, args ...string) error { return exec.Command(name, args...).Run() }

// buildTool makes the binary that users get.
func buildTool(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "nlbprobe")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
