package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// parseHex reads a capture that is written in hexadecimal, with remarks in lines
// that begin with #.
func parseHex(text string) ([]byte, error) {
	var digits strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	return hex.DecodeString(digits.String())
}

// unhex reads one of testdata/hostile.
func unhex(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "hostile", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseHex(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// analyze runs the command on files, in their folder, so that no path of this
// machine shows.
func analyze(t testing.TB, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	if dir != "." {
		t.Chdir(dir)
	}
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"analyze"}, args...), stdio{in: strings.NewReader(""), out: &out, err: &errs})
	return status, out.String(), errs.String()
}

// TestHostileCaptures: each capture in testdata/hostile is named after what it
// attacks. What was read is reported, the fault is told in one line, and the
// exit status says it; beside each stands what comes out.
func TestHostileCaptures(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.hex")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d captures, %v", len(files), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".hex")
		t.Run(name, func(t *testing.T) {
			capture := unhex(t, name)
			home, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), capture, 0o600); err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := analyze(t, dir, name)
			t.Chdir(home)
			if n := strings.Count(stderr, "\n"); n > 1 || strings.ContainsAny(stderr+stdout, "\x1b\a\r") {
				t.Errorf("%d lines of errors, or what a terminal obeys: %q", n, stderr)
			}
			short, _, _ := strings.Cut(stdout, "\ninfo ")
			short, _, _ = strings.Cut(short, "\nwarning ")
			golden(t, "hostile/"+name+".txt", fmt.Appendf(nil, "exit status %d\n-- stderr\n%s-- stdout, its begin\n%s", status, stderr, short))
		})
	}
}

// bomb is a capture of 256 MiB, of which nearly nothing is left when it is
// compressed.
func bomb() []byte {
	head := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0} // pcap, Ethernet
	packet := make([]byte, 16, 64<<10)
	binary.LittleEndian.PutUint32(packet, 1_700_000_000)
	binary.LittleEndian.PutUint32(packet[8:], 64<<10-16)
	binary.LittleEndian.PutUint32(packet[12:], 64<<10-16)
	return append(head, bytes.Repeat(packet[:cap(packet)], 4<<10)...)
}

// A bomb is given up on in constant memory, and the good file beside it is read.
func TestBombs(t *testing.T) {
	good := unhex(t, "time-backwards")
	dir := t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good.pcap", good)
	var g, z bytes.Buffer
	gz := gzip.NewWriter(&g)
	zs, err := zstd.NewWriter(&z)
	if err != nil {
		t.Fatal(err)
	}
	all := bomb()
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{gz, zs} {
		if _, err := w.Write(all); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("bomb.gz", g.Bytes())
	write("bomb.zst", z.Bytes())
	status, stdout, stderr := analyze(t, dir, "good.pcap", "bomb.gz", "bomb.zst")
	if status != exitUnknown || strings.Count(stderr, "expands beyond all measure") != 2 || strings.Count(stderr, "\n") != 2 {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	if !strings.Contains(stdout, "172.16.63.241 seen") {
		t.Errorf("what was good is not reported: %q", stdout)
	}
}
