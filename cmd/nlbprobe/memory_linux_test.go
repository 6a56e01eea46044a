package main

import (
	"bufio"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// pcapFile is a capture being written.
type pcapFile struct {
	t *testing.T
	w *bufio.Writer
	n int // frames
}

// writePcap writes a capture in a new folder: frames put adds to it, 10 us apart.
func writePcap(t *testing.T, begin time.Duration, frames func(p *pcapFile)) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	p := &pcapFile{t: t, w: bufio.NewWriter(f), n: int(begin / (10 * time.Microsecond))}
	p.write([]byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}) // pcap, Ethernet
	frames(p)
	if err := p.w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func (p *pcapFile) write(b []byte) {
	if _, err := p.w.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// put adds a frame of some parts.
func (p *pcapFile) put(parts ...[]byte) {
	n := 0
	for _, b := range parts {
		n += len(b)
	}
	head := binary.LittleEndian.AppendUint32(nil, 1_700_000_000+uint32(p.n/100_000))
	head = binary.LittleEndian.AppendUint32(head, uint32(p.n%100_000*10))
	head = binary.LittleEndian.AppendUint32(head, uint32(n))
	p.write(binary.LittleEndian.AppendUint32(head, uint32(n)))
	for _, b := range parts {
		p.write(b)
	}
	p.n++
}

// Addresses of the n-th host and VIP.
var (
	somebody = []byte{0, 0, 0x5e, 0, 0x53, 1}
	everyone = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

func hostMAC(n int) []byte { return []byte{0, 0, 0x5e, byte(n >> 16), byte(n >> 8), byte(n)} }
func hostIP(n int) []byte  { return []byte{198, 19 + byte(n>>16), byte(n >> 8), byte(n)} }
func vipIP(n int) []byte   { return []byte{198, 18, byte(n >> 8), byte(n)} }
func vipMAC(n int) []byte  { return append([]byte{3, 0xbf}, vipIP(n)...) }

// arp adds ARP: op 1 asks, 2 answers. An answer is for somebody.
func (p *pcapFile) arp(hardware, op byte, source, sender, ip, target []byte) {
	to := somebody
	if op == 1 {
		to = everyone
	}
	p.put(to, source, []byte{8, 6, 0, hardware, 8, 0, 6, 4, 0, op}, sender, ip, make([]byte, 6), target)
}

// The VIPs of a crowd are answered for with group MACs by so many hosts each.
func (p *pcapFile) vips(hosts int) {
	for h := range hosts {
		for v := range 1024 {
			p.arp(1, 2, hostMAC(0x900000+h), vipMAC(v), vipIP(v), hostIP(0xfffe))
		}
	}
}

// TestAnalyzeMemory: what a capture makes analyze remember is bounded, whatever is
// in it, and what all VIPs have in common is kept once, also for --write.
func TestAnalyzeMemory(t *testing.T) {
	bin := build(t)
	run := func(name string, args ...string) error { return exec.CommandContext(t.Context(), name, args...).Run() }
	for n, tt := range []struct {
		name   string
		most   int64 // KiB
		frames func(p *pcapFile)
	}{
		{"many VIPs", 48 << 10, func(p *pcapFile) { p.vips(1) }},
		{"many VIPs of many hosts, over and over", 64 << 10, func(p *pcapFile) {
			for range 6 {
				p.vips(64)
				for n := range 2000 { // ARP of a hardware type that there is none of
					p.arp(7, 2, hostMAC(0x910000+n), hostMAC(0x910000+n), hostIP(n), vipIP(0))
				}
			}
		}},
		{"many VIPs that everybody asks for", 64 << 10, func(p *pcapFile) {
			p.vips(1)
			for n := range 60_000 {
				p.arp(1, 1, hostMAC(n), hostMAC(n), hostIP(n), vipIP(n%1024))
			}
		}},
		{"many VIPs, and from each frame on another host", 64 << 10, func(p *pcapFile) {
			for n := range 20_000 {
				p.arp(1, 2, hostMAC(n), vipMAC(n%1024), vipIP(n%1024), hostIP(0xfffe))
			}
		}},
		{"heartbeats of clusters and hosts without end", 64 << 10, func(p *pcapFile) {
			p.vips(2)
			for n := range 20_000 {
				beat := append([]byte{0x88, 0x6f, 0xbf, 0x01, 0xde, 0xc0, 6, 2, 0, 0, byte(n%32 + 1), 0, 0, 0}, vipIP(n%2048)...)
				beat = append(append(beat, hostIP(n%100)...), make([]byte, 1476)...)
				binary.BigEndian.PutUint32(beat[22+12:], uint32(n))
				p.put(vipMAC(n%1024), hostMAC(0x900000+n%500), beat)
			}
		}},
		{"packets of everybody to many VIPs", 64 << 10, func(p *pcapFile) {
			p.vips(1)
			for n := range 20_000 {
				p.put(vipMAC(n%1024), hostMAC(n), []byte{byte(0x90 + n>>16), byte(n >> 8)}, make([]byte, 600))
			}
		}},
	} {
		file := writePcap(t, 0, tt.frames)
		runs := [][]string{{"analyze", file, "--write", filepath.Join(t.TempDir(), "kept.pcapng")}}
		if n < 2 {
			runs = append(runs, []string{"analyze", file, "-o", "json"}, []string{"analyze", file})
		}
		for _, args := range runs {
			peak := peakKiB(t, run, append([]string{bin}, args...))
			if peak > tt.most {
				t.Errorf("%s, %v: %d MiB", tt.name, args[2:], peak>>10)
			}
			t.Logf("%s, %v: %d KiB", tt.name, args[2:], peak)
		}
	}
	// Of many captures that follow each other one at a time is in memory; of the same
	// time all are, each in small pieces.
	for _, apart := range []time.Duration{time.Second, 0} {
		args := []string{bin, "analyze", "-o", "json"}
		for n := range 300 {
			args = append(args, writePcap(t, time.Duration(n)*apart, func(p *pcapFile) {
				p.arp(1, 2, hostMAC(0x900000), vipMAC(n%4), vipIP(n%4), hostIP(0xfffe))
			}))
		}
		peak := peakKiB(t, run, args)
		if peak > 64<<10 {
			t.Errorf("300 captures, %v apart: %d MiB", apart, peak>>10)
		}
		t.Logf("300 captures, %v apart: %d KiB", apart, peak)
	}
}
