package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/advice"
	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/templates"
)

// arpFrame is an ARP answer to 192.0.2.9 that ip is at sender, in a frame from
// source.
func arpFrame(source, sender mac.Addr, ip [4]byte) []byte {
	to := mac.Addr{0, 0, 0x5e, 0, 0x53, 9}
	b := slices.Concat(to[:], source[:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, sender[:], ip[:], to[:], []byte{192, 0, 2, 9})
	return append(b, make([]byte, 60-len(b))...)
}

// captureOf writes frames, a millisecond apart, to a file.
func captureOf(t *testing.T, frames ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pcapng")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := capture.NewWriter(f, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range frames {
		if err := w.Write(&evidence.Frame{Time: time.Unix(1_700_000_000, int64(i)*1e6), Data: b, Length: len(b), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// linesOf are the lines that a device would take.
func linesOf(configs []templates.Config, comment string) []string {
	var out []string
	for _, c := range configs {
		for line := range strings.Lines(c.Text) {
			if comment == "" || !strings.HasPrefix(strings.TrimSpace(line), strings.TrimSpace(comment)) {
				out = append(out, strings.TrimSpace(line))
			}
		}
	}
	return out
}

// TestAgree: for every platform and mode, a report holds the lines that render
// prints for the same VIP and MAC; where those are none, it says so.
func TestAgree(t *testing.T) {
	node1, node2 := mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}, mac.Addr{0, 0, 0x5e, 0, 0x53, 0x22}
	own := [4]byte{192, 0, 2, 90}
	clusters := map[string]struct {
		mac     mac.Addr
		sources []mac.Addr
	}{
		"unicast":          {mac.Addr{0x02, 0xbf, 192, 0, 2, 90}, []mac.Addr{{0x02, 1, 192, 0, 2, 90}, {0x02, 2, 192, 0, 2, 90}}},
		"unicast-unmasked": {mac.Addr{0x02, 0xbf, 192, 0, 2, 90}, []mac.Addr{{0x02, 0xbf, 192, 0, 2, 90}}},
		"unicast-other":    {mac.Addr{0x02, 0xbf, 192, 0, 2, 91}, []mac.Addr{{0x02, 1, 192, 0, 2, 91}}},
		"multicast":        {mac.Addr{0x03, 0xbf, 192, 0, 2, 90}, []mac.Addr{node1, node2}},
		"multicast-other":  {mac.Addr{0x03, 0xbf, 192, 0, 2, 91}, []mac.Addr{node1, node2}},
		"by-hand":          {mac.Addr{0x03, 0x00, 0x5e, 0x11, 0x11, 0x11}, []mac.Addr{node1, node2}},
		"igmp":             {mac.Addr{0x01, 0x00, 0x5e, 0x7f, 2, 90}, []mac.Addr{node1, node2}},
		"igmp-other":       {mac.Addr{0x01, 0x00, 0x5e, 0x7f, 2, 91}, []mac.Addr{node1, node2}},
		"firewalls":        {mac.Addr{0x01, 0x00, 0x5e, 0x00, 2, 90}, []mac.Addr{node1, node2}},
		"carp":             {mac.Addr{0x01, 0x00, 0x5e, 0x00, 1, 5}, []mac.Addr{node1}},
	}
	set := templates.Load()
	all, err := set.All()
	if err != nil {
		t.Fatal(err)
	}
	withUnicast := 0
	for mode, c := range clusters {
		var frames [][]byte
		for _, source := range c.sources {
			frames = append(frames, arpFrame(source, c.mac, own))
		}
		path := captureOf(t, frames...)
		for _, p := range all {
			var out, errs bytes.Buffer
			run(t.Context(), []string{"analyze", path, "--platform", p.Name, "--vlan", "20", "-o", "json"}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			var o struct {
				Configs  []templates.Config
				NoConfig string `json:"no_config"`
			}
			if err := json.Unmarshal(out.Bytes(), &o); err != nil {
				t.Fatalf("%s, %s: %v: %s%s", mode, p.Name, err, out.String(), errs.String())
			}
			out.Reset()
			errs.Reset()
			run(t.Context(), []string{"render", "--platform", p.Name, "--vlan", "20", "--vip", "192.0.2.90", "--mac", c.mac.String(), "-o", "json"}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			var r struct{ Configs []templates.Config }
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatalf("%s, %s: %v: %s%s", mode, p.Name, err, out.String(), errs.String())
			}
			got, want := linesOf(o.Configs, p.Spelling.Comment), linesOf(r.Configs, p.Spelling.Comment)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s:\n got %q\nwant %q", mode, p.Name, got, want)
			}
			unicast := !c.mac.IsGroup()
			if len(got) == 0 && unicast && !strings.Contains(o.NoConfig, p.Name) {
				t.Errorf("%s, %s: no line, and %q", mode, p.Name, o.NoConfig)
			}
			if len(got) > 0 && unicast {
				withUnicast++
			}
			if text := strings.Join(got, "\n"); mode != "igmp" && (strings.Contains(text, "<GROUP>") || strings.Contains(text, "querier")) {
				t.Errorf("%s, %s: lines for IGMP mode: %q", mode, p.Name, got)
			}
		}
	}
	if withUnicast < 3*9 {
		t.Errorf("%d platforms with lines for unicast mode", withUnicast/3)
	}
}

// TestReserved: another protocol's MAC is never entered anywhere, and the report,
// render and mac give one reason.
func TestReserved(t *testing.T) {
	node1 := mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}
	for _, s := range []string{
		"33:33:00:00:00:01", "01:00:0c:cc:cc:cc", "01:00:0c:cc:cc:cd", "01:1b:19:00:00:00", "01:00:5e:00:00:01", "01:00:5e:00:00:12", "01:00:5e:00:00:fb",
		"01:80:c2:00:00:00", "01:80:c2:00:00:21", "01:00:5e:90:00:01", "01:00:5e:80:00:05", "03:00:00:00:00:01", "01:0c:cd:01:00:00", "09:00:2b:00:00:0f", "ab:00:00:04:00:00",
	} {
		m, err := mac.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		path := captureOf(t, arpFrame(node1, m, [4]byte{192, 0, 2, 90}))
		_, what, _ := runMacArgs(t, s)
		name := strings.TrimSpace(strings.SplitN(strings.SplitN(what, "\n", 2)[0], ": ", 2)[1])
		for _, args := range [][]string{{"analyze", path}, {"analyze", path, "--platform", "linux"}, {"render", "cisco-ios", "192.0.2.90", s}} {
			var out, errs bytes.Buffer
			status := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			text := strings.Join(strings.Fields(out.String()+errs.String()), " ")
			if strings.Contains(text, "PASTE") || strings.Contains(text, "arp 192.0.2.90") || !strings.Contains(text, name) {
				t.Errorf("%q: status %d:\n%s%s", args, status, out.String(), errs.String())
			}
			if args[0] == "render" && (status != exitUnknown || strings.Count(errs.String(), "\n") != 1) {
				t.Errorf("%q: status %d, stderr %q", args, status, errs.String())
			}
		}
	}
}

// TestDoubt: lines for a MAC that only an answer speaks for say so among themselves.
func TestDoubt(t *testing.T) {
	node1 := mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}
	for s, want := range map[string]string{
		"03:00:5e:11:11:11": "Nothing proves that this is an NLB cluster",
		"01:00:5e:00:02:5a": "Nothing proves that this is an NLB cluster",
		"03:bf:c0:00:02:5b": "The MAC is derived from 192.0.2.91",
		"03:bf:c0:00:02:5a": "",
		"01:00:5e:7f:02:5a": "",
	} {
		m, err := mac.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		path := captureOf(t, arpFrame(node1, m, [4]byte{192, 0, 2, 90}))
		for _, platform := range []string{"cisco-ios", "cisco-aci"} { // one with comments, one without
			var out, errs bytes.Buffer
			run(t.Context(), []string{"analyze", path, "--platform", platform}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			_, paste, _ := strings.Cut(out.String(), "PASTE")
			text := strings.Join(strings.Fields(strings.ReplaceAll(paste, "\n!", " ")), " ")
			if paste == "" || (want == "") == (strings.Contains(text, "Nothing proves") || strings.Contains(text, "is derived from")) || !strings.Contains(text, want) {
				t.Errorf("%s, %s:\n%s", s, platform, out.String())
			}
		}
	}
}

// TestLoneWitness: where one host alone answers with the MAC that NLB derives, and
// no heartbeat is a second witness, the lines to paste say so among themselves.
func TestLoneWitness(t *testing.T) {
	vip, node1, node2 := [4]byte{192, 0, 2, 90}, mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}, mac.Addr{0, 0, 0x5e, 0, 0x53, 0x22}
	at := mac.Addr{0x03, 0xbf, 192, 0, 2, 90}
	h := nlb.Heartbeat{Signature: nlb.SignatureMembership, Version: 0x0206, Priority: 1, Cluster: netip.AddrFrom4(vip), Dedicated: netip.AddrFrom4([4]byte{192, 0, 2, 21})}
	status := nlb.Status{State: 1}
	beat := status.AppendTo(h.AppendHeader(nlb.AppendEthernet(nil, at, node1, nlb.EtherTypeHeartbeat)))
	for name, tt := range map[string]struct {
		frames [][]byte
		want   bool
	}{
		"one host":                    {[][]byte{arpFrame(node1, at, vip), arpFrame(node1, at, vip)}, true},
		"two hosts":                   {[][]byte{arpFrame(node1, at, vip), arpFrame(node2, at, vip)}, false},
		"one host, and its heartbeat": {[][]byte{arpFrame(node1, at, vip), beat}, false},
	} {
		path := captureOf(t, tt.frames...)
		for _, platform := range []string{"cisco-ios", "cisco-aci"} {
			var out, errs bytes.Buffer
			run(t.Context(), []string{"analyze", path, "--platform", platform}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			_, paste, found := strings.Cut(out.String(), "PASTE")
			text := strings.Join(strings.Fields(strings.ReplaceAll(paste, "\n!", " ")), " ")
			if !found || strings.Contains(text, advice.LoneWitness) != tt.want {
				t.Errorf("%s, %s:\n%s", name, platform, out.String())
			}
		}
	}
}

// TestRenderKnown: what the MAC does not show is said by flags, and what cannot be
// is refused.
func TestRenderKnown(t *testing.T) {
	for _, tt := range []struct {
		args       string
		has, hasNo string
		err        string
	}{
		{"0100.5e7f.025b", "mac address-table static 0100.5e7f.025b", "querier", ""},
		{"0100.5e7f.025b --mode igmp", "static 239.255.2.91 interface", "mac address-table", ""},
		{"0100.5e7f.025a", "static 239.255.2.90 interface", "mac address-table", ""},
		{"0100.5e7f.025a --mode multicast", "mac address-table static 0100.5e7f.025a", "querier", ""},
		{"0100.5e00.025a", "mac address-table static 0100.5e00.025a", "querier", ""},
		{"0100.5e00.025a --group 224.0.2.90", "static 224.0.2.90 interface", "mac address-table", ""},
		{"0100.5e00.025a --mode igmp", "static <GROUP> interface", "mac address-table", ""},
		{"02bf.c000.025a", "no line for cisco-ios", "\narp 192.0.2.90", ""},
		{"02bf.c000.025a --static-arp", "\narp 192.0.2.90 02bf.c000.025a arpa\n", "mac address-table", ""},
		{"0011.2233.4455 --static-arp", "\narp 192.0.2.90 0011.2233.4455 arpa\n", "", ""},
		{"0011.2233.4455 --mode unicast", "no line for cisco-ios", "\narp 192.0.2.90", ""},

		{"0011.2233.4455", "", "", "is a unicast MAC: no configuration is needed"},
		{"03bf.c000.025a --mode unicast", "", "", "--mode unicast: 03:bf:c0:00:02:5a is a group MAC"},
		{"03bf.c000.025a --mode igmp", "", "", "--mode igmp: 03:bf:c0:00:02:5a is not the MAC of an IPv4 group"},
		{"02bf.c000.025a --mode multicast", "", "", "--mode multicast: 02:bf:c0:00:02:5a is no group MAC"},
		{"03bf.c000.025a --mode broadcast", "", "", `no mode is called "broadcast"; there are unicast, multicast and igmp`},
		{"03bf.c000.025a --group 239.1.1.1", "", "", "--group is for the mode igmp"},
		{"0100.5e00.025a --group 239.1.1.1", "", "", "group 239.1.1.1 does not have the MAC address 01:00:5e:00:02:5a"},
		{"0100.5e00.025a --group 192.0.2.1", "", "", `--group "192.0.2.1" is not an IPv4 multicast address`},
		{"03bf.c000.025a --static-arp", "", "", "--static-arp is for a unicast MAC"},
	} {
		status, out, errs := runArgs(t, append(strings.Fields("render cisco-ios 192.0.2.90 --vlan 20 --port Gi1/0/11"), strings.Fields(tt.args)...)...)
		switch {
		case tt.err == "" && (status != exitOK || !strings.Contains(out, tt.has) || tt.hasNo != "" && strings.Contains(out, tt.hasNo)):
			t.Errorf("%s: status %d, want %q and no %q in\n%s%s", tt.args, status, tt.has, tt.hasNo, out, errs)
		case tt.err != "" && (status != exitUnknown || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, tt.err)):
			t.Errorf("%s: status %d, stdout %q, stderr %q", tt.args, status, out, errs)
		}
	}
}

// TestUndo: the command that takes lines back knows what the lines rest on.
func TestUndo(t *testing.T) {
	vips := []netip.Addr{netip.MustParseAddr("192.0.2.90")}
	for name, tt := range map[string]struct {
		platform string
		g        advice.Need
		want     string
	}{
		"a primary VIP that heartbeats name": {"cisco-ios", advice.Need{MAC: mac.Addr{1, 0, 0x5e, 0x7f, 2, 91}, Mode: templates.IGMP, Group: netip.MustParseAddr("239.255.2.91")},
			"no ip igmp snooping vlan 20 static 239.255.2.91 interface GigabitEthernet1/0/11"},
		"a group that hosts report": {"cisco-ios", advice.Need{MAC: mac.Addr{1, 0, 0x5e, 0, 2, 90}, Mode: templates.IGMP, Group: netip.MustParseAddr("224.0.2.90")},
			"no ip igmp snooping vlan 20 static 224.0.2.90 interface GigabitEthernet1/0/11"},
		"a pair of firewalls":      {"cisco-ios", advice.Need{MAC: mac.Addr{1, 0, 0x5e, 0, 2, 90}}, "no mac address-table static 0100.5e00.025a vlan 20"},
		"a router that compares":   {"cisco-ios", advice.Need{MAC: mac.Addr{2, 0xbf, 192, 0, 2, 90}, Mode: templates.Unicast, Refused: true}, "no arp 192.0.2.90 02bf.c000.025a arpa"},
		"a unicast MAC, by hand":   {"extreme-voss", advice.Need{MAC: mac.Addr{2, 1, 2, 3, 4, 5}, Mode: templates.Unicast}, "no nlb-mode"},
		"NLB in unicast mode":      {"extreme-voss", advice.Need{MAC: mac.Addr{2, 0xbf, 192, 0, 2, 90}, Mode: templates.Unicast}, "no nlb-mode"},
		"an ordinary host refused": {"cisco-ios", advice.Need{MAC: mac.Addr{0, 1, 2, 3, 4, 5}, Mode: templates.Unicast, Refused: true}, "no arp 192.0.2.90 0001.0203.0405 arpa"},
	} {
		c := configOptions{device: deviceOptions{platforms: []string{tt.platform}, vlan: 20}}
		if tt.platform == "cisco-ios" {
			c.device.ports = []string{"Gi1/0/11"}
		}
		tt.g.VIPs = vips
		configs, _, err := c.renderLines(tt.g)
		if err != nil || len(configs) != 1 {
			t.Errorf("%s: %d configurations, %v", name, len(configs), err)
			continue
		}
		words := c.undo(tt.g)
		status, out, errs := runArgs(t, words[1:]...)
		if status != exitOK || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %q: status %d, no %q in\n%s%s", name, words, status, tt.want, out, errs)
		}
	}
}

// TestUnanswered: a group MAC that no answer names is not entered anywhere, unless
// NLB derives it from the VIP.
func TestUnanswered(t *testing.T) {
	asks := func(m mac.Addr) []byte {
		b := arpFrame(mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}, m, [4]byte{192, 0, 2, 90})
		b[21] = 1 // a request
		return b
	}
	for s, want := range map[string]string{
		"03:00:5e:11:11:11": "only a host's own question does",
		"01:00:5e:00:02:5a": "only a host's own question does",
		"03:bf:c0:00:02:5b": "only a host's own question does",
		"03:bf:c0:00:02:5a": "PASTE",
		"01:00:5e:7f:02:5a": "PASTE",
	} {
		m, err := mac.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		_, out, _ := runArgs(t, "analyze", captureOf(t, asks(m)), "--platform", "cisco-ios")
		if text := strings.Join(strings.Fields(out), " "); !strings.Contains(text, want) || strings.Contains(text, "PASTE") != (want == "PASTE") {
			t.Errorf("%s: no %q in\n%s", s, want, out)
		}
	}
}
