package templates

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/platforms"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// folder is files of a folder DIR, in order.
func folder(files map[string]string) Folder {
	var f Folder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f.Files = append(f.Files, File{Name: "DIR/" + name, Data: []byte(files[name])})
	}
	return f
}

// TestBuiltin checks every built-in file by the rules that a user's file must
// keep, and what Lookup relies on.
func TestBuiltin(t *testing.T) {
	names := platforms.Names()
	if len(names) < 11 {
		t.Fatalf("%d built-in platforms", len(names))
	}
	owner := map[string]string{}
	for _, n := range names {
		data, err := platforms.Read(n)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vet.Parse("platforms/"+n+".yaml", data)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name != n {
			t.Errorf("%s.yaml holds platform %s", n, p.Name)
		}
		if got := builtinAliases(n); !slices.Equal(got, p.Aliases) {
			t.Errorf("%s: aliases %q must stand in one line as [a, b]; found there: %q", n, p.Aliases, got)
		}
		if h, want := builtinHeader(n), (header{p.Name, p.Title, p.Aliases, p.Families, p.Models}); fmt.Sprintf("%q", h) != fmt.Sprintf("%q", want) {
			t.Errorf("%s: the header must stand above accepts, each list in one line; found there: %q, want %q", n, h, want)
		}
		for _, a := range append(p.Aliases, n) {
			if other, twice := owner[a]; twice {
				t.Errorf("%s is a name of %s and of %s", a, other, n)
			}
			owner[a] = n
		}
		used := map[string]bool{}
		for _, lines := range [][]platform.Line{p.Configure, p.Verify, p.Save} {
			for _, l := range lines {
				mark(used, l.Source)
				mark(used, l.Ansible.Source)
			}
		}
		if a := p.Ansible; a != nil {
			mark(used, a.Source)
			for _, task := range a.Tasks {
				mark(used, task.Source)
			}
		}
		if p.IETF != nil {
			mark(used, p.IETF.Source)
		}
		if tf := p.Terraform; tf != nil {
			mark(used, tf.Source)
			for _, r := range tf.Resources {
				mark(used, r.Source)
			}
		}
		for _, n := range p.Notes {
			mark(used, n.Source)
		}
		for _, a := range p.Accepts.List() {
			mark(used, a.Source)
		}
		for _, c := range p.Contexts {
			mark(used, c.Source)
		}
		mark(used, p.Running.Source)
		for key := range p.Sources {
			if !used[key] {
				t.Errorf("%s: nothing cites source %s", n, key)
			}
		}
		for _, example := range []string{"0300.5e11.1111", "0300.5e01.0101", "03:00:5e:11", "03-00-5e-11", "0300-5e11"} {
			if strings.Contains(strings.ToLower(string(data)), example) {
				t.Errorf("%s: a vendor's example MAC, %s, which NLB never derives", n, example)
			}
		}
	}
}

func mark(used map[string]bool, keys []string) {
	for _, k := range keys {
		used[k] = true
	}
}

// TestEveryLineNamesItsSource lists what each line of each platform rests on.
func TestEveryLineNamesItsSource(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, p := range all {
		for _, l := range slices.Concat(p.Configure, p.Verify, p.Save) {
			lines++
			if len(l.Source) == 0 {
				t.Errorf("%s: %q names no source", p.Name, l.Line)
			}
			sourced := slices.ContainsFunc(l.Source, func(key string) bool { return key != "none" && p.Sources[key] != "" })
			if !sourced && l.Confidence != platform.Unverified {
				t.Errorf("%s: %q is %s by no document", p.Name, l.Line, l.Confidence)
			}
		}
	}
	if lines < 50 {
		t.Errorf("only %d lines were looked at", lines)
	}
}

func TestLookup(t *testing.T) {
	s := load(t)
	tests := []struct {
		name, want, err string
	}{
		{"cisco-ios", "cisco-ios", ""},
		{"Cisco-IOS", "cisco-ios", ""},
		{"cisco-catalyst-3750", "cisco-ios", ""},
		{"cisco-nexus-9000", "cisco-nxos", ""},
		{"cisco-ois", "", `no platform is called "cisco-ois"; did you mean "cisco-ios"?`},
		{"catalyst-3750", "cisco-ios", ""},
		{"juniper", "", `"juniper" stands for 3 platforms: juniper-ex, juniper-junos, juniper-srx`},
		{"", "", `no platform is called ""`},
		{"../platforms/cisco-ios", "", `no platform is called "../platforms/cisco-ios"`},
		{strings.Repeat("x", 5000), "", `no platform is called "` + strings.Repeat("x", 40) + `..."`},
	}
	for _, tt := range tests {
		p, err := s.Lookup(tt.name)
		switch {
		case tt.err == "" && (err != nil || p.Name != tt.want):
			t.Errorf("%s: %v, %v", tt.name, p, err)
		case tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.err) || p != nil):
			t.Errorf("%.60s: %v, want %s", tt.name, err, tt.err)
		}
		if _, unknown := errors.AsType[*UnknownError](err); unknown != (tt.err != "") {
			t.Errorf("%.60s: %T", tt.name, err)
		}
	}
	a, _ := s.Lookup("cisco-ios")
	b, _ := s.Lookup("cisco-ios")
	if a != b {
		t.Error("a platform is decoded twice")
	}
}

