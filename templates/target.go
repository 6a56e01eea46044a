package templates

import (
	"fmt"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// ParseSections reads the name of a section, or "all".
func ParseSections(name string) ([]platform.Section, error) {
	if name == "all" {
		return platform.Sections(), nil
	}
	for _, s := range platform.Sections() {
		if name == string(s) {
			return []platform.Section{s}, nil
		}
	}
	return nil, fmt.Errorf("no section is called %q; there are configure, verify, remove, save and all", platform.Clip(name))
}

// ParseTarget reads NAME, NAME:l3 or NAME:l2. It does not look the name up.
func ParseTarget(s string) (name string, role platform.Role, err error) {
	name, suffix, found := strings.Cut(s, ":")
	if name == "" {
		return "", platform.Both, fmt.Errorf("%q names no platform; write it like cisco-ios or cisco-ios:l3", platform.Clip(s))
	}
	switch {
	case !found:
		return name, platform.Both, nil
	case suffix == "l3":
		return name, platform.L3, nil
	case suffix == "l2":
		return name, platform.L2, nil
	}
	return "", platform.Both, fmt.Errorf("no role is called %q in %q; there are l3 (routes the VLAN) and l2 (bridges it), without one both", platform.Clip(suffix), platform.Clip(s))
}
