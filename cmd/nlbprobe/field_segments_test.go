package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFieldSegments: what is said of the segment sizes in captures from the field.
func TestFieldSegments(t *testing.T) {
	for _, tt := range []struct {
		file     string
		client   string
		severity string
		finding  string // with its severity
		absent   string
		status   int
	}{
		// The sender's card makes the checksums.
		{"mss-checksum-zero.pcap", "192.0.2.30:49200", "critical", "mss-exceeded:critical", "", 2},
		{"mss-checksum-good.pcap", "192.0.2.30:49200", "critical", "mss-exceeded:critical", "", 2},
		// Offload, and a scan.
		{"tso-sent-again.pcap", "192.0.2.30:49200", "info", "mss-offload:info", "mss-exceeded", 0},
		{"tso-obeys.pcap", "192.0.2.30:49200", "info", "mss-below-windows-floor:info", "mss-exceeded", 0},
		{"port-scan.pcap", "192.0.2.62:53941", "info", "mss-below-windows-floor:info", "", 0},
		{"mss-kept.pcap", "192.0.2.30:49200", "info", "mss-below-windows-floor:info", "", 0},
		// A link without Ethernet frames.
		{"mss-on-ppp.pcap", "192.0.2.30:49200", "critical", "mss-exceeded:critical", "", 2},
	} {
		t.Run(tt.file, func(t *testing.T) {
			status, out, errs := runArgs(t, "analyze", "-o", "json", filepath.Join("testdata", "field", tt.file))
			var o struct {
				Client, Severity string
				Findings         []struct{ ID, Severity string }
			}
			if err := json.Unmarshal([]byte(out), &o); err != nil {
				t.Fatalf("%v in %s%s", err, out, errs)
			}
			var ids []string
			for _, f := range o.Findings {
				ids = append(ids, f.ID+":"+f.Severity)
			}
			all := strings.Join(ids, " ")
			if status != tt.status || o.Client != tt.client || o.Severity != tt.severity || !strings.Contains(all, tt.finding) || tt.absent != "" && strings.Contains(all, tt.absent) {
				t.Errorf("status %d, %s %s, findings %s", status, o.Client, o.Severity, all)
			}
		})
	}
}

