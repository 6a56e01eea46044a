// Package templatestest is what the tests of templates and of its rooms share: the
// clusters and cases of the golden files, the rules for any text, a platform that is
// made up.
package templatestest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/platforms"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// MulticastVIP is the VIP that the MACs of the goldens are derived from.
var MulticastVIP = netip.MustParseAddr("192.0.2.100")

// Needs skips the test where a program is missing; under CI it fails.
func Needs(t *testing.T, _ string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// HostileFile is a platform file whose patterns let everything through, so
// that the encoders alone stand between a value and the document.
func HostileFile(t testing.TB, replace ...string) string {
	t.Helper()
	const forms = `ansible:
  collection: acme.os
  connection: local
  confidence: field
  source: [manual]
  tasks:
    - name: "{{.Get 'vlan-name'}}"
      module: acme.os.entry
      args:
        name: "{{.Get 'vlan-name'}}"
        list: ["{{.Get 'vlan-name'}}", {in: "{{.Get 'vlan-name'}}"}]
        last: 1
      confidence: field
      source: [manual]
ietf:
  interface: "{{.Get 'vlan-name'}}"
  role: l3
  confidence: field
  source: [manual]
terraform:
  provider: acme
  registry: acme/os
  version: ">= 1.0"
  confidence: field
  source: [manual]
  resources:
    - type: acme_entry
      label: "{{.Get 'vlan-name'}}"
      body:
        name: "{{.Get 'vlan-name'}}"
        block: {list: ["{{.Get 'vlan-name'}}", true]}
      confidence: field
      source: [manual]
sources:
`
	return AcmeFile(t, append([]string{
		`    pattern: "[a-z]+"`, `    pattern: ".*"`, "    examples: [web]\n", "    examples: [web]\n    spaces: true\n",
		"sources:\n", strings.ReplaceAll(forms, "'", "`"),
	}, replace...)...)
}

// The cluster of all goldens: VIP 192.0.2.100, its MACs derived as NLB does.
var (
	MulticastMAC = mac.Addr{0x03, 0xbf, 192, 0, 2, 100}
	IGMPMAC      = mac.Addr{0x01, 0x00, 0x5e, 0x7f, 2, 100}
	FirewallMAC  = mac.Addr{0x01, 0x00, 0x5e, 0x00, 2, 100}
	UnicastMAC   = mac.Addr{0x02, 0xbf, 192, 0, 2, 100}
)

// Lookup returns a built-in platform.
func Lookup(t testing.TB, name string) *platform.Platform {
	t.Helper()
	data, err := platforms.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := platform.Decode(name, data)
	if err != nil {
		t.Fatal(err)
	}
	p.File = platform.Builtin
	return p
}

// All returns every built-in platform in the order of their names.
func All(t testing.TB) []*platform.Platform {
	t.Helper()
	var all []*platform.Platform
	for _, name := range platforms.Names() {
		all = append(all, Lookup(t, name))
	}
	if len(all) < 50 {
		t.Fatalf("%d built-in platforms", len(all))
	}
	return all
}

// Sample returns values that the platform's own examples fill.
func Sample(p *platform.Platform, m mac.Addr) render.Values {
	v := render.Values{
		VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.101")},
		MAC:  m, VLAN: 20, Prefix: netip.MustParsePrefix("192.0.2.1/24"), Set: map[string]string{},
	}
	for _, decl := range p.Values {
		switch {
		case decl.Name == "port":
			v.Ports = decl.Examples
		case decl.Name == "svi" && decl.Default == "":
			v.SVI = decl.Examples[0]
		case slices.Contains(platform.BuiltinValues[:], decl.Name):
		case decl.Kind == "ipv4":
			v.Set[decl.Name] = "192.0.2.2"
		default:
			v.Set[decl.Name] = decl.Examples[0]
		}
	}
	return v
}

// Case is a cluster's values and what a device does for it.
type Case struct {
	V    render.Values
	Role platform.Role
}

// Cases returns what is rendered of every platform: each mode and role, and
// for both roles what a value or its lack changes.
func Cases(p *platform.Platform) map[string]Case {
	all := map[string]Case{}
	for _, m := range []mac.Addr{MulticastMAC, IGMPMAC, UnicastMAC} {
		mode, _ := render.ModeOf(m)
		add := func(name string, role platform.Role, change func(*render.Values)) {
			v := Sample(p, m)
			change(&v)
			all[string(mode)+"-"+name] = Case{v, role}
		}
		for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
			add(role.String(), role, func(*render.Values) {})
		}
		if mode == platform.Unicast && !slices.ContainsFunc(p.Configure, func(l platform.Line) bool { return l.Mode == platform.Unicast || l.Mode == platform.AnyMode }) {
			continue // advice, whatever is given
		}
		if mode == platform.Unicast {
			add("one-port", platform.Both, func(v *render.Values) { v.Ports = v.Ports[:min(1, len(v.Ports))] })
		}
		add("placeholders", platform.Both, func(v *render.Values) { *v = render.Values{VIPs: v.VIPs[:1], MAC: v.MAC} })
		add("vrf", platform.Both, func(v *render.Values) { v.VRF = "blue" })
		add("16-ports", platform.Both, func(v *render.Values) {
			if len(v.Ports) == 0 {
				return
			}
			lastNumber := regexp.MustCompile(`[0-9]+$`)
			first := v.Ports[0]
			n, _ := strconv.Atoi(lastNumber.FindString(first))
			v.Ports = nil
			for i := range 16 {
				v.Ports = append(v.Ports, lastNumber.ReplaceAllString(first, strconv.Itoa(n+i)))
			}
		})
	}
	// A pair of firewalls: a MAC of IP groups, and no group.
	if slices.ContainsFunc(p.Configure, func(l platform.Line) bool { return l.Mode == platform.IGMP }) {
		v := Sample(p, FirewallMAC)
		delete(v.Set, "group")
		all["ip-macs-both"] = Case{v, platform.Both}
	}
	// A router is proven not to take the answers of a cluster in unicast mode.
	if slices.ContainsFunc(p.Configure, func(l platform.Line) bool { return l.Mode == platform.RefusedMode }) || p.EntersVIP() {
		v := Sample(p, UnicastMAC)
		v.Refused = true
		all["refused-l3"] = Case{v, platform.L3}
	}
	return all
}

