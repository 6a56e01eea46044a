package main

import (
	"bufio"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// crowd writes a capture in which 1,024 addresses are answered for with group
// MACs by so many hosts each, all of it so many times over, beside 2,000 ARP
// frames of a hardware type that there is none of.
func crowd(t *testing.T, hosts, times int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "crowd.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	write := func(b []byte) {
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}) // pcap, Ethernet
	n := 0
	frame := func(hardware byte, source [6]byte, sender [6]byte, ip [4]byte) {
		head := binary.LittleEndian.AppendUint32(nil, 1_700_000_000)
		head = binary.LittleEndian.AppendUint32(head, uint32(n%1_000_000))
		write(append(head, 42, 0, 0, 0, 42, 0, 0, 0))
		b := append([]byte{0, 0, 0x5e, 0, 0x53, 1}, source[:]...)
		b = append(b, 8, 6, 0, hardware, 8, 0, 6, 4, 0, 2)
		b = append(append(b, sender[:]...), ip[:]...)
		write(append(b, 0, 0, 0x5e, 0, 0x53, 1, 198, 19, 255, 254))
		n++
	}
	for range times {
		for h := range hosts {
			for v := range 1024 {
				ip := [4]byte{198, 18, byte(v >> 8), byte(v)}
				frame(1, [6]byte{0, 0, 0x5e, 0x90, byte(h >> 8), byte(h)}, [6]byte{3, 0xbf, ip[0], ip[1], ip[2], ip[3]}, ip)
			}
		}
		for b := range 2000 {
			source := [6]byte{0, 0, 0x5e, 0x91, byte(b >> 8), byte(b)}
			frame(7, source, source, [4]byte{198, 19, byte(b >> 8), byte(b)})
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestAnalyzeMemory: what a capture makes analyze remember is bounded, whatever is
// in it, and what all VIPs have in common is kept once, also for --write.
func TestAnalyzeMemory(t *testing.T) {
	bin := build(t)
	run := func(name string, args ...string) error { return exec.CommandContext(t.Context(), name, args...).Run() }
	for _, tt := range []struct {
		name         string
		hosts, times int
		most         int64 // KiB
	}{
		{"many VIPs", 1, 1, 48 << 10},
		{"many VIPs of many hosts, over and over", 64, 6, 64 << 10},
	} {
		file := crowd(t, tt.hosts, tt.times)
		for _, args := range [][]string{{"analyze", file, "-o", "json"}, {"analyze", file}, {"analyze", file, "--write", filepath.Join(t.TempDir(), "kept.pcapng")}} {
			peak := peakKiB(t, run, append([]string{bin}, args...))
			if peak > tt.most {
				t.Errorf("%s, %v: %d MiB", tt.name, args[2:], peak>>10)
			}
			t.Logf("%s, %v: %d KiB", tt.name, args[2:], peak)
		}
	}
}
