package reading

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// TestDiffRefuses: a file that cannot be compared with is refused in one line
// that says why and where.
func TestDiffRefuses(t *testing.T) {
	tests := []struct {
		why, platform, old, want string
	}{
		{"binary", "cisco-ios", "\x7fELF\x00\x00", `"old": a binary file; what is compared is text, as the device shows it`},
		{"XML", "juniper-junos", "<?xml version=\"1.0\"?>\n<configuration/>\n", `"old": XML or JSON; what is compared is text, as the device shows it`},
		{"JSON", "cisco-nxos", "\n {\"nxapi\": 1}\n", `"old": XML or JSON; what is compared is text, as the device shows it`},
		{"pager", "cisco-ios", "hostname a\n --More-- \b\b\b\barp 192.0.2.1 0011.2233.4455 ARPA\n", `"old", line 2: a pager's prompt (--More--) stands between the lines: turn paging off on the device and save it again`},
		{"a diff", "cisco-ios", "! diff, in global configuration mode\nno arp 192.0.2.1 0011.2233.4455 arpa\n", `"old", line 1: what --diff printed is no configuration: give what the device shows, or the whole lines of an earlier run`},
		{"shown in a form that is not known", "hpe-comware", "#\n sysname core\n#\nvlan 20\n", `"old", line 2: not a line that is printed for hpe-comware; how that platform shows its configuration is not established, so that only the lines of an earlier run can be compared`},
		{"a placeholder", "linux", "ip neigh replace 192.0.2.100 lladdr 03:bf:c0:00:02:64 dev <SVI> nud permanent\n", `"old", line 1: not a line that is printed for linux; how that platform shows its configuration is not established, so that only the lines of an earlier run can be compared`},
		{"braces", "juniper-junos", strings.Repeat("a {\n", 100), `"old", line 65: more than 64 braces are open`},
		{"too long", "cisco-ios", strings.Repeat("!", MaxOld+1), `"old": more than 16 MiB`},
	}
	for _, tt := range tests {
		p := templatestest.Lookup(t, tt.platform)
		c, err := Diff(p, diffSample(p, nil), platform.Both, Old{Name: "old", Text: []byte(tt.old)})
		if _, is := errors.AsType[*OldError](err); !is || err.Error() != tt.want || c.Text != "" {
			t.Errorf("%s: %v\nwant %s", tt.why, err, tt.want)
		}
	}
	p := templatestest.Lookup(t, "cisco-aci")
	if _, err := Diff(p, templatestest.Sample(p, templatestest.MulticastMAC), platform.Both, Old{}); err == nil || !strings.Contains(err.Error(), "objects and not by lines") {
		t.Errorf("ACI: %v", err)
	}
	p = templatestest.Lookup(t, "cisco-ios")
	_, err := Diff(p, render.Values{VIPs: []netip.Addr{templatestest.MulticastVIP}, MAC: templatestest.MulticastMAC}, platform.Both, Old{})
	if e, is := errors.AsType[*render.MissingError](err); !is || !slices.Equal(e.Names, []string{"vlan", "port"}) {
		t.Errorf("without values: %v", err)
	}
}

// TestDiffRemarks: somebody's own remark is no heading of ours, and a name is
// shortened only in a line that is printed.
func TestDiffRemarks(t *testing.T) {
	p := templatestest.Lookup(t, "cisco-ios")
	v := diffSample(p, nil)
	configs, err := render.Sections(p, v, platform.Both, []platform.Section{platform.Configure}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Diff(p, v, platform.Both, Old{Text: []byte("! remove\n" + configs[0].Text)}); err != nil || c.Text != "" {
		t.Errorf("%v\n%s", err, c.Text)
	}
	for i := range 14 {
		v.Ports = append(v.Ports, fmt.Sprintf("GigabitEthernet2/0/%d", 1+i))
	}
	configs, err = render.Sections(p, v, platform.L2, []platform.Section{platform.Configure}, render.Options{})
	if err != nil || !strings.Contains(configs[0].Text, "port names are shortened") {
		t.Fatalf("%v\n%s", err, configs[0].Text)
	}
	c, err := Diff(p, v, platform.Both, Old{Text: []byte(configs[0].Text)})
	if err != nil || c.Text == "" || strings.Contains(c.Text, "shortened") {
		t.Errorf("%v\n%s", err, c.Text)
	}
}

// TestDiffEncodings: files of Windows tools are text too.
func TestDiffEncodings(t *testing.T) {
	p := templatestest.Lookup(t, "cisco-ios")
	v := diffSample(p, nil)
	configs, err := render.Sections(p, v, platform.Both, []platform.Section{platform.Configure}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(configs[0].Text, "\n", "\r\n")
	for name, order := range map[string]func(uint16) []byte{
		"\xff\xfe": func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} },
		"\xfe\xff": func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} },
	} {
		old := []byte(name)
		for _, u := range utf16.Encode([]rune(text)) {
			old = append(old, order(u)...)
		}
		if c, err := Diff(p, v, platform.Both, Old{Text: old}); err != nil || c.Text != "" {
			t.Errorf("UTF-16 %x: %v\n%s", name, err, c.Text)
		}
	}
	if c, err := Diff(p, v, platform.Both, Old{Text: []byte("\xef\xbb\xbf" + text)}); err != nil || c.Text != "" {
		t.Errorf("UTF-8 with a byte order mark: %v\n%s", err, c.Text)
	}
}

