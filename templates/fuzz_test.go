package templates

import (
	"strings"
	"testing"
	"unicode"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// FuzzRender gives every built-in platform hostile names. Whatever is rendered
// has the device lines that harmless names have, each line within the limit
// and of printable ASCII; what is not rendered says so in one line.
func FuzzRender(f *testing.F) {
	seeds := []string{
		"Gi1/0/1", "Gi1/0/1\nreload", "Gi1/0/1\r", "Gi1/0/1 ! x", "Gi1/0/1\u2028x", "\x1b[2J", "a\x00b", "{{.MAC}}", "`id`", "$(id)",
		"a;b", "a|b", "a\"b", `a\nb`, "a,b", "\u0661", "\xff", " ", "", "inside", "Vlan20", "Ethernet1/5", "3/1", "192.0.2.2", strings.Repeat("A", 64),
		`","status":"deleted`, "?", "\t", "vlan20 shutdown", "blue",
	}
	for i, s := range seeds {
		f.Add(s, seeds[(i+7)%len(seeds)], seeds[(i+13)%len(seeds)], seeds[(i+3)%len(seeds)], uint16(i*200), uint32(0x01005e7f+i), uint8(i))
	}
	all, err := load(f).All()
	if err != nil {
		f.Fatal(err)
	}
	if len(all) < 11 {
		f.Fatalf("%d platforms to fuzz", len(all))
	}
	f.Fuzz(func(t *testing.T, port, svi, vrf, extra string, vlan uint16, head uint32, pick uint8) {
		p := all[int(pick)%len(all)]
		v := templatestest.Sample(p, mac.Addr{byte(head >> 24), byte(head >> 16), byte(head >> 8), byte(head), 2, 100})
		benign := v
		benign.VLAN = 20
		if vrf != "" { // some contexts stand only in a VRF
			benign.VRF = "blue"
		}
		if len(benign.Ports) > 1 {
			benign.Ports = benign.Ports[:1]
		}
		v.Ports, v.SVI, v.VRF, v.VLAN = []string{port}, svi, vrf, int(vlan)
		v.Set = map[string]string{}
		for name := range benign.Set {
			v.Set[name] = extra
		}
		for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
			got, err := render.Sections(p, v, role, platform.Sections(), render.Options{})
			if err != nil {
				if got != nil {
					t.Fatal("configs and an error")
				}
				if strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
					t.Fatalf("an error of several lines or with control characters: %q", err)
				}
				continue
			}
			want, err := render.Sections(p, benign, role, platform.Sections(), render.Options{})
			if err != nil {
				t.Fatalf("harmless values: %v", err)
			}
			for i, c := range got {
				if g, w := len(templatestest.Devices(c)), len(templatestest.Devices(want[i])); g != w {
					t.Fatalf("%s %s: %d device lines, want %d:\n%s", p.Name, c.Section, g, w, c.Text)
				}
				for line := range strings.Lines(c.Text) {
					line = strings.TrimSuffix(line, "\n")
					if strings.IndexFunc(line, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) >= 0 {
						t.Fatalf("%s: %q", p.Name, line)
					}
					if most := p.Spelling.Line; most > 0 && !templatestest.IsComment(c, line) && len(line) > most {
						t.Fatalf("%s: %d characters: %q", p.Name, len(line), line)
					}
				}
				if strings.Contains(c.Text, "<no value>") {
					t.Fatalf("%s: %s", p.Name, c.Text)
				}
			}
		}
	})
}