// TestUserFolder: a file adds a platform or overrides a built-in one, aliases
// and all, and a later folder goes before an earlier one.
func TestUserFolder(t *testing.T) {
	first := folder(map[string]string{
		"acme.yaml": templatestest.AcmeFile(t),
		"ours.yaml": templatestest.AcmeFile(t, "name: acme-os", "name: cisco-ios", "  - acme\n  - acme-one\n", "  - our-ios\n"),
	})
	second := folder(map[string]string{"a.yaml": templatestest.AcmeFile(t, "title: Acme OS, made for tests", "title: The second")})
	s := load(t, first, second)
	if n := s.Names(); !slices.Contains(n, "acme-os") || !slices.IsSorted(n) || len(n) != len(platforms.Names())+1 {
		t.Errorf("names: %q", n)
	}
	for name, want := range map[string]string{
		"acme-os": "The second", "ACME-ONE": "The second", "cisco-ios": "Acme OS, made for tests", "our-ios": "Acme OS, made for tests",
		"cisco-catalyst-3750": "Acme OS, made for tests", // an alias of the one that is overridden
		"cisco-iosxr":         "Cisco IOS-XR on ASR 9000 and NCS",
	} {
		if p, err := s.Lookup(name); err != nil || p.Title != want {
			t.Errorf("%s: %v, %v; want %s", name, p, err, want)
		}
	}
	if _, err := s.Lookup("acme-on"); err == nil || !strings.Contains(err.Error(), `did you mean "acme-one"?`) {
		t.Errorf("nearest of acme-on: %v", err)
	}
	if all, err := s.All(); err != nil || len(all) != len(s.Names()) {
		t.Errorf("%d platforms, %v", len(all), err)
	}
}

func TestUserFolderFaults(t *testing.T) {
	tests := []struct {
		why   string
		files map[string]string
		want  string
		names []string // of the platforms that the fault concerns
	}{
		{"twice", map[string]string{"a.yaml": templatestest.AcmeFile(t), "b.yaml": templatestest.AcmeFile(t)}, "DIR/b.yaml: platform acme-os stands in DIR/a.yaml too", nil},
		{"alias of another", map[string]string{"a.yaml": templatestest.AcmeFile(t), "b.yaml": templatestest.AcmeFile(t, "name: acme-os", "name: acme-two")}, "DIR/b.yaml: alias acme belongs to acme-os too", []string{"acme-two"}},
		{"alias is a name", map[string]string{"a.yaml": templatestest.AcmeFile(t, "  - acme\n", "  - cisco-ios\n")}, "DIR/a.yaml: alias cisco-ios is the name of another platform", []string{"acme-os", "acme-one"}},
		{"too long", map[string]string{"a.yaml": strings.Repeat("#", platform.MaxFile+1)}, "DIR/a.yaml: more than 65536 bytes", []string{"a"}},
		{"a field that there is none of", map[string]string{"a.yaml": templatestest.AcmeFile(t, "families:", "familys:")}, "DIR/a.yaml:7:1: unknown field \"familys\"; did you mean \"families\"?", []string{"a", "acme-os", "ACME-OS"}},
		{"no YAML", map[string]string{"cisco-ios.yaml": "name: 'cisco-nxos'\naliases: [cisco-iosxr, ours]\n\x00"}, "DIR/cisco-ios.yaml:", []string{"cisco-ios", "cisco-nxos", "ours"}},
	}
	for _, tt := range tests {
		s := Load(folder(tt.files))
		if faulty := s.Faulty(); len(faulty) != 1 || !strings.HasPrefix(faulty[0].Error(), tt.want) || !strings.HasPrefix(tt.want, faulty[0].File) {
			t.Errorf("%s: %v\nwant %s", tt.why, faulty, tt.want)
		}
		for _, name := range tt.names {
			if p, err := s.Lookup(name); err == nil || !strings.HasPrefix(err.Error(), tt.want) || p != nil {
				t.Errorf("%s: the lookup of %s: %v, want the fault", tt.why, name, err)
			}
		}
		// Others, and the built-in ones as they were, are there all the same.
		for _, name := range []string{"cisco-ios", "cisco-nxos", "cisco-iosxr"} {
			if p, err := s.Known(name); err != nil || p.File != platform.Builtin {
				t.Errorf("%s: %s is gone: %v", tt.why, name, err)
			}
			if p, err := s.Lookup(name); !slices.Contains(tt.names, name) && (err != nil || p.File != platform.Builtin) {
				t.Errorf("%s: %s is gone: %v", tt.why, name, err)
			}
		}
		if all, err := s.All(); err != nil || len(all) < len(platforms.Names()) {
			t.Errorf("%s: %d platforms, %v", tt.why, len(all), err)
		}
	}
	// A file that could not be read is a fault as others are.
	s := Load(Folder{Files: []File{{Name: "DIR/ours.yaml", Err: errors.New("permission denied")}}})
	if _, err := s.Lookup("ours"); err == nil || err.Error() != `platform file "DIR/ours.yaml" cannot be read: permission denied` {
		t.Error(err)
	}
}

// A faulty file goes before the good one of an earlier folder, and a good file
// before the faulty one.
func TestUserFolderFaultOrder(t *testing.T) {
	good, bad := folder(map[string]string{"acme.yaml": templatestest.AcmeFile(t)}), folder(map[string]string{"acme.yaml": templatestest.AcmeFile(t, "families:", "familys:")})
	if _, err := Load(good, bad).Lookup("acme-os"); err == nil {
		t.Error("the file of the later folder is faulty, and the one of the earlier folder is taken")
	}
	if p, err := Load(bad, good).Lookup("acme-os"); err != nil || p.Name != "acme-os" {
		t.Errorf("the file of the later folder is good: %v", err)
	}
	both := folder(map[string]string{"a.yaml": templatestest.AcmeFile(t), "b.yaml": templatestest.AcmeFile(t, "families:", "familys:")})
	if p, err := Load(both).Lookup("acme-os"); err != nil || p.File != "DIR/a.yaml" {
		t.Errorf("one of two files of a folder is good: %v", err)
	}
}
