package observe_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/observe"
)

// tshark returns what Wireshark's dissectors say of the frame's fields, joined
// by spaces.
func tshark(t *testing.T, frame []byte, fields ...string) string {
	t.Helper()
	return strings.TrimRight(strings.Join(tsharkAll(t, [][]byte{frame}, fields...)[0], " "), " ")
}

// tsharkAll does so for many frames at once: a list of the fields for each. A
// field that a frame has several times is given for the first.
func tsharkAll(t *testing.T, frames [][]byte, fields ...string) [][]string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// A classic capture file: magic number, version 2.4, zone and accuracy, the
	// most bytes of a frame, Ethernet; then each frame's instant and lengths.
	var pcap bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&pcap, binary.BigEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(uint32(0xa1b2c3d4), uint16(2), uint16(4), uint64(0), uint32(65535), uint32(1))
	for _, frame := range frames {
		put(uint64(0), uint32(len(frame)), uint32(len(frame)), frame)
	}
	file := filepath.Join(t.TempDir(), "frame.pcap")
	if err := os.WriteFile(file, pcap.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", file, "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=f"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(frames) {
		t.Fatalf("tshark says %d lines of %d frames", len(lines), len(frames))
	}
	all := make([][]string, len(lines))
	for i, line := range lines {
		all[i] = strings.Split(line, "\t")
	}
	return all
}

// TestTshark holds that a reader that is not ours sees the same hellos.
func TestTshark(t *testing.T) {
	tests := []struct {
		name   string
		frame  []byte
		fields []string
		good   string // what the checksums' fields say when they are right
	}{
		{"VRRPv2", vrrp2Frame, []string{"vrrp.virt_rtr_id", "vrrp.prio", "vrrp.ip_addr", "vrrp.version", "vrrp.checksum.status"}, "2 1"},
		{"VRRPv3", vrrp3Frame, []string{"vrrp.virt_rtr_id", "vrrp.prio", "vrrp.ip_addr", "vrrp.version", "vrrp.checksum.status"}, "3 1"},
		{"HSRPv1", hsrp1Frame, []string{"hsrp.group", "hsrp.priority", "hsrp.virt_ip", "hsrp.version", "hsrp.state"}, "0 16"},
		{"HSRPv2", hsrp2Frame, []string{"hsrp2.group", "hsrp2.priority", "hsrp2.virt_ip", "hsrp2.version", "hsrp2.state"}, "2 6"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := observe.Facts(nil, &evidence.Frame{Data: tt.frame})
			if len(facts) != 1 {
				t.Fatalf("%d facts", len(facts))
			}
			h := facts[0].(evidence.Hello)
			want := fmt.Sprintf("%v %v 1 %v %v %v %s", h.EthSrc, h.From, h.Group, h.Priority, h.Virtual, tt.good)
			got := tshark(t, tt.frame, append([]string{"eth.src", "ip.src", "ip.checksum.status"}, tt.fields...)...)
			if got != want || h.Protocol.String() != tt.name {
				t.Errorf("tshark says %q, observe %q of %s", got, want, h.Protocol)
			}
			if bad := tshark(t, tt.frame, "_ws.malformed"); bad != "" {
				t.Errorf("tshark says %q", bad)
			}
		})
	}
}

