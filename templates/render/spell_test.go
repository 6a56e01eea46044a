package render_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// spelled is a row of testdata/spellings.yaml: what a device prints and takes for
// one kind of value.
type spelled struct {
	Takes   map[string][]string `yaml:"takes"`
	Lists   map[string][]string `yaml:"lists"`
	Refuses []string            `yaml:"refuses"`
	Free    bool                `yaml:"free"` // people choose the names, so that nearly every word is one
}

// spellingTable returns what each platform prints and takes.
func spellingTable(t testing.TB) map[string]struct {
	Source string  `yaml:"source"`
	Port   spelled `yaml:"port"`
	SVI    spelled `yaml:"svi"`
	VRF    spelled `yaml:"vrf"`
} {
	t.Helper()
	data, err := os.ReadFile("testdata/spellings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Source string  `yaml:"source"`
		Port   spelled `yaml:"port"`
		SVI    spelled `yaml:"svi"`
		VRF    spelled `yaml:"vrf"`
	}
	if err := yaml.UnmarshalWithOptions(data, &all, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return all
}

// injections are put behind, before and around a good name: no device's name
// holds them, and most would leave their place in a line.
var injections = []string{
	" ; reload", "; reload", ";reload", ", ; reload", ",reload", " reload", "|include x", " | include x", "&& reboot", "\"", "\"; reboot", "'", "`id`", "$(id)", "${x}", "\\",
	"\n", "\nreload", "\r\nreload", "\x00", "\x1b[2J", "\t", "\u0661", "\u00a0", "\u200b", "<VLAN>", "{{.MAC}}", "?", "!", "#", "%", "*", "..", "../..", "=1", "()", strings.Repeat("1", 70),
}

// TestSpellings: what a device prints and takes gives the name that lines have, on
// every platform; what it does not is refused, whatever stands beside it.
func TestSpellings(t *testing.T) {
	table := spellingTable(t)
	all := templatestest.All(t)
	for _, p := range all {
		row, there := table[p.Name]
		delete(table, p.Name)
		r := render.Bare(p)
		for _, kind := range []struct {
			name string
			row  spelled
			read func(string) ([]string, error)
		}{
			{"port", row.Port, func(s string) ([]string, error) {
				v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), Ports: []string{s}}
				v, err := v.Check()
				if err != nil {
					return nil, err
				}
				return r.ReadPorts(v.Ports)
			}},
			{"svi", row.SVI, func(s string) ([]string, error) { return oneValue(r, "svi", render.Values{SVI: s}) }},
			{"vrf", row.VRF, func(s string) ([]string, error) { return oneValue(r, "vrf", render.Values{VRF: s}) }},
		} {
			decl, declared := p.Value(kind.name)
			if !declared || decl.Pattern == "" {
				if len(kind.row.Takes)+len(kind.row.Refuses) > 0 {
					t.Errorf("%s declares no %s, and testdata/spellings.yaml has a row of it", p.Name, kind.name)
				}
				continue
			}
			if len(kind.row.Takes) == 0 || len(kind.row.Refuses) == 0 || !there || row.Source == "" {
				t.Errorf("%s: testdata/spellings.yaml has no row (source, %s: takes, refuses) for what the device prints and takes", p.Name, kind.name)
				continue
			}
			legal := "" // what may be part of a name
			switch {
			case kind.row.Free:
				legal = "reload., /"
			case kind.name == "vrf":
				legal = "."
			}
			takes := func(given string, want ...string) {
				if got, err := kind.read(given); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s, %s %q: %q, %v; want %q", p.Name, kind.name, given, got, err, want)
				}
			}
			refuses := func(given string) {
				got, err := kind.read(given)
				if err == nil {
					t.Errorf("%s, %s %q is taken for %q", p.Name, kind.name, given, got)
				} else if text := err.Error(); strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > 400 {
					t.Errorf("%s, %s %q: not one clean line: %q", p.Name, kind.name, given, text)
				}
			}
			for name, spellings := range kind.row.Takes {
				for _, given := range append(spellings, name) {
					takes(given, name)
					for _, bad := range injections {
						if strings.Trim(bad, legal) != "" {
							refuses(given + bad)
							refuses(bad + given)
						}
					}
				}
			}
			for given, want := range kind.row.Lists {
				takes(given, want...)
				for _, bad := range injections {
					if strings.Trim(bad, legal) != "" {
						refuses(given + bad)
					}
				}
			}
			for _, given := range append(kind.row.Refuses, "") {
				refuses(given)
			}
			for _, e := range decl.Examples {
				if _, err := kind.read(e); err != nil {
					t.Errorf("%s, example of %s: %v", p.Name, kind.name, err)
				}
			}
		}
	}
	for name := range table {
		t.Errorf("testdata/spellings.yaml has a row of %s, which is no platform", name)
	}
}