// A sender all of whose checksums are wrong, and whose lengths are left to the card
// too, is one whose card makes them, whatever stands there; and one damaged packet
// is that, wherever it stands.
func TestFieldChecksums(t *testing.T) {
	change := func(file string, reverse bool, each func(packet []byte)) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("testdata", "field", file))
		if err != nil {
			t.Fatal(err)
		}
		var records [][]byte
		for rest := b[24:]; len(rest) > 0; {
			n := 16 + int(binary.LittleEndian.Uint32(rest[8:]))
			each(rest[16:n])
			records = append(records, rest[:n])
			rest = rest[n:]
		}
		if reverse {
			slices.Reverse(records)
		}
		name := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(name, slices.Concat(b[:24], bytes.Join(records, nil)), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	wrong := change("mss-checksum-zero.pcap", false, func(p []byte) {
		if p[24]|p[25] == 0 {
			p[24], p[25] = 0xbe, 0xef
			p[16], p[17] = 0, 0
		}
	})
	if status, out, errs := runArgs(t, "analyze", "-o", "json", wrong); status != exitCritical || !strings.Contains(out, `"mss-exceeded"`) {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	damaged := change("header-damaged.pcap", true, func([]byte) {})
	if status, out, errs := runArgs(t, "analyze", "-o", "json", damaged); status != exitOK || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"192.0.2.90"`) {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
}

// A format that is not read is named in one line, with the way out.
func TestFieldFormats(t *testing.T) {
	status, out, errs := runArgs(t, "analyze", "-o", "json", filepath.Join("testdata", "field", "format-snoop.snoop"))
	if status != exitUnknown || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "Solaris snoop (RFC 1761): convert it with Wireshark's editcap -F pcap FILE NEW.pcap") {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	for _, c := range []fieldCase{
		{files: "format-modified.pcap", vip: "192.0.2.90", status: 1, mode: "multicast", have: []string{"group-mac-answer"}},
		{files: "format-pcap-2.2.pcap", vip: "192.0.2.90", status: 1, mode: "multicast", have: []string{"group-mac-answer"}},
		{files: "tag-9100.pcap", vip: "192.0.2.90", status: 1, mode: "multicast", have: []string{"group-mac-answer"}},
		{files: "tag-88a8.pcap", vip: "192.0.2.90", status: 1, mode: "multicast", have: []string{"group-mac-answer"}},
		{files: "header-damaged.pcap", vip: "192.0.2.90", mode: "multicast"},
	} {
		status, objects := readField(t, c)
		o := objects[c.vip]
		if status != c.status || len(objects) != 1 || o.Cluster.Mode != c.mode {
			t.Errorf("%s: status %d, %v", c.files, status, objects)
		}
		for _, id := range c.have {
			if !slices.ContainsFunc(o.Findings, func(f struct{ ID, Severity string }) bool { return f.ID == id }) {
				t.Errorf("%s: no %s among %+v", c.files, id, o.Findings)
			}
		}
	}
}

// A capture at a port of the network beneath is said to be one.
func TestFieldCarried(t *testing.T) {
	status, out, errs := runArgs(t, "analyze", "-o", "json", filepath.Join("testdata", "field", "vxlan.pcap"))
	if status != exitUnknown || out != "" || !strings.Contains(errs, "frames that carry others by VXLAN, into which nothing looked: 1;") {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
}

// tcpRecord is a pcap record of a TCP packet between 198.51.100.n and 192.0.2.30,
// whose card makes the checksums.
func tcpRecord(n uint16, back bool, flags byte, mss uint16, payload int) []byte {
	client, server := []byte{198, 51, 100, byte(1 + n%250)}, []byte{192, 0, 2, 30}
	from, to, sport, dport, header := client, server, 30000+n, uint16(443), 20
	if back {
		from, to, sport, dport = to, from, dport, sport
	}
	if mss > 0 {
		header = 24
	}
	total := 20 + header + payload
	b := []byte{0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 0x30, 8, 0, 0x45, 0, byte(total >> 8), byte(total), byte(n >> 8), byte(n), 0x40, 0, 64, 6, 0, 0}
	b = append(append(b, from...), to...)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, sport), dport)
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, byte(header/4)<<4, flags, 32, 0, 0, 0, 0, 0)
	if mss > 0 {
		b = append(b, 2, 4, byte(mss>>8), byte(mss))
	}
	b = append(b, make([]byte, payload)...)
	h := binary.LittleEndian.AppendUint32(nil, 1_700_000_000)
	h = binary.LittleEndian.AppendUint32(h, uint32(n)*10)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(b)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(b)))
	return append(h, b...)
}

// However many remarks there are, what is critical is told, and first.
func TestManyConnections(t *testing.T) {
	const syn, ack = 2, 16
	good, err := os.ReadFile(filepath.Join("testdata", "field", "mss-checksum-good.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	var remarks []byte
	for n := range uint16(2000) {
		remarks = append(remarks, tcpRecord(n, false, syn, 1460, 0)...)
		remarks = append(remarks, tcpRecord(n, true, syn|ack, 1460, 0)...)
		remarks = append(remarks, tcpRecord(n, true, ack, 0, 2920)...)
	}
	file := bytes.Join([][]byte{good[:24], remarks, good[24:]}, nil)
	name := filepath.Join(t.TempDir(), "many.pcap")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := runArgs(t, "analyze", "-o", "json", name)
	first, _, _ := strings.Cut(out, "\n")
	if status != exitCritical || strings.Count(out, "\n") != 512 || !strings.Contains(first, `"mss-exceeded"`) || !strings.Contains(first, `"192.0.2.30:49200"`) {
		t.Errorf("status %d, %d lines, the first is %.300s", status, strings.Count(out, "\n"), first)
	}
	if !strings.Contains(errs, "the worst 512 are told; others, none of them worse, were left out: 1489") {
		t.Errorf("%s", errs)
	}
}

// Of too many VIPs the worst are told, and the exit status is not better for those
// that were left out.
func TestManyVIPs(t *testing.T) {
	file := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}
	claim := func(n int, host byte) {
		at, vip := []byte{3, 0xbf, 198, 18, byte(n >> 8), host}, []byte{198, 18, byte(n >> 8), byte(n)}
		b := []byte{0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0x90, byte(n >> 8), host, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2}
		b = append(append(append(b, at...), vip...), 0, 0, 0x5e, 0, 0x53, 1, 198, 19, 255, 254)
		for _, v := range []int{1_700_000_000, n * 10, len(b), len(b)} {
			file = binary.LittleEndian.AppendUint32(file, uint32(v))
		}
		file = append(file, b...)
	}
	name := filepath.Join(t.TempDir(), "many.pcap")
	look := func() (int, string, string) {
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		return runArgs(t, "analyze", "-o", "json", name)
	}
	for n := range 1100 {
		claim(n, byte(n))
	}
	if status, out, errs := look(); status != exitUnknown || strings.Count(out, "\n") != 1024 || !strings.Contains(errs, "76 signs of others were left out") {
		t.Errorf("status %d, %d lines, %s", status, strings.Count(out, "\n"), errs)
	}
	claim(2000, 1) // 198.18.7.208, at two MACs
	claim(2000, 2)
	if status, out, errs := look(); status == exitOK || status == exitWarning || !strings.Contains(out, `"vip":"198.18.7.208"`) {
		t.Errorf("status %d, %d lines, %s", status, strings.Count(out, "\n"), errs)
	}
}
