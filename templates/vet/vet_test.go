package vet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// TestCheck breaks the test platform in one place at a time and wants the
// exact line, with the place of the fault.
func TestCheck(t *testing.T) {
	if _, err := vet.Parse("f", []byte(templatestest.AcmeFile(t))); err != nil {
		t.Fatalf("the test platform itself: %v", err)
	}
	tests := []struct {
		from, to string
		want     string
	}{
		{"families:", "familys:", `f:7:1: unknown field "familys"; did you mean "families"?`},
		{"confidence: vendor, source: [manual]}\n  multi", "confidence: vendor, source: [manual], sauce: [manual]}\n  multi", `f:13:67: unknown field "sauce"; did you mean "source"?`},
		{"families: [Acme 1]", "families: [Acme 1", "f:8:1: ',' or ']' must be specified"},
		{"families: [Acme 1]", "families: [Acme 1]\nfamilies: []", `f:8:1: mapping key "families" already defined at [7:1]`},
		{"name: acme-os", "name: Acme_OS", `f:5:7: "Acme_OS" is no name: lower-case letters, digits and single hyphens, at most 64`},
		{"  - acme\n", "  - acme-os\n", `f:9:5: alias "acme-os" stands here twice`},
		{"does: \"yes\", confidence: vendor", "does: perhaps, confidence: vendor", `f:13:16: static-arp: does is "perhaps"; it must be yes, no, refused, partly, not-needed or unknown`},
		{"mac: h-h-h", "mac: hhh", `f:20:8: mac: no spelling is called "hhh"; there are colon, colon-upper, hyphen, dotted, h-h-h, six-six, bare`},
		{"comment: \"# \"", "comment: \"  \"", `f:21:12: a comment must start with more than spaces`},
		{"comment: \"# \"", "comment: \"\"", `f:20:3: comment is missing: what starts a line that the device ignores; if it has none, bare must list configure, verify, remove, save`},
		{"indent: \"  \"", "indent: \"->\"", `f:22:11: an indent is at most 8 spaces`},
		{"  most: 4", "  most: -4", `f:20:3: a limit cannot be negative`},
		{"short: {ethernet: eth}", "short: {ethernet: fast}", `f:28:13: "fast" is not the beginning of "ethernet"`},
		{"find: look at the label", "find: what is the label?", `f:32:11: character 18 of the text cannot stand in a comment: only printable ASCII on one line, without question marks`},
		{"(?:ethernet|eth) ?", "(?:ethernet|eth ?", "f:34:14: error parsing regexp: missing closing ): `(?:ethernet|eth ?[0-9]+/[0-9]+`"},
		{"examples: [ethernet 1/1]", "examples: [fast 1/1]", `f:36:16: example "fast 1/1" does not match the pattern`},
		{"    find: look at the cables\n", "", `f:33:5: value "port" does not say how to find it`},
		{"open: \"edit {{.VLAN}}\"", "open: \"edit {{.VLAM}}\"", `f:47:5: platform acme-os: <.VLAM>: can't evaluate field VLAM`},
		{"undo: arp check\n", "keep: never\n    undo: arp check\n", `f:53:5: a line to configure needs either undo, which takes it back, or keep, which says why it stays`},
		{"    undo: arp check\n    undo-note: \"only if no other cluster is left:\"\n", "", `f:53:5: a line to configure needs either undo, which takes it back, or keep, which says why it stays`},
		{"confidence: vendor\n    source: [manual]\n  - line: |-", "confidence: vendor\n    source: []\n  - line: |-", `f:53:5: no source: name one or more keys of sources`},
		{"confidence: vendor\n    source: [manual]\n  - line: |-", "confidence: certain\n    source: [manual]\n  - line: |-", `f:53:5: confidence is "certain"; it must be vendor, field or unverified`},
		{"confidence: vendor\n    source: [manual]\n  - line: |-", "confidence: vendor\n    source: [book]\n  - line: |-", `f:57:13: source "book" is not among sources`},
		{"in: table", "in: tables", `f:62:9: no context is called "tables"`},
		{"each: vip", "each: node", `f:63:11: each is "node"; it must be vip or port`},
		{"role: l3", "role: l4", `f:64:11: no role is called "l4"; there are l3, l2, l2-only and both`},
		{"mode: multicast", "mode: broadcast", `f:70:11: no mode is called "broadcast"; there are multicast, igmp, unicast, unicast-refused and any`},
		{"mode: multicast", "mode: any\n    ports: two", `f:71:12: ports is "two"; it must be one, several, lag or physical`},
		{"role: l3\n    confidence: vendor", "role: l3\n    confidence: unverified", `f:58:11: an unverified block must be split into lines, so that each has its comment`},
		{"mac {{.MAC}} {{.Ports}}", `mac {{.MACIn \"hexa\"}} {{.Ports}}`, `f:67:11: mac: no spelling is called "hexa"; there are colon, colon-upper, hyphen, dotted, h-h-h, six-six, bare`},
		{"mac {{.MAC}} {{.Ports}}", "mac {{range .Ports}}x{{end}}", `f:67:11: "{{range .Ports}}x{{end}}": only values, if and with may stand in a template`},
		{"mac {{.MAC}} {{.Ports}}", "mac {{printf .MAC}} {{.Ports}}", `f:67:11: function printf is not for platform files; there are eq, ne, not, and, or`},
		{"mac {{.MAC}} {{.Ports}}", "mac {{env 1}} {{.Ports}}", `f:67:11: line:1: function "env" not defined`},
		{"mac {{.MAC}} {{.Ports}}", "mac {{.MAC}} {{.Group}}", `f:67:11: platform acme-os does not say what value "group" is`},
		{"mac {{.MAC}} {{.Ports}}", `mac {{with .MAC}}{{\"\\n\"}}{{end}} {{.Ports}}`, `f:67:11: platform acme-os: a value would add a line`},
		{"mac {{.MAC}} {{.Ports}}", `mac {{define \"x\"}}{{end}}{{.Ports}}`, "f:67:11: a template cannot define another"},
		{"mac {{.MAC}} {{.Ports}}", `mac {{template \"x\"}}{{.Ports}}`, `f:67:11: "{{template \"x\"}}": only values, if and with may stand in a template`},
		{"mac {{.MAC}} {{.Ports}}", `mac {{with (.MAC | js)}}{{.}}{{end}}{{.Ports}}`, "f:67:11: function js is not for platform files; there are eq, ne, not, and, or"},
		{"mac {{.MAC}} {{.Ports}}", strings.Repeat("x", 4000), "f:67:11: a template of 4036 characters; 4000 are enough"},
		{"mac {{.MAC}} {{.Ports}}", "mac \\u00e9 {{.MAC}} {{.Ports}}", "f:67:11: character 5 of the template is not printable ASCII"},
		{"families: [Acme 1]", "\tfamilies: [Acme 1]", `f:7:1: a tab: YAML takes spaces alone before its keys`},
		{"mac {{.MAC}} {{.Ports}}", `mac {{.MACIn "bare"}} {{.Ports}}`, `f:67:26: the value has quotes or a colon in it: write all of it between single quotes`},
		{"    expect: \"{{.MAC}}\"\n", "", `f:76:5: a line to verify needs expect: what the device shows when it is right`},
		{"manual: the Acme OS manual", "manual: \"\"", `f:84:11: source manual says nothing`},
	}
	for _, tt := range tests {
		p, err := vet.Parse("f", []byte(templatestest.AcmeFile(t, tt.from, tt.to)))
		if err == nil || p != nil {
			t.Errorf("%q: taken", tt.to)
			continue
		}
		got, _, _ := strings.Cut(err.Error(), "\n")
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.to, got, tt.want)
		}
	}
}