// Dump is a rendering as a golden file shows it.
func Dump(configs []render.Config) []byte {
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

// IsComment reports whether the device ignores a line.
func IsComment(c render.Config, line string) bool {
	return c.Comment != "" && strings.HasPrefix(strings.TrimLeft(line, " "), strings.TrimRight(c.Comment, " "))
}

// Devices returns the lines of a section that the device reads.
func Devices(c render.Config) []string {
	var lines []string
	for line := range strings.Lines(c.Text) {
		if !IsComment(c, line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// CheckRules checks what holds for every section of every platform.
func CheckRules(t *testing.T, p *platform.Platform, c render.Config) {
	t.Helper()
	var style mac.Style
	if err := style.UnmarshalText([]byte(p.Spelling.MAC)); err != nil {
		t.Fatal(err)
	}
	unverified := LinesOf(p, c.Section, platform.Unverified)
	above := ""
	for line := range strings.Lines(c.Text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			t.Errorf("%s: an empty line", c.Section)
		case strings.HasSuffix(line, " "):
			t.Errorf("%s: a line ends in a space: %q", c.Section, line)
		case IsComment(c, line) && (len(line) > 80 || strings.ContainsAny(line, "?")):
			t.Errorf("%s: a comment that is too wide or asks for help: %q", c.Section, line)
		case !IsComment(c, line) && p.Spelling.Line > 0 && len(line) > p.Spelling.Line:
			t.Errorf("%s: %d characters, the platform takes %d: %q", c.Section, len(line), p.Spelling.Line, line)
		}
		if !IsComment(c, line) {
			for _, m := range []mac.Addr{MulticastMAC, IGMPMAC, FirewallMAC, UnicastMAC} {
				for s := mac.Colon; s <= mac.Bare; s++ {
					if s != style && strings.Contains(line, m.In(s)) && !spells(p, c.Section, line, s) {
						t.Errorf("%s: the MAC is spelled as %s, and no line calls for that: %q", c.Section, s, line)
					}
				}
			}
			if slices.ContainsFunc(unverified, func(re *regexp.Regexp) bool { return re.MatchString(strings.TrimSpace(line)) }) {
				if !IsComment(c, above) || !strings.Contains(paragraph(c, line), "unverified") {
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
func paragraph(c render.Config, line string) string {
	before, _, _ := strings.Cut("\n"+c.Text, "\n"+line+"\n")
	lines := strings.Split(before, "\n")
	start := len(lines)
	for start > 0 && IsComment(c, lines[start-1]) {
		start--
	}
	return strings.Join(lines[start:], "\n")
}

// spells reports whether a template of the section that gives this line calls for
// the spelling, by MACIn.
func spells(p *platform.Platform, section platform.Section, line string, style mac.Style) bool {
	call := fmt.Sprintf(`.MACIn "%s"`, style)
	for _, l := range sectionLines(p, section) {
		// What a difference takes back stands among what is to configure.
		for part := range strings.SplitSeq(l.Line+"\n"+l.Undo, "\n") {
			if strings.Contains(part, call) && regexp.MustCompile("^"+LineForm(render.Outline(p, part))+"$").MatchString(strings.TrimSpace(line)) {
				return true
			}
		}
	}
	return false
}

// sectionLines are the lines of a platform's file that give a section.
func sectionLines(p *platform.Platform, s platform.Section) []platform.Line {
	switch s {
	case platform.Verify:
		return p.Verify
	case platform.Save:
		return p.Save
	}
	return p.Configure
}

// LinesOf returns patterns of the lines of a section that the platform file
// gives a confidence, made from the file itself and not from what was rendered;
// of a block its first line.
func LinesOf(p *platform.Platform, s platform.Section, of platform.Confidence) []*regexp.Regexp {
	var all []*regexp.Regexp
	add := func(text string, c platform.Confidence) {
		if c != of || text == "" {
			return
		}
		text, _, _ = strings.Cut(text, "\n")
		all = append(all, regexp.MustCompile("^"+LineForm(render.Outline(p, text))+"$"))
	}
	for _, l := range sectionLines(p, s) {
		switch {
		case s != platform.Remove:
			add(l.Line, l.Confidence)
		case l.UndoConfidence != "":
			add(l.Undo, l.UndoConfidence)
		default:
			add(l.Undo, l.Confidence)
		}
	}
	return all
}

// Wanted reports whether a line to configure belongs into a rendering.
func Wanted(t *testing.T, p *platform.Platform, l platform.Line, v render.Values, role platform.Role) bool {
	t.Helper()
	r, err := render.New(p, v, role)
	if err != nil {
		t.Fatal(err)
	}
	return r.Wants(platform.Configure, l.Scope())
}

// LineForm is the pattern of the lines that an outline may become. The VRF, with
// the word before it (vrf, vr, vpn-instance), may be left out.
func LineForm(outline string) string {
	text := regexp.QuoteMeta(outline)
	text = regexp.MustCompile(`(?:[a-z-]+ )?<VRF> `).ReplaceAllString(text, `(?:.+ )?`)
	text = regexp.MustCompile(` (?:[a-z-]+ )?<VRF>`).ReplaceAllString(text, `(?: .+)?`)
	return regexp.MustCompile(`<[A-Z-]+>`).ReplaceAllString(text, `.+`)
}

//go:embed acme.yaml
var acme string

// AcmeFile returns the test platform's file with texts replaced.
func AcmeFile(t testing.TB, replace ...string) string {
	t.Helper()
	text := acme
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the test platform has no %q to replace", replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	return text
}

// VIPs reads addresses.
func VIPs(s ...string) []netip.Addr {
	var all []netip.Addr
	for _, a := range s {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}
