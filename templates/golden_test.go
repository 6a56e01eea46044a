package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/mac"
)

// The cluster of all goldens: VIP 192.0.2.100, its MACs derived as NLB does.
var (
	multicastMAC = mac.Addr{0x03, 0xbf, 192, 0, 2, 100}
	igmpMAC      = mac.Addr{0x01, 0x00, 0x5e, 0x7f, 2, 100}
	firewallMAC  = mac.Addr{0x01, 0x00, 0x5e, 0x00, 2, 100}
	unicastMAC   = mac.Addr{0x02, 0xbf, 192, 0, 2, 100}
)

func load(t testing.TB, folders ...Folder) *Set {
	t.Helper()
	s := Load(folders...)
	for _, f := range s.Faulty() {
		t.Fatal(f)
	}
	return s
}

func lookup(t testing.TB, name string) *Platform {
	t.Helper()
	p, err := load(t).Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sample returns values that the platform's own examples fill.
func sample(p *Platform, m mac.Addr) Values {
	v := Values{
		VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.101")},
		MAC:  m, VLAN: 20, Prefix: netip.MustParsePrefix("192.0.2.1/24"), Set: map[string]string{},
	}
	for _, decl := range p.Values {
		switch {
		case decl.Name == "port":
			v.Ports = decl.Examples
		case decl.Name == "svi" && decl.Default == "":
			v.SVI = decl.Examples[0]
		case slices.Contains(builtinValues[:], decl.Name):
		case decl.Kind == "ipv4":
			v.Set[decl.Name] = "192.0.2.2"
		default:
			v.Set[decl.Name] = decl.Examples[0]
		}
	}
	return v
}

var lastNumber = regexp.MustCompile(`[0-9]+$`)

// cases returns what is rendered of every platform: each mode and role, and
// for both roles what a value or its lack changes.
func cases(p *Platform) map[string]struct {
	v    Values
	role Role
} {
	all := map[string]struct {
		v    Values
		role Role
	}{}
	for _, m := range []mac.Addr{multicastMAC, igmpMAC, unicastMAC} {
		mode, _ := ModeOf(m)
		add := func(name string, role Role, change func(*Values)) {
			v := sample(p, m)
			change(&v)
			all[string(mode)+"-"+name] = struct {
				v    Values
				role Role
			}{v, role}
		}
		for _, role := range []Role{Both, L3, L2} {
			add(role.String(), role, func(*Values) {})
		}
		if mode == Unicast && !slices.ContainsFunc(p.Configure, func(l Line) bool { return l.Mode == Unicast || l.Mode == anyMode }) {
			continue // advice, whatever is given
		}
		if mode == Unicast {
			add("one-port", Both, func(v *Values) { v.Ports = v.Ports[:min(1, len(v.Ports))] })
		}
		add("placeholders", Both, func(v *Values) { *v = Values{VIPs: v.VIPs[:1], MAC: v.MAC} })
		add("vrf", Both, func(v *Values) { v.VRF = "blue" })
		add("16-ports", Both, func(v *Values) {
			if len(v.Ports) == 0 {
				return
			}
			first := v.Ports[0]
			n, _ := strconv.Atoi(lastNumber.FindString(first))
			v.Ports = nil
			for i := range 16 {
				v.Ports = append(v.Ports, lastNumber.ReplaceAllString(first, strconv.Itoa(n+i)))
			}
		})
	}
	// A pair of firewalls: a MAC of IP groups, and no group.
	if slices.ContainsFunc(p.Configure, func(l Line) bool { return l.Mode == IGMP }) {
		v := sample(p, firewallMAC)
		delete(v.Set, "group")
		all["ip-macs-both"] = struct {
			v    Values
			role Role
		}{v, Both}
	}
	// A router is proven not to take the answers of a cluster in unicast mode.
	if slices.ContainsFunc(p.Configure, func(l Line) bool { return l.Mode == refusedMode }) || p.entersVIP() {
		v := sample(p, unicastMAC)
		v.Refused = true
		all["refused-l3"] = struct {
			v    Values
			role Role
		}{v, L3}
	}
	return all
}

// dump is a rendering as a golden file shows it.
func dump(configs []Config) []byte {
	var b bytes.Buffer
	for _, c := range configs {
		fmt.Fprintf(&b, "[%s] %s, confidence %s\n", c.Section, c.Platform, c.Confidence)
		if len(c.Missing) > 0 {
			fmt.Fprintf(&b, "[missing] %s\n", strings.Join(c.Missing, ", "))
		}
		for _, n := range c.Notes {
			fmt.Fprintf(&b, "[note] %s\n", n)
		}
		b.WriteString(c.Text)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// TestGolden renders every platform in every mode and role. A platform without
// its golden files fails.
func TestGolden(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 11 {
		t.Fatalf("%d platforms: the built-in ones did not load", len(all))
	}
	wanted := map[string]bool{}
	for _, p := range all {
		for name, tt := range cases(p) {
			path := filepath.Join("testdata", "golden", p.Name, name+".txt")
			wanted[path] = true
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				configs, err := p.Render(tt.v, tt.role, Sections(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range configs {
					checkRules(t, p, c)
				}
				checkVIPs(t, p, tt.v, tt.role, configs[0])
				goldentest.Compare(t, path, dump(configs))
			})
		}
	}
	files, err := filepath.Glob("testdata/golden/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !wanted[f] {
			t.Errorf("%s belongs to no platform or case", f)
		}
	}
}

// isComment reports whether the device ignores a line.
func isComment(c Config, line string) bool {
	return c.Comment != "" && strings.HasPrefix(strings.TrimLeft(line, " "), strings.TrimRight(c.Comment, " "))
}

// devices returns the lines of a section that the device reads.
func devices(c Config) []string {
	var lines []string
	for line := range strings.Lines(c.Text) {
		if !isComment(c, line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// checkRules checks what holds for every section of every platform.
func checkRules(t *testing.T, p *Platform, c Config) {
	t.Helper()
	var style mac.Style
	if err := style.UnmarshalText([]byte(p.Spelling.MAC)); err != nil {
		t.Fatal(err)
	}
	unverified := linesOf(p, c.Section, Unverified)
	above := ""
	for line := range strings.Lines(c.Text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			t.Errorf("%s: an empty line", c.Section)
		case strings.HasSuffix(line, " "):
			t.Errorf("%s: a line ends in a space: %q", c.Section, line)
		case isComment(c, line) && (len(line) > 80 || strings.ContainsAny(line, "?")):
			t.Errorf("%s: a comment that is too wide or asks for help: %q", c.Section, line)
		case !isComment(c, line) && p.Spelling.Line > 0 && len(line) > p.Spelling.Line:
			t.Errorf("%s: %d characters, the platform takes %d: %q", c.Section, len(line), p.Spelling.Line, line)
		}
		if !isComment(c, line) {
			for _, m := range []mac.Addr{multicastMAC, igmpMAC, firewallMAC, unicastMAC} {
				for s := mac.Colon; s <= mac.Bare; s++ {
					if s != style && strings.Contains(line, m.In(s)) && !spells(p, c.Section, line, s) {
						t.Errorf("%s: the MAC is spelled as %s, and no line calls for that: %q", c.Section, s, line)
					}
				}
			}
			if slices.ContainsFunc(unverified, func(re *regexp.Regexp) bool { return re.MatchString(strings.TrimSpace(line)) }) {
				if !isComment(c, above) || !strings.Contains(paragraph(c, line), "unverified") {
					t.Errorf("%s: an unverified line without its comment above: %q", c.Section, line)
				}
			}
		}
		above = line
	}
	if slices.Contains(p.Spelling.Bare, c.Section) && !json.Valid([]byte(c.Text)) {
		t.Errorf("%s: not JSON:\n%s", c.Section, c.Text)
	}
}

// paragraph returns the comment lines directly above a line.
func paragraph(c Config, line string) string {
	before, _, _ := strings.Cut("\n"+c.Text, "\n"+line+"\n")
	lines := strings.Split(before, "\n")
	start := len(lines)
	for start > 0 && isComment(c, lines[start-1]) {
		start--
	}
	return strings.Join(lines[start:], "\n")
}

// spells reports whether a template of the section that gives this line calls for
// the spelling, by MACIn.
func spells(p *Platform, section Section, line string, style mac.Style) bool {
	call := fmt.Sprintf(`.MACIn "%s"`, style)
	for _, l := range sectionLines(p, section) {
		// What a difference takes back stands among what is to configure.
		for part := range strings.SplitSeq(l.Line+"\n"+l.Undo, "\n") {
			if strings.Contains(part, call) && regexp.MustCompile("^"+lineForm(p.Outline(part))+"$").MatchString(strings.TrimSpace(line)) {
				return true
			}
		}
	}
	return false
}

// sectionLines are the lines of a platform's file that give a section.
func sectionLines(p *Platform, s Section) []Line {
	switch s {
	case Verify:
		return p.Verify
	case Save:
		return p.Save
	}
	return p.Configure
}

// linesOf returns patterns of the lines of a section that the platform file
// gives a confidence, made from the file itself and not from what was rendered;
// of a block its first line.
func linesOf(p *Platform, s Section, of Confidence) []*regexp.Regexp {
	var all []*regexp.Regexp
	add := func(text string, c Confidence) {
		if c != of || text == "" {
			return
		}
		text, _, _ = strings.Cut(text, "\n")
		all = append(all, regexp.MustCompile("^"+lineForm(p.Outline(text))+"$"))
	}
	for _, l := range sectionLines(p, s) {
		switch {
		case s != Remove:
			add(l.Line, l.Confidence)
		case l.UndoConfidence != "":
			add(l.Undo, l.UndoConfidence)
		default:
			add(l.Undo, l.Confidence)
		}
	}
	return all
}

// wanted reports whether a line to configure belongs into a rendering.
func wanted(t *testing.T, p *Platform, l Line, v Values, role Role) bool {
	t.Helper()
	r, err := newRender(p, v, role)
	if err != nil {
		t.Fatal(err)
	}
	return r.wants(Configure, l.scope())
}

// checkVIPs checks that each VIP has exactly one line where the device routes,
// and none where it only bridges.
func checkVIPs(t *testing.T, p *Platform, v Values, role Role, c Config) {
	t.Helper()
	per := 0
	for _, l := range p.Configure {
		if l.Each == "vip" && wanted(t, p, l, v, role) {
			per++
		}
	}
	for _, ip := range v.VIPs {
		n := 0
		for _, line := range devices(c) {
			if regexp.MustCompile(`\b` + regexp.QuoteMeta(ip.String()) + `\b`).MatchString(line) {
				n++
			}
		}
		if n != per || per > 1 {
			t.Errorf("VIP %s stands in %d lines, want %d", ip, n, per)
		}
	}
}

// TestRemoveUndoes checks of every platform and case that each line of the
// configure section is taken back by one of the remove section, and that
// nothing else is.
func TestRemoveUndoes(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for name, tt := range cases(p) {
			configs, err := p.Render(tt.v, tt.role, []Section{Configure, Remove}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			configure, remove := devices(configs[0]), devices(configs[1])
			for _, l := range p.Configure {
				if !wanted(t, p, l, tt.v, tt.role) || l.Undo == "" {
					continue
				}
				did, undone := count(p, l.Line, configure), count(p, l.Undo, remove)
				if did == 0 || did != undone && strings.Contains(l.Undo, ".Port") || undone == 0 {
					t.Errorf("%s/%s: %q stands %d times in configure, its undo %d times in remove", p.Name, name, l.Line, did, undone)
				}
			}
			// What identifies an entry must stand in both lines.
			for _, l := range p.Configure {
				for _, field := range []string{"<VIP>", "<GROUP>", "<VRF>"} {
					if l.Undo != "" && strings.Contains(p.Outline(l.Line), field) && !strings.Contains(strings.ReplaceAll(p.Outline(l.Undo), "<VIP-NUMBER>", "<VIP>"), field) && !slices.Contains(p.Spelling.Bare, Remove) {
						t.Errorf("%s: %q does not say of which %s it is", p.Name, l.Undo, field)
					}
				}
				// On the platforms with "no", a line is undone by its own words.
				if p.Spelling.Comment == "! " && l.Undo != "" && !strings.HasPrefix(strings.TrimPrefix(l.Line, "no "), strings.TrimPrefix(l.Undo, "no ")) {
					t.Errorf("%s: %q does not undo %q", p.Name, l.Undo, l.Line)
				}
			}
		}
	}
}

// lineForm is the pattern of the lines that an outline may become. The VRF, with
// the word before it (vrf, vr, vpn-instance), may be left out.
func lineForm(outline string) string {
	text := regexp.QuoteMeta(outline)
	text = regexp.MustCompile(`(?:[a-z-]+ )?<VRF> `).ReplaceAllString(text, `(?:.+ )?`)
	text = regexp.MustCompile(` (?:[a-z-]+ )?<VRF>`).ReplaceAllString(text, `(?: .+)?`)
	return regexp.MustCompile(`<[A-Z-]+>`).ReplaceAllString(text, `.+`)
}

// count counts the lines that a template may have made; of a block the first.
func count(p *Platform, text string, lines []string) int {
	text, _, _ = strings.Cut(p.Outline(text), "\n")
	re := regexp.MustCompile("^" + lineForm(text) + ",?$")
	n := 0
	for _, line := range lines {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}
