package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// tool runs a program that others wrote and returns what it printed. Where the
// program is missing, the test is skipped; under CI it fails.
func tool(t *testing.T, stdin io.Reader, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = stdin
	// Times in UTC, and no settings of whoever runs the test.
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Wireshark reads of our files what we wrote.
func TestWriterByTshark(t *testing.T) {
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "nlbprobe 1.0", noteItems("eth0"))
	if err != nil {
		t.Fatal(err)
	}
	arp := append(unhex(packet18)[:12], unhex("0806 0001 0800 0604 0001 020000000009 ac103f09 000000000000 ac103ff1")...)
	for _, f := range []struct {
		frame    evidence.Frame
		comments []string
	}{
		{evidence.Frame{Time: writeTime, Data: arp, Length: 60, VLAN: 63, Place: "eth0", Out: true}, []string{"router-ignores-multicast-arp", "the second \u2192"}},
		{evidence.Frame{Time: writeTime.Add(time.Second), Data: arp, Length: len(arp), Place: "eth1"}, nil},
	} {
		if err := w.Write(&f.frame, f.comments...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := file(t, "x.pcapng", b.Bytes())

	got := string(tool(t, nil, "tshark", "-r", path, "-T", "fields", "-E", "separator=|", "-E", "aggregator=;",
		"-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "frame.interface_name",
		"-e", "frame.packet_flags_direction", "-e", "vlan.id", "-e", "arp.dst.proto_ipv4", "-e", "frame.comment"))
	want := "1700000000.123456789|64|46|eth0|0x00000002|63|172.16.63.241|router-ignores-multicast-arp;the second \u2192\n" +
		"1700000001.123456789|42|42|eth1|0x00000001||172.16.63.241|\n"
	if got != want {
		t.Errorf("tshark read\n%swant\n%s", got, want)
	}
	infos := string(tool(t, nil, "capinfos", path))
	for _, want := range []string{
		"Capture application: nlbprobe 1.0", "File encapsulation:  Ethernet", "File timestamp precision:  nanoseconds (9)",
		"Number of interfaces in file: 2", "Name = eth0", "Comment = nlbprobe vantage note 1\n", "172.16.63.2 asked\n",
	} {
		if !strings.Contains(infos, want) {
			t.Errorf("capinfos does not say %q:\n%s", want, infos)
		}
	}
	if n := bytes.Count(tool(t, nil, "tcpdump", "-nn", "-r", path), []byte("172.16.63.241")); n != 2 {
		t.Errorf("tcpdump read %d packets", n)
	}
}

// What other programs make of a capture, each in its own form, is read as the
// capture itself is.
func TestReaderByTools(t *testing.T) {
	mixed := small("pcap")
	in := file(t, "in.pcap", mixed)
	original, _, err := read(mixed, capture.Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		tool string
		args []string
		snap int
	}{
		{name: "tcpdump", tool: "tcpdump", args: []string{"-r", in, "-w", "-", "-U"}},
		{name: "tcpdump in nanoseconds", tool: "tcpdump", args: []string{"--time-stamp-precision=nano", "-r", in, "-w", "-"}},
		{name: "editcap pcapng", tool: "editcap", args: []string{"-F", "pcapng", in, "-"}},
		{name: "editcap pcapng with comments", tool: "editcap", args: []string{"-a", "1:of the packet", "--capture-comment", "of the file", in, "-"}},
		{name: "editcap nanosecond pcap", tool: "editcap", args: []string{"-F", "nsecpcap", in, "-"}},
		{name: "editcap snap length", tool: "editcap", args: []string{"-s", "64", in, "-"}, snap: 64},
		{name: "tshark pcapng", tool: "tshark", args: []string{"-r", in, "-w", "-"}},
		{name: "tshark pcap", tool: "tshark", args: []string{"-r", in, "-F", "pcap", "-w", "-"}},
		{name: "mergecap", tool: "mergecap", args: []string{"-w", "-", in}},
		{name: "gzip", tool: "gzip", args: []string{"-c", in}},
		{name: "zstd", tool: "zstd", args: []string{"-q", "-c", in}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := tool(t, nil, tt.tool, tt.args...)
			got, r, err := read(data, capture.Options{Name: "x", Zstd: zstd(t)})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(tt.name, "comments") {
				if got[0].comments != "of the packet" {
					t.Errorf("comments %q", got[0].comments)
				}
				got[0].comments = ""
			}
			if len(r.Facts()) != 0 || r.Skipped() != 0 {
				t.Errorf("facts %+v, %d skipped", r.Facts(), r.Skipped())
			}
			want := make([]kept, len(original))
			for i, k := range original {
				if tt.snap > 0 {
					k.data = k.data[:min(len(k.data), 2*tt.snap)]
				}
				want[i] = k
			}
			sameFrames(t, got, want)
		})
	}
}

// zstd is a decoder that runs the program of that name.
func zstd(t *testing.T) func(io.Reader) (io.Reader, error) {
	return func(r io.Reader) (io.Reader, error) {
		return bytes.NewReader(tool(t, r, "zstd", "-q", "-d", "-c")), nil
	}
}

// tshark lists the same times, lengths and interfaces as we do, of files with
// all that it can put into them.
func TestReaderAgainstTshark(t *testing.T) {
	a := file(t, "a.pcap", small("pcap"))
	dir := t.TempDir()
	b := filepath.Join(dir, "b.pcapng")
	tool(t, nil, "editcap", "-t", "0.0000025", "-s", "100", "-F", "pcapng", a, b)
	merged := filepath.Join(dir, "merged.pcapng")
	tool(t, nil, "mergecap", "-I", "none", "-w", merged, a, b)
	for _, path := range []string{a, b, merged} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		frames, _, err := read(data, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := string(tool(t, nil, "tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"))
		var got strings.Builder
		for _, k := range frames {
			at, err := time.Parse(time.RFC3339Nano, k.at)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "%d.%09d\t%d\t%d\n", at.Unix(), at.Nanosecond(), k.length, len(k.data)/2)
		}
		if got.String() != want {
			t.Errorf("%s: tshark reads other frames", filepath.Base(path))
		}
	}

	// Our merge orders as mergecap's does.
	var sources []capture.Source
	for _, path := range []string{a, b} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := capture.NewReader(bytes.NewReader(data), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, r)
	}
	data, err := os.ReadFile(merged)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := capture.NewReader(bytes.NewReader(data), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ours := capture.NewMerge(sources...)
	var f, g evidence.Frame
	for n := 0; ; n++ {
		errOurs, errTheirs := ours.Next(&f), theirs.Next(&g)
		f.Place, g.Place, f.Source = "", "", 0
		if !errors.Is(errOurs, errTheirs) || !reflect.DeepEqual(f, g) {
			t.Fatalf("frame %d: %+v, %v; mergecap %+v, %v", n, f, errOurs, g, errTheirs)
		}
		if errOurs != nil {
			break
		}
	}
}
