package vet_test

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// TestCheckForms breaks the forms in one place at a time.
func TestCheckForms(t *testing.T) {
	if _, err := vet.Parse("f", []byte(templatestest.HostileFile(t))); err != nil {
		t.Fatal(err)
	}
	const module = "  module: acme.os.config\n  compare: device\n"
	tests := []struct{ from, to, want string }{
		{"collection: acme.os", "collection: acme", `collection is "acme"; write it like cisco.ios`},
		{"connection: local", "connection: ssh", `connection is "ssh"; write it like ansible.netcommon.network_cli, or local`},
		{"  connection: local", module + "  connection: local", "either module, which takes lines, or tasks"},
		{"  connection: local", "  compare: device\n  connection: local", "argument, compare, args and save are for module; a task has its own args"},
		{"  connection: local", "  network-os: acme\n  connection: local", `network-os is "acme"; write it like cisco.ios.ios`},
		{"module: acme.os.entry", "module: \"a: b\"", `module is "a: b"; write it like cisco.aci.aci_rest`},
		{"        last: 1\n", "        last: 1.5\n", "a value is neither text, nor a whole number, nor true or false"},
		{"        last: 1\n", "        \"a: b\": 1\n", "key \"a: b\": letters, digits, hyphens and underscores"},
		{"        last: 1\n", "        last: \"{{range 9}}x{{end}}\"\n", `"{{range 9}}x{{end}}": only values, if and with may stand in a template`},
		{"        last: 1\n", "        last: \"{{.VIPS}}\"\n", "platform acme-os: <.VIPS>: can't evaluate field VIPS"},
		{"        last: 1\n", "        last: \"{{`{{`}} x }}\"\n", `"{{ x }}" holds {{, which Ansible takes for a template`},
		{"  connection: local", "  become: doas\n  connection: local", `become is "doas"; it must be enable or sudo`},
		{"  connection: local", "  handler: {name: x, module: a.b.c}\n  connection: local", "a handler has a name, args and tasks that call for it"},
		{"  connection: local", "  handler: {name: x, module: reload, args: {x: 1}}\n  connection: local", `module is "reload"; write it like ansible.builtin.command`},
		{"  interface: \"{{.Get `vlan-name`}}\"\n  role: l3", "  interface: \"\"\n  role: l3", "interface is missing: one line that says what ietf-interfaces calls the SVI"},
		{"vlan-name`}}\"\n  role: l3", "vlan-name`}}\"\n  role: l2", "role must be l3: ietf-ip knows the ARP entry only"},
		{"        last: 1\n", "        last: {jinja: \"lookup('pipe', 'id')\"}\n", `jinja is "lookup('pipe', 'id')"; it is for Ansible, and a name with filters behind it`},
		{"        name: \"{{.Get `vlan-name`}}\"\n        block:", "        name: {jinja: ansible_host}\n        block:", `jinja is "ansible_host"; it is for Ansible, and a name with filters behind it`},
		{"provider: acme", "provider: a b", `provider is "a b"; write it like aci`},
		{"registry: acme/os", "registry: acme", `registry is "acme"; write it like CiscoDevNet/aci`},
		{"version: \">= 1.0\"", "version: new", `version is "new"; write it like >= 2.0.0`},
		{"type: acme_entry", "type: \"a b\"", `type is "a b"; write it like aci_subnet`},
		{"      label: \"{{.Get `vlan-name`}}\"", "      label: x\n      each: node", `each is "node"; it must be vip or port`},
		{"  resources:\n", "  notes: x\n  resources:\n", `unknown field "notes"; did you mean "note"?`},
		{"    undo: arp check\n", "    undo: arp check\n    ansible: {source: [book]}\n", `source "book" is not among sources`},
		{"    undo: arp check\n", "    undo: arp check\n    ansible: {line: \"a\\nb\"}\n", "one line; the mode around it goes into parents"},
		{"      confidence: field\n      source: [manual]\nietf:", "      confidence: certain\n      source: [manual]\nietf:", `confidence is "certain"; it must be vendor, field or unverified`},
	}
	for _, tt := range tests {
		p, err := vet.Parse("f", []byte(templatestest.HostileFile(t, tt.from, tt.to)))
		if err == nil || p != nil {
			t.Errorf("%q: taken", tt.to)
			continue
		}
		got, _, _ := strings.Cut(err.Error(), "\n")
		if place, reason, _ := strings.Cut(got, ": "); reason != tt.want || place == "f" || place == "f:1:1" {
			t.Errorf("%q:\n got %s\nwant %s", tt.to, got, tt.want)
		}
	}
	// Where one module takes the lines, a block of lines needs a way into it.
	lines := templatestest.HostileFile(t)
	from, to := strings.Index(lines, "  tasks:\n"), strings.Index(lines, "ietf:\n")
	_, err := vet.Parse("f", []byte(lines[:from]+module+lines[to:]))
	if err == nil || !strings.Contains(err.Error(), "a block needs ansible, with line and parents, so that a module can find it") {
		t.Errorf("a block of lines: %v", err)
	}
}