// TestCheckNamesAll: a reader mends all faults in one go.
func TestCheckNamesAll(t *testing.T) {
	_, err := vet.Parse("f", []byte(templatestest.AcmeFile(t, "role: l3", "role: l4", "each: vip", "each: node", "mode: multicast", "mode: broadcast")))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three faults: %v", err)
	}
	// In the order of the file, and with what is not named counted in.
	_, err = vet.Parse("f", []byte("name: x\nspelling: {mac: dots, comment: \"! \"}\naccepts:\n  ipv6: {does: maybe, confidence: vendor, source: [a]}\nconfigure:\n"+strings.Repeat("  - line: x\n", 20)))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "f: and more: these are the first 20" || !strings.HasPrefix(lines[0], "f:1:") || !strings.HasPrefix(lines[1], "f:2:") ||
		!slices.Contains(lines, "f:4:3: static-arp is missing: {does: ..., confidence: ..., source: [...]}") {
		t.Errorf("many faults:\n%v", err)
	}
	for _, data := range []string{"", "- a\n- b\n", "just words", "\x00", "name: &a [*a]\n", "values:\n  - pattern: \"\n\n(\"", "\"a\\nb\": 1", "configure:\n !-ine: x{}}\"\n", "configure: !a\n"} {
		if p, err := vet.Parse("f", []byte(data)); err == nil || p != nil || !oneLineEach(err) {
			t.Errorf("%q: %v, %v", data, p, err)
		}
	}
}

// Unknown fields are named with all other faults, each of them, whatever is
// around; what a form takes as it is has no fields.
func TestCheckNamesUnknownFields(t *testing.T) {
	_, err := vet.Parse("f", []byte(templatestest.AcmeFile(t, "families:", "familys:", "role: l3", "rule: l3", "each: vip", "each: node")))
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{`f:7:1: unknown field "familys"`, `unknown field "rule"; did you mean "role"?`, `each is "node"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in\n%v", want, err)
		}
	}
}

// oneLineEach reports whether every line of an error names the file: none was
// broken by what the file says.
func oneLineEach(err error) bool {
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, "f:") {
			return false
		}
	}
	return true
}