// TestTsharkIGMP holds that a reader that is not ours reads our IGMP frames as
// observe does: every field that its dissector has.
func TestTsharkIGMP(t *testing.T) {
	fields := []string{
		"_ws.malformed", "ip.opt.type", "eth.src", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.checksum.status", "igmp.checksum.status", "igmp.version", "igmp.type",
		"igmp.maddr", "igmp.max_resp", "igmp.s", "igmp.qrv", "igmp.qqic", "igmp.num_src", "igmp.num_grp_recs", "igmp.record_type", "igmp.saddr",
	}
	other := netip.MustParseAddr("232.1.2.3")
	sources, err := igmp.AddrsOf(netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		m    igmp.Message
		s    igmp.Sender
		want string // of the last eleven fields, joined by "|"
	}{
		{"v1 report", igmp.Message{Type: igmp.ReportV1, Group: group}, igmp.Sender{}, "1|0x12|239.255.63.241||||||||"},
		{"v2 report", igmp.Message{Type: igmp.ReportV2, Group: group}, igmp.Sender{RouterAlert: true}, "2|0x16|239.255.63.241|0|||||||"},
		{"leave", igmp.Message{Type: igmp.Leave, Group: group}, igmp.Sender{RouterAlert: true}, "2|0x17|239.255.63.241|0|||||||"},
		{"v1 query", igmp.Message{Type: igmp.Query, Version: 1}, igmp.Sender{}, "1|0x11|0.0.0.0||||||||"},
		{"v2 query", igmp.Message{Type: igmp.Query, Version: 2, MaxResponse: 10 * time.Second}, igmp.Sender{RouterAlert: true}, "2|0x11|0.0.0.0|100|||||||"},
		{"v2 query for a group", igmp.Message{Type: igmp.Query, Version: 2, Group: group, MaxResponse: time.Second}, igmp.Sender{}, "2|0x11|239.255.63.241|10|||||||"},
		{"v3 query", igmp.Message{Type: igmp.Query, Version: 3, MaxResponse: 20 * time.Second, Suppress: true, Robustness: 3, Interval: 160 * time.Second}, igmp.Sender{RouterAlert: true},
			"3|0x11|0.0.0.0|200|1|3|132|0|||"},
		{"v3 report", igmp.Message{Type: igmp.ReportV3, Records: v3Records(t, igmp.Record{Type: igmp.Allow, Group: other, Sources: sources})}, igmp.Sender{RouterAlert: true},
			"3|0x22|232.1.2.3|||||1|1|5|192.0.2.1"},
		{"v3 report of a group", igmp.Message{Type: igmp.ReportV3, Records: v3Records(t, igmp.Record{Type: igmp.ToExclude, Group: group})}, igmp.Sender{},
			"3|0x22|239.255.63.241|||||0|1|4|"},
	}
	frames := make([][]byte, len(tests))
	for i, tt := range tests {
		frames[i] = igmpFrame(t, tt.m, tt.s)
	}
	said := tsharkAll(t, frames, fields...)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := said[i]
			facts := observe.Facts(nil, &evidence.Frame{Data: frames[i], Length: len(frames[i])})
			if len(facts) != 1 {
				t.Fatalf("%+v", facts)
			}
			f := facts[0].(evidence.IGMP)
			head := strings.Join(got[:9], " ")
			alert := ""
			if tt.s.RouterAlert {
				alert = "148"
			}
			if want := fmt.Sprintf(" %s %v %v %v %v 1 1 1", alert, f.EthSrc, f.EthDst, f.From, f.To); head != want || f.RouterAlert != tt.s.RouterAlert {
				t.Errorf("tshark says %q, observe %q, router alert %v", head, want, f.RouterAlert)
			}
			if rest := strings.Join(got[9:], "|"); rest != tt.want {
				t.Errorf("tshark says %q\nwant %q", rest, tt.want)
			}
			if got[9] != fmt.Sprint(f.Version) || f.Group.IsValid() && got[11] != f.Group.String() {
				t.Errorf("observe says version %d, group %v", f.Version, f.Group)
			}
		})
	}
}

// TestTsharkHeartbeat does so for heartbeats.
func TestTsharkHeartbeat(t *testing.T) {
	var frames []evidence.Frame
	var data [][]byte
	for _, tt := range clusterFrames(t) {
		switch tt.name {
		case "heartbeat", "heartbeat, tagged", "identity":
			frames = append(frames, tt.frame)
			data = append(data, tt.frame.Data)
		}
	}
	fields := []string{
		"_ws.malformed", "eth.src", "eth.dst", "msnlb.signature", "msnlb.version", "msnlb.unique_host_id", "msnlb.cluster_ip", "msnlb.host_ip",
		"msnlb.my_host_ip", "msnlb.default_host_ip", "msnlb.convergence_state", "msnlb.number_of_port_rules", "msnlb.unique_host_code",
		"msnlb.portruleconfiguration.data", "msnlb.loadweights.data", "msnlb.extended_hb.type", "msnlb.host_ipv4", "msnlb.host_name",
	}
	number := func(said string, n uint32) string { // in the digits that it is said in
		if strings.HasPrefix(said, "0x") {
			return fmt.Sprintf("0x%08x", n)
		}
		return fmt.Sprint(n)
	}
	for i, got := range tsharkAll(t, data, fields...) {
		h := observe.Facts(nil, &frames[i])[0].(evidence.Heartbeat)
		version := fmt.Sprintf("%d.%d", h.Version>>8, h.Version&0xff)
		if got[4] != version {
			version = fmt.Sprint(h.Version) // some versions print the number
		}
		want := []string{
			"", h.EthSrc.String(), h.EthDst.String(), fmt.Sprintf("0x%08x", h.Signature), version, fmt.Sprint(h.Priority), h.Cluster.String(), h.Dedicated.String(),
		}
		if h.Status {
			want = append(want, fmt.Sprint(h.HostID), fmt.Sprint(h.DefaultHost), fmt.Sprint(h.State), fmt.Sprint(h.RuleCount), fmt.Sprint(h.HostCode),
				number(got[13], h.Rules[0]), number(got[14], h.Weights[0]), "", "", "")
		} else {
			want = append(want, "", "", "", "", "", "", "", "1", h.Addr.String(), got[17])
			// tshark escapes what it prints, so only what needs none is compared.
			if !strings.HasPrefix(got[17], "web2") || !strings.HasSuffix(got[17], ".example.com") {
				t.Errorf("tshark says %q", got[17])
			}
		}
		for j, field := range fields {
			if got[j] != want[j] {
				t.Errorf("frame %d, %s: tshark says %q, observe %q", i, field, got[j], want[j])
			}
		}
	}
	if len(frames) != 3 {
		t.Errorf("%d frames compared", len(frames))
	}
}
