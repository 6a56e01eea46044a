package templates

import (
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		in, name string
		role     platform.Role
		err      string
	}{
		{"cisco-ios", "cisco-ios", platform.Both, ""},
		{"cisco-ios:l3", "cisco-ios", platform.L3, ""},
		{"cisco-ios:l2", "cisco-ios", platform.L2, ""},
		{"", "", platform.Both, `"" names no platform; write it like cisco-ios or cisco-ios:l3`},
		{":l3", "", platform.Both, `":l3" names no platform; write it like cisco-ios or cisco-ios:l3`},
		{"cisco-ios:", "", platform.Both, `no role is called "" in "cisco-ios:"; there are l3 (routes the VLAN) and l2 (bridges it), without one both`},
		{"cisco-ios:L3", "", platform.Both, `no role is called "L3" in "cisco-ios:L3"; there are l3 (routes the VLAN) and l2 (bridges it), without one both`},
	}
	for _, tt := range tests {
		name, role, err := ParseTarget(tt.in)
		if name != tt.name || role != tt.role || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%q: %q %s %v", tt.in, name, role, err)
		}
	}
}

func TestParseSections(t *testing.T) {
	all, err := ParseSections("all")
	if err != nil || !slices.Equal(all, []platform.Section{platform.Configure, platform.Verify, platform.Remove, platform.Save}) {
		t.Errorf("all: %v, %v", all, err)
	}
	for _, s := range platform.Sections() {
		if got, err := ParseSections(string(s)); err != nil || !slices.Equal(got, []platform.Section{s}) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if _, err := ParseSections("undo"); err == nil || err.Error() != `no section is called "undo"; there are configure, verify, remove, save and all` {
		t.Errorf("undo: %v", err)
	}
}
