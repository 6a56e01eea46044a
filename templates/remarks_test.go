package templates

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

func TestRemarks(t *testing.T) {
	set := load(t)
	own := func(replace ...string) []string {
		p, err := vet.Parse("acme-os.yaml", []byte(templatestest.AcmeFile(t, replace...)))
		if err != nil {
			t.Fatal(err)
		}
		return Remarks(p, set)
	}
	if got := own(); len(got) != 1 || got[0] != "no save: right only for a device that keeps what is entered" {
		t.Errorf("the test platform itself, which has no save: %q", got)
	}
	for _, tt := range []struct{ from, to, want string }{
		{"aliases:\n  - acme\n", "aliases:\n  - nexus-7000\n  - cisco-ios\n", `"cisco-ios" is a name of the platform cisco-ios too`},
		{"name: acme-os", "name: acme-osx", `the file is called "acme-os" and the platform "acme-osx"`},
		{"name: acme-os", "name: cisco-ios", `"cisco-ios" replaces the platform of that name (built-in)`},
		{"manual: the Acme OS manual", "manual: the Acme OS manual\n  book: none", `source "book" is named by nothing`},
		{"line: undo arp check", "line: undo arp ?", `configure: a question mark in "undo arp ?"`},
	} {
		if got := strings.Join(own(tt.from, tt.to), "\n"); !strings.Contains(got, tt.want) {
			t.Errorf("%q:\n got %s\nwant %s", tt.to, got, tt.want)
		}
	}
	p, err := vet.Parse("acme-os.yaml", []byte(templatestest.AcmeFile(t)))
	if err != nil {
		t.Fatal(err)
	}
	p.Verify, p.Save = nil, nil
	if got := strings.Join(Remarks(p, nil), "\n"); !strings.Contains(got, "no verify: ") || !strings.Contains(got, "no save: ") {
		t.Errorf("without sections: %s", got)
	}
	// The built-in files have nothing that their authors would be told.
	all, err := set.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, r := range Remarks(p, nil) {
			if !strings.HasPrefix(r, "the file is called") && !strings.HasPrefix(r, "no save: ") {
				t.Errorf("%s: %s", p.Name, r)
			}
		}
	}
}
