package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestCaptureByTshark: what tshark captured while somebody probed has no note of
// ours. The cluster is found, and no more is said than it proves.
func TestCaptureByTshark(t *testing.T) {
	l := labtest.Start(t, "multicast")
	file := record(t, l, "prober", func() { nlbprobe(t, l, "prober", labVIP) })
	status, stdout, stderr := analyze(t, ".", "-o", "json", file)
	all := objects(t, stdout)
	if len(all) != 1 || stderr != "" || status != exitWarning {
		t.Fatalf("status %d, stderr %q: %s", status, stderr, stdout)
	}
	o := all[0]
	if o.VIP != labVIP || o.Verdict != "seen" || o.Cluster.Mode != "multicast" || len(o.Cluster.Hosts) != 2 ||
		!slices.Contains(o.ids(), "group-mac-answer") || slices.Contains(o.ids(), "router-ignores-multicast-arp") {
		t.Errorf("%s", stdout)
	}
}

// TestFollowTcpdump: tcpdump -w - | nlbprobe analyze - --follow, as an admin types
// it, with a probe for something to capture.
func TestFollowTcpdump(t *testing.T) {
	l := labtest.Start(t, "multicast")
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run this as root: tcpdump gives up its rights, which a namespace of one user does not let it")
		}
		t.Skip("tcpdump gives up its rights, which a namespace of one user does not let it")
	}
	if _, err := exec.LookPath("tcpdump"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dump := l.Command(t.Context(), "prober", "tcpdump", "-Z", "root", "-i", l.Interface("prober"), "-U", "-w", "-")
	pipe, err := dump.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dump.Start(); err != nil {
		t.Fatal(err)
	}
	out, told := newWatched(`"open":true`)
	var errs bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(t.Context(), []string{"analyze", "-", "--follow", "-o", "json"}, stdio{in: pipe, out: out, err: &errs})
	}()
	// It listens when it tells of what it hears.
	for heard := false; !heard; {
		nlbprobe(t, l, "prober", labVIP)
		select {
		case <-told:
			heard = true
		case <-t.Context().Done():
			t.Fatal("nothing was told")
		default:
		}
	}
	if err := dump.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	got := <-status
	_ = dump.Wait()
	all := objects(t, out.String())
	last := all[len(all)-1]
	if got != exitWarning || errs.Len() > 0 || len(all) < 2 || last.VIP != labVIP || last.Verdict != "seen" || len(last.Cluster.Hosts) != 2 {
		t.Errorf("status %d, stderr %q: %s", got, errs.String(), out.String())
	}
}

// watched is a buffer that tells when it holds a text.
type watched struct {
	bytes.Buffer
	text []byte
	told chan struct{}
	done bool
}

func newWatched(text string) (*watched, <-chan struct{}) {
	w := &watched{text: []byte(text), told: make(chan struct{})}
	return w, w.told
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if !w.done && bytes.Contains(w.Bytes(), w.text) {
		w.done = true
		close(w.told)
	}
	return n, err
}
