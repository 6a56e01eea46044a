package vet_test

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/platforms"
	"github.com/nlbprobe/nlbprobe/templates/reading"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// FuzzParse reads hostile platform files. What is taken renders, twice to the
// same text; what is not says where it is wrong, and gives no platform.
func FuzzParse(f *testing.F) {
	names := platforms.Names()
	if len(names) < 50 {
		f.Fatalf("%d seeds", len(names))
	}
	for _, name := range names {
		data, err := platforms.Read(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(templatestest.AcmeFile(f)))
	f.Add([]byte("name: &a [*a]\n"))
	f.Add([]byte("configure:\n  - line: \"{{range 1000000000}}x{{end}}\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := vet.Parse("f", data)
		if err != nil {
			if p != nil {
				t.Fatal("a platform and an error")
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "f:") {
					t.Fatalf("a fault without a place: %q", line)
				}
			}
			return
		}
		v := render.Values{VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.100")}, MAC: templatestest.MulticastMAC}
		for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
			a, err := render.Sections(p, v, role, platform.Sections(), render.Options{})
			if err != nil {
				t.Fatalf("checked and yet: %v", err)
			}
			b, err := render.Sections(p, v, role, platform.Sections(), render.Options{})
			if err != nil || !slices.EqualFunc(a, b, func(x, y render.Config) bool { return x.Text == y.Text && slices.Equal(x.Notes, y.Notes) }) {
				t.Fatalf("rendered twice, and not the same: %v", err)
			}
			// Whatever its lines are, what is there already is compared without harm.
			if d, err := reading.Diff(p, v, role, reading.Old{Name: "old", Text: []byte(a[0].Text)}); err != nil && d.Text != "" {
				t.Fatalf("a diff and an error: %v", err)
			}
			for _, c := range a {
				if !slices.Contains([]platform.Confidence{platform.Vendor, platform.Field, platform.Unverified}, c.Confidence) {
					t.Fatalf("confidence %q", c.Confidence)
				}
			}
		}
		for key := range maps.Keys(p.Sources) {
			if p.Sources[key] == "" {
				t.Fatal("an empty source")
			}
		}
	})
}