// TestDiffHostileValues: what stands in the file for a value reaches a line only
// if a user could have given it.
func TestDiffHostileValues(t *testing.T) {
	tests := []struct {
		platform, old, note string
	}{
		{"linux", "ip neigh replace 192.0.2.102 lladdr 03:bf:c0:00:02:64 dev $(reboot) nud permanent\n", "line 1 must go (VIP 192.0.2.102 was not given), by hand: \"$(reboot)\" is no svi name"},
		{"linux", "ip link set dev swp9;reboot type bridge_slave mcast_router 2\n", ""},
		{"cisco-ios", "arp vrf a;b 192.0.2.100 03bf.c000.0264 arpa\n", "line 1 must go (no line for the values given), by hand: \"a;b\" is no vrf name"},
		{"cisco-ios", "arp vrf \u00bc\u6f22x 192.0.2.100 03bf.c000.0264 arpa\n", `line 1 must go (no line for the values given), by hand: vrf "\u00bc\u6f22x" holds`},
		{"cisco-ios", "arp vrf \x1b[2J 192.0.2.100 03bf.c000.0264 arpa\n", "line 1 must go (no line for the values given), by hand: vrf \"\\x1b[2J\" holds"},
	}
	for _, tt := range tests {
		p := templatestest.Lookup(t, tt.platform)
		c, err := Diff(p, diffSample(p, nil), platform.L3, Old{Text: []byte(tt.old)})
		if err != nil {
			if tt.note != "" {
				t.Errorf("%q: %v", tt.old, err)
			}
			continue
		}
		if strings.ContainsAny(c.Text, ";$\x1b") || !slices.ContainsFunc(c.Notes, func(n string) bool { return tt.note != "" && strings.HasPrefix(n, tt.note) }) {
			t.Errorf("%q: %q\n%s", tt.old, c.Notes, c.Text)
		}
	}
}

// FuzzDiff compares with hostile files. What comes out is lines of printable
// ASCII within the platform's limit, each a line to configure or to take back;
// and what has been entered needs not be entered again.
func FuzzDiff(f *testing.F) {
	for i, tt := range diffCases {
		f.Add([]byte(tt.old), uint8(i), uint8(i%3))
	}
	all := templatestest.All(f)
	all = slices.DeleteFunc(all, func(p *platform.Platform) bool { return !canCompare(p) })
	if len(all) < 30 {
		f.Fatalf("%d platforms to fuzz", len(all))
	}
	parsed := make([][]pattern, len(all))
	for i, p := range all {
		var err error
		if parsed[i], err = patterns(p); err != nil {
			f.Fatal(err)
		}
	}
	for i, p := range all { // names that a device could hold and no note may repeat as they are
		if p.Name == "cisco-nxos" {
			f.Add([]byte("interface vlan 20w\u00bc\u6f22x\n  ip arp 192.0.2.100 03bf.c000.0264\n"), uint8(i), uint8(platform.L3))
		}
	}
	f.Fuzz(func(t *testing.T, old []byte, pick, role uint8) {
		n := int(pick) % len(all)
		p, patterns := all[n], parsed[n]
		v := diffSample(p, nil)
		c, err := diff(p, patterns, v, platform.Role(role%3), Old{Name: "old", Text: old})
		if err != nil {
			if c.Text != "" || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
				t.Fatalf("%q with %q", err, c.Text)
			}
			return
		}
		for _, n := range c.Notes {
			if strings.ContainsFunc(n, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) {
				t.Fatalf("note %q", n)
			}
		}
		for line := range strings.Lines(c.Text) {
			line = strings.TrimSuffix(line, "\n")
			if strings.ContainsFunc(line, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) {
				t.Fatalf("%s: %q", p.Name, line)
			}
			if most := p.Spelling.Line; most > 0 && !templatestest.IsComment(c, line) && len(line) > most {
				t.Fatalf("%s: %d characters: %q", p.Name, len(line), line)
			}
			if !templatestest.IsComment(c, line) && !written(p, patterns, strings.TrimSpace(line)) {
				t.Fatalf("%s: no line of the platform's: %q", p.Name, line)
			}
		}
	})
}

// written reports whether a line is one that the platform's file can give.
func written(p *platform.Platform, patterns []pattern, line string) bool {
	return slices.ContainsFunc(patterns, func(t pattern) bool {
		forms := slices.Concat(t.open, t.shut, t.undo, []form{t.forms[0].head}, t.forms[0].kids)
		return slices.ContainsFunc(forms, func(f form) bool { return f.read(p, line, &values{by: map[string]string{}}) }) ||
			slices.Contains(closers, line)
	})
}

// BenchmarkDiff reads a configuration of 100,000 lines.
func BenchmarkDiff(b *testing.B) {
	p := templatestest.Lookup(b, "cisco-ios")
	v := diffSample(p, nil)
	text := []byte(strings.Repeat("interface GigabitEthernet1/0/1\n switchport access vlan 20\n!\narp 192.0.2.7 0011.2233.4455 ARPA\nip route 10.0.0.0 255.0.0.0 192.0.2.9\n", 20000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Diff(p, v, platform.Both, Old{Text: text}); err != nil {
			b.Fatal(err)
		}
	}
}
