package templates

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

func load(t testing.TB, folders ...Folder) *Set {
	t.Helper()
	s := Load(folders...)
	for _, f := range s.Faulty() {
		t.Fatal(f)
	}
	return s
}

// lookup returns a platform by any of its names.
func lookup(t testing.TB, name string) *Platform {
	t.Helper()
	p, err := load(t).Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
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
		for name, tt := range templatestest.Cases(p) {
			path := filepath.Join("testdata", "golden", p.Name, name+".txt")
			wanted[path] = true
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				configs, err := render.Sections(p, tt.V, tt.Role, platform.Sections(), render.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range configs {
					templatestest.CheckRules(t, p, c)
				}
				checkVIPs(t, p, tt.V, tt.Role, configs[0])
				goldentest.Compare(t, path, templatestest.Dump(configs))
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

// checkVIPs checks that each VIP has exactly one line where the device routes,
// and none where it only bridges.
func checkVIPs(t *testing.T, p *platform.Platform, v render.Values, role platform.Role, c render.Config) {
	t.Helper()
	per := 0
	for _, l := range p.Configure {
		if l.Each == "vip" && templatestest.Wanted(t, p, l, v, role) {
			per++
		}
	}
	for _, ip := range v.VIPs {
		n := 0
		for _, line := range templatestest.Devices(c) {
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
		for name, tt := range templatestest.Cases(p) {
			configs, err := render.Sections(p, tt.V, tt.Role, []platform.Section{platform.Configure, platform.Remove}, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			configure, remove := templatestest.Devices(configs[0]), templatestest.Devices(configs[1])
			for _, l := range p.Configure {
				if !templatestest.Wanted(t, p, l, tt.V, tt.Role) || l.Undo == "" {
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
					if l.Undo != "" && strings.Contains(render.Outline(p, l.Line), field) && !strings.Contains(strings.ReplaceAll(render.Outline(p, l.Undo), "<VIP-NUMBER>", "<VIP>"), field) && !slices.Contains(p.Spelling.Bare, platform.Remove) {
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

// count counts the lines that a template may have made; of a block the first.
func count(p *platform.Platform, text string, lines []string) int {
	text, _, _ = strings.Cut(render.Outline(p, text), "\n")
	re := regexp.MustCompile("^" + templatestest.LineForm(text) + ",?$")
	n := 0
	for _, line := range lines {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}