// TestSameLines: the lines of every section and mode are the same for each way to
// write a list of ports or an interface.
func TestSameLines(t *testing.T) {
	n := 0
	for name, row := range spellingTable(t) {
		p := templatestest.Lookup(t, name)
		lines := func(m mac.Addr, change func(*render.Values)) string {
			v := templatestest.Sample(p, m)
			change(&v)
			c, err := render.Sections(p, v, platform.Both, platform.Sections(), render.Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return string(templatestest.Dump(c))
		}
		for _, m := range []mac.Addr{templatestest.MulticastMAC, templatestest.IGMPMAC, templatestest.UnicastMAC} {
			for list, ports := range row.Port.Lists {
				n++
				got := lines(m, func(v *render.Values) { v.Ports = []string{list} })
				if want := lines(m, func(v *render.Values) { v.Ports = ports }); got != want {
					t.Errorf("%s, %s, port %q: got\n%swant\n%s", name, m, list, got, want)
				}
			}
			for svi, spellings := range row.SVI.Takes {
				want := lines(m, func(v *render.Values) { v.SVI = svi })
				for _, given := range spellings {
					n++
					if got := lines(m, func(v *render.Values) { v.SVI = given }); got != want {
						t.Errorf("%s, %s, SVI %q: got\n%swant\n%s", name, m, given, got, want)
					}
				}
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d were compared", n)
	}
}

// oneValue reads the SVI or the VRF of v.
func oneValue(r *render.Rendering, name string, v render.Values) ([]string, error) {
	v.VIPs = templatestest.VIPs("192.0.2.100")
	v, err := v.Check()
	if err != nil {
		return nil, err
	}
	decl, _ := r.Platform.Value(name)
	if v.Given(name) == "" {
		return nil, &render.MissingError{Platform: r.Platform.Name, Names: []string{name}}
	}
	s, err := r.Spell(decl, v.Given(name))
	return []string{s}, err
}

// TestEveryValueIsJudged: no platform, role or mode lets through what is no name,
// whether its lines use the value or not.
func TestEveryValueIsJudged(t *testing.T) {
	all := templatestest.All(t)
	n := 0
	for _, p := range all {
		names := []string{"port", "svi", "vrf"}
		for _, decl := range p.Values {
			if !slices.Contains(platform.BuiltinValues[:], decl.Name) {
				names = append(names, decl.Name)
			}
		}
		for _, m := range []mac.Addr{templatestest.MulticastMAC, templatestest.IGMPMAC, templatestest.UnicastMAC} {
			for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
				for _, name := range names {
					for _, bad := range []string{"x; reload", "Vlan10 ; reload", "x|y", "x\nreload", "x\"; reboot", "$(reboot)", "`id`", "\x00", "<VLAN>", "{{.MAC}}", "\u0661", strings.Repeat("1", 70)} {
						v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: m, Set: map[string]string{}}
						switch name {
						case "port":
							v.Ports = []string{bad}
						case "svi":
							v.SVI = bad
						case "vrf":
							v.VRF = bad
						default:
							v.Set[name] = bad
						}
						n++
						if c, err := render.Sections(p, v, role, []platform.Section{platform.Configure}, render.Options{}); err == nil {
							t.Errorf("%s:%s, %s, %s %q is taken:\n%s", p.Name, role, m, name, bad, c[0].Text)
						}
					}
				}
			}
		}
	}
	if n < 10000 {
		t.Errorf("only %d were tried", n)
	}
}

// TestUsed: which values the lines of a role and mode ask for, in any section.
func TestUsed(t *testing.T) {
	for name, want := range map[string]string{
		"cisco-ios/multicast/both": "port vlan vrf", "cisco-ios/multicast/l3": "vrf", "cisco-ios/multicast/l2": "port vlan",
		"cisco-ios/unicast/both": "", "cisco-iosxr/multicast/both": "vrf", "cisco-nxos/multicast/l3": "svi vlan vrf",
		"fortinet-fortios/multicast/l3": "svi", "juniper-junos/multicast/l3": "prefix svi vlan",
	} {
		parts := strings.Split(name, "/")
		m := templatestest.MulticastMAC
		if parts[1] == "unicast" {
			m = templatestest.UnicastMAC
		}
		_, role, err := templates.ParseTarget("x:" + parts[2])
		if parts[2] == "both" {
			role, err = platform.Both, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := render.Sections(templatestest.Lookup(t, parts[0]), render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: m}, role, []platform.Section{platform.Save}, render.Options{})
		if err != nil || strings.Join(c[0].Used, " ") != want {
			t.Errorf("%s: %q, %v; want %q", name, c[0].Used, err, want)
		}
	}
}

// FuzzPorts: what a list of ports is read as is a bounded list of names that the
// platform's own pattern takes, and reads as itself again.
func FuzzPorts(f *testing.F) {
	all := templatestest.All(f)
	for _, row := range spellingTable(f) {
		for list := range row.Port.Lists {
			f.Add(list)
		}
	}
	for _, s := range []string{"Gi1/0/1-999999999", "1-2-3", "-", "to", "[1-2]", "Gi1/0/[1-", ",,,", "Et1-4/1", "1-1-1-1", "a1-a1", "Gi1/0/1 to to Gi1/0/2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), Ports: []string{text}}.Check()
		if err != nil {
			return
		}
		for _, p := range all {
			r := render.Bare(p)
			ports, err := r.ReadPorts(v.Ports)
			if err != nil {
				if strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 500 {
					t.Errorf("%s, %q: %q", p.Name, text, err)
				}
				continue
			}
			decl, ok := p.Value("port")
			if !ok || decl.Pattern == "" {
				continue
			}
			again, err := r.ReadPorts(ports)
			if err != nil || !slices.Equal(again, ports) || len(ports) > platform.MaxPorts {
				t.Errorf("%s, %q: %q reads as %q, %v", p.Name, text, ports, again, err)
			}
			for _, port := range ports {
				if r.Judge(decl, port) != nil {
					t.Errorf("%s, %q: %q is no name", p.Name, text, port)
				}
			}
			joined, err := r.ReadPorts(p.Spelling.Rows(ports))
			if err != nil || !slices.Equal(joined, ports) {
				t.Errorf("%s, %q: the rows %q read as %q, %v", p.Name, text, p.Spelling.Rows(ports), joined, err)
			}
		}
	})
}
