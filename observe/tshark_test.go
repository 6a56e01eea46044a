package observe_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/observe"
)

// tshark returns what Wireshark's dissectors say of the frame's fields, joined
// by spaces.
func tshark(t *testing.T, frame []byte, fields ...string) string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// A classic capture file: magic number, version 2.4, zone and accuracy, the
	// most bytes of a frame, Ethernet; then the frame's instant and lengths.
	var pcap bytes.Buffer
	for _, v := range []any{uint32(0xa1b2c3d4), uint16(2), uint16(4), uint64(0), uint32(65535), uint32(1), uint64(0), uint32(len(frame)), uint32(len(frame))} {
		if err := binary.Write(&pcap, binary.BigEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	pcap.Write(frame)
	file := filepath.Join(t.TempDir(), "frame.pcap")
	if err := os.WriteFile(file, pcap.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", file, "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=/s", "-E", "occurrence=f"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return strings.TrimRight(string(out), "\n")
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
			if got != want || h.Protocol != tt.name {
				t.Errorf("tshark says %q, observe %q of %s", got, want, h.Protocol)
			}
			if bad := tshark(t, tt.frame, "_ws.malformed"); bad != "" {
				t.Errorf("tshark says %q", bad)
			}
		})
	}
}
