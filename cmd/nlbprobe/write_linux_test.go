package main

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/observe"
)

// reread diagnoses the VIP from a capture file alone.
func reread(t *testing.T, file string, vip netip.Addr) diagnose.Diagnosis {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f, capture.Options{Name: file})
	if err != nil {
		t.Fatal(err)
	}
	var log evidence.Log
	var watch observe.Watch
	watch.AddIP(vip)
	var facts []evidence.Fact
	for {
		var frame evidence.Frame
		if err := r.Next(&frame); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		facts = watch.Facts(facts[:0], &frame)
		for _, fact := range facts {
			if a, ok := fact.(evidence.ARP); ok && a.SenderIP == vip {
				watch.AddMAC(a.SenderMAC)
			}
			log.Add(fact, frame.Time, 1, &frame)
		}
	}
	return diagnose.VIP(vip, append(log.Items(), r.Facts()...))
}

// TestWrite: the file that --write leaves gives the same verdict and the same
// findings as the run that wrote it, and tshark reads it without complaint.
func TestWrite(t *testing.T) {
	tests := []struct {
		scenario string
		args     []string
	}{
		{"strict-router", nil},
		{"fixed", nil},
		{"two-routers-one-fixed", []string{"--router", "172.16.63.1", "--router", "172.16.63.2"}},
		{"flooding", nil},
		{"affinity-none", []string{"--tcp", "80", "--affinity"}},
		{"learnt-unicast", nil},
		{"conflict", nil},
		{"ws2008", nil},
		{"vrrp-pair", nil},
		{"silent", []string{"--wait", "1s"}},
	}
	for _, tt := range tests {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			file := filepath.Join(t.TempDir(), "evidence.pcapng")
			_, stdout, stderr := nlbprobe(t, l, "prober", append(tt.args, "-o", "json", "--write", file, labVIP)...)
			all := objects(t, stdout)
			if len(all) != 1 || stderr != "" {
				t.Fatalf("stdout %q, stderr %q", stdout, stderr)
			}
			d := reread(t, file, netip.MustParseAddr(labVIP))
			var ids []string
			for _, f := range d.Findings {
				ids = append(ids, f.ID)
			}
			slices.Sort(ids)
			if string(d.Verdict) != all[0].Verdict || d.Severity.String() != all[0].Severity || !slices.Equal(ids, all[0].ids()) {
				t.Errorf("from the file: %s, %s, %v\nlive: %s, %s, %v", d.Verdict, d.Severity, ids, all[0].Verdict, all[0].Severity, all[0].ids())
			}
			if bad := tshark(t, file, "_ws.malformed || ip.checksum.status == 0 || icmp.checksum.status == 0 || tcp.checksum.status == 0", "frame.number"); len(bad) > 0 {
				t.Errorf("tshark finds fault with frames %v", bad)
			}
			comments := tshark(t, file, "frame.comment contains \"nlbprobe\"", "frame.comment")
			if len(comments) == 0 && all[0].Verdict != "silent" {
				t.Error("no packet has a comment")
			}
		})
	}
}

// A file that is there is not touched, and nothing is sent for nothing.
func TestWriteExisting(t *testing.T) {
	l := labtest.Start(t, "multicast")
	file := filepath.Join(t.TempDir(), "evidence.pcapng")
	if err := os.WriteFile(file, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := nlbprobe(t, l, "prober", "--write", file, labVIP)
	if status != exitUnknown || stdout != "" || !strings.Contains(stderr, "the file exists") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "somebody's" {
		t.Errorf("%q, %v", b, err)
	}
	status, _, stderr = nlbprobe(t, l, "prober", "--write", filepath.Join(file, "x"), labVIP)
	if status != exitUnknown || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}
