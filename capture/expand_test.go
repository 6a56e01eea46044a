package capture_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/capture"
)

func gz(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts { // each a member of its own, as cat makes them
		z := gzip.NewWriter(&b)
		if _, err := z.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestGzip(t *testing.T) {
	for _, name := range []string{"pcap", "pcapng"} {
		file := small(name)
		want, _, err := read(file, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := read(gz(t, file[:1000], file[1000:]), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sameFrames(t, got, want)
	}
}

func TestGzipFaults(t *testing.T) {
	pcap := unhex(pcapHead + `00f15365 40e20100 04000000 3c000000 deadbeef`)
	whole := gz(t, pcap)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-8] ^= 1 // the checksum
	tests := []struct {
		name   string
		file   []byte
		frames int
		kind   error
		says   string
	}{
		{"cut in gzip's header", whole[:6], 0, io.ErrUnexpectedEOF, "at byte 0: gzip: unexpected EOF"},
		{"cut before the checksum", whole[:len(whole)-8], 1, capture.ErrTruncated, "at byte 44 of the expanded data: cut short: 0 bytes are there of the 16 of a packet's header; the compressed data end too early"},
		{"a wrong checksum", flipped, 1, gzip.ErrChecksum, "at byte 44 of the expanded data: gzip: invalid checksum"},
		{"something behind it", append(bytes.Clone(whole), "something else behind"...), 1, gzip.ErrHeader, "at byte 44 of the expanded data"},
		{"cut before it was compressed", gz(t, pcap[:42]), 0, capture.ErrTruncated, "at byte 24 of the expanded data: cut short: 18 bytes are there of the 20"},
		{"no capture", gz(t, []byte("hello")), 0, capture.ErrNotCapture, "at byte 0 of the expanded data"},
		{"compressed twice", gz(t, whole), 0, capture.ErrNotCapture, "begins with 1f 8b"},
		{"zstd without a decoder", unhex(`28b52ffd 0000`), 0, capture.ErrZstd, "at byte 0: zstd-compressed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, _, err := read(tt.file, capture.Options{Name: "x"})
			if len(frames) != tt.frames || !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%d frames, error %v; want %d, %v, %q", len(frames), err, tt.frames, tt.kind, tt.says)
			}
		})
	}
}

// What expands beyond all measure is an error, after 64 MiB that were read in
// constant memory.
func TestBomb(t *testing.T) {
	packet := append(unhex(`00f15365 40e20100 00000100 00000100`), make([]byte, 64<<10)...)
	const packets = 32 // in a member of 2 MiB
	member := gz(t, bytes.Repeat(packet, packets))
	file := append(gz(t, unhex(pcapHead)), bytes.Repeat(member, 40)...)

	r, err := capture.NewReader(bytes.NewReader(file), capture.Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := count(r)
	if !errors.Is(err, capture.ErrExpands) || frames < 1000 || frames > 1100 { // 1,024 of 64 KiB are 64 MiB
		t.Fatalf("%d frames from %d bytes: %v", frames, len(file), err)
	}
	if !strings.Contains(err.Error(), "expand it first") {
		t.Errorf("%v does not say what to do", err)
	}
}

// Repetitive captures expand far and are read whole; the bound is at 200 times.
func TestExpansion(t *testing.T) {
	const packets = 32 // in a member of 2 MiB
	for _, tt := range []struct {
		noise    int // bytes of a packet that do not compress
		low, top int
		bomb     bool
	}{{400, 100, 190, false}, {150, 210, 390, true}} {
		var members []byte
		random := rand.New(rand.NewPCG(1, 2))
		for range packets {
			packet := append(unhex(`00f15365 40e20100 00000100 00000100`), make([]byte, 64<<10)...)
			for i := range tt.noise {
				packet[16+i] = byte(random.Uint32())
			}
			members = append(members, packet...)
		}
		member := gz(t, members)
		file := append(gz(t, unhex(pcapHead)), bytes.Repeat(member, 40)...)
		if ratio := len(members) / len(member); ratio < tt.low || ratio > tt.top {
			t.Fatalf("the test's own capture expands %d times", ratio)
		}
		r, err := capture.NewReader(bytes.NewReader(file), capture.Options{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		frames, err := count(r)
		if errors.Is(err, capture.ErrExpands) != tt.bomb || !tt.bomb && frames != 40*packets {
			t.Errorf("%d bytes of noise a packet: %d frames, %v", tt.noise, frames, err)
		}
	}
}
