package vet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/nlbprobe/nlbprobe/templates/forms"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// Names in the forms for programs. They are written as they are, without quotes.
// They are compiled when a file is checked: nothing slow may stand in the way of
// a probe's first answer.
var (
	collectionName = platform.LazyRegexp(`\A[a-z][a-z0-9_]{0,60}[.][a-z][a-z0-9_]{0,60}\z`)
	moduleName     = platform.LazyRegexp(`\A[a-z][a-z0-9_]{0,60}(?:[.][a-z][a-z0-9_]{0,60}){2}\z`)
	connectionName = platform.LazyRegexp(`\A(?:local|[a-z][a-z0-9_]{0,60}(?:[.][a-z][a-z0-9_]{0,60}){2})\z`)
	keyName        = platform.LazyRegexp(`\A[A-Za-z_][A-Za-z0-9_-]{0,60}\z`)
	jinjaExpr      = platform.LazyRegexp(`\A[a-z_][a-z0-9_]{0,60}(?: \| [a-z_]{1,30}(?:\([a-z0-9_]{1,60}\))?){0,3}\z`)
	registryName   = platform.LazyRegexp(`\A[A-Za-z0-9][A-Za-z0-9_-]{0,60}/[A-Za-z0-9][A-Za-z0-9_-]{0,60}\z`)
	versionRange   = platform.LazyRegexp(`\A(?:[<>=~!]{1,2} ?)?[0-9]+(?:[.][0-9]+){0,2}\z`)
)

// asAnsible checks a line as Ansible takes it.
func (c *checker) asAnsible(at string, a platform.AsAnsible) {
	c.template(at+".line", a.Line)
	for i, text := range a.Parents {
		c.template(fmt.Sprintf("%s.parents[%d]", at, i), text)
	}
	for _, key := range a.Source {
		if _, ok := c.p.Sources[key]; !ok {
			c.bad(at+".source", "source %q is not among sources", platform.Clip(key))
		}
	}
	if strings.Contains(a.Line, "\n") {
		c.bad(at+".line", "one line; the mode around it goes into parents")
	}
}

// forms checks the forms for programs.
func (c *checker) forms() {
	if a := c.p.Ansible; a != nil {
		c.ansible(a)
	}
	if f := c.p.IETF; f != nil {
		c.trust("$.ietf", f.Confidence, f.Source)
		c.scope("$.ietf", platform.Scope{Role: f.Role, Mode: f.Mode})
		c.text("$.ietf.note", f.Note)
		c.text("$.ietf.doubt", f.Doubt)
		c.template("$.ietf.interface", f.Interface)
		if f.Interface == "" || strings.Contains(f.Interface, "\n") {
			c.bad("$.ietf", "interface is missing: one line that says what ietf-interfaces calls the SVI")
		}
		if f.Role != "l3" {
			c.bad("$.ietf", "role must be l3: ietf-ip knows the ARP entry only")
		}
	}
	if t := c.p.Terraform; t != nil {
		c.terraform(t)
	}
}

func (c *checker) ansible(a *platform.Ansible) {
	const at = "$.ansible"
	c.trust(at, a.Confidence, a.Source)
	c.text(at+".note", a.Note)
	c.match(at+".collection", "collection", a.Collection, collectionName(), "cisco.ios")
	c.match(at+".connection", "connection", a.Connection, connectionName(), "ansible.netcommon.network_cli, or local")
	if a.NetworkOS != "" {
		c.match(at+".network-os", "network-os", a.NetworkOS, moduleName(), "cisco.ios.ios")
	}
	switch {
	case (a.Module == "") == (len(a.Tasks) == 0):
		c.bad(at, "either module, which takes lines, or tasks")
	case a.Module == "" && (a.Argument != "" || a.Compare != "" || len(a.Args)+len(a.Save) > 0):
		c.bad(at, "argument, compare, args and save are for module; a task has its own args")
	case a.Module != "":
		c.match(at+".module", "module", a.Module, moduleName(), "cisco.ios.ios_config")
		if !slices.Contains([]string{platform.CompareRunning, platform.CompareCommand, platform.CompareDevice, platform.CompareGuarded, platform.CompareTyped}, a.Compare) {
			c.bad(at+".compare", "compare is %q; it must be running-config, commands, device, guarded or typed", platform.Clip(a.Compare))
		}
		if a.Argument != "" {
			c.match(at+".argument", "argument", a.Argument, keyName(), "lines")
		}
		for i, l := range c.p.Configure {
			if a.Compare != platform.CompareTyped && strings.Contains(strings.TrimSuffix(l.Line, "\n"), "\n") && l.Ansible.Line == "" {
				c.bad(fmt.Sprintf("$.configure[%d].line", i), "a block needs ansible, with line and parents, so that a module can find it")
			}
		}
	}
	if !slices.Contains([]string{"", "enable", "sudo"}, a.Become) {
		c.bad(at+".become", "become is %q; it must be enable or sudo", platform.Clip(a.Become))
	}
	if h := a.Handler; h != nil {
		c.match(at+".handler.module", "module", h.Module, moduleName(), "ansible.builtin.command")
		c.text(at+".handler.name", h.Name)
		c.body(at+".handler.args", h.Args)
		if h.Name == "" || len(h.Args) == 0 || len(a.Tasks) == 0 {
			c.bad(at+".handler", "a handler has a name, args and tasks that call for it")
		}
	}
	c.body(at+".args", a.Args)
	c.body(at+".save", a.Save)
	for i, t := range a.Tasks {
		at := fmt.Sprintf("%s.tasks[%d]", at, i)
		c.trust(at, t.Confidence, t.Source)
		c.text(at+".doubt", t.Doubt)
		c.scope(at, platform.Scope{Role: t.Role, Mode: t.Mode})
		c.match(at+".module", "module", t.Module, moduleName(), "cisco.aci.aci_rest")
		c.repeats(at, t.Each)
		c.template(at+".name", t.Name)
		if t.Name == "" || strings.Contains(t.Name, "\n") {
			c.bad(at, "name is missing: one line that says what the task does")
		}
		if t.Section != "" && t.Section != platform.Configure && t.Section != platform.Remove {
			c.bad(at+".section", "section is %q; it must be configure or remove", platform.Clip(string(t.Section)))
		}
		if len(t.Args) == 0 {
			c.bad(at, "args are missing")
		}
		c.body(at+".args", t.Args)
	}
}

func (c *checker) terraform(t *platform.Terraform) {
	const at = "$.terraform"
	c.trust(at, t.Confidence, t.Source)
	c.text(at+".note", t.Note)
	c.match(at+".provider", "provider", t.Provider, keyName(), "aci")
	c.match(at+".registry", "registry", t.Registry, registryName(), "CiscoDevNet/aci")
	c.match(at+".version", "version", t.Version, versionRange(), ">= 2.0.0")
	if len(t.Resources) == 0 {
		c.bad(at, "resources are missing")
	}
	for i, r := range t.Resources {
		at := fmt.Sprintf("%s.resources[%d]", at, i)
		c.trust(at, r.Confidence, r.Source)
		c.text(at+".doubt", r.Doubt)
		c.scope(at, platform.Scope{Role: r.Role, Mode: r.Mode})
		c.match(at+".type", "type", r.Type, keyName(), "aci_subnet")
		c.repeats(at, r.Each)
		c.template(at+".label", r.Label)
		if len(r.Body) == 0 {
			c.bad(at, "body is missing")
		}
		c.body(at+".body", r.Body)
	}
}

func (c *checker) match(at, what, s string, re *regexp.Regexp, example string) {
	if !re.MatchString(s) {
		c.bad(at, "%s is %q; write it like %s", what, platform.Clip(s), example)
	}
}

func (c *checker) repeats(at, each string) {
	if each != "" && each != "vip" && each != "port" {
		c.bad(at+".each", "each is %q; it must be vip or port", platform.Clip(each))
	}
}

// body checks the tree of a task or a resource. The places of its parts are
// not followed: faults name the tree.
func (c *checker) body(at string, n any) {
	switch n := n.(type) {
	case yaml.MapSlice:
		if expr, ok := platform.JinjaOf(n); ok {
			if strings.HasPrefix(at, "$.terraform") || !jinjaExpr().MatchString(string(expr)) {
				c.bad(at, "jinja is %q; it is for Ansible, and a name with filters behind it", platform.Clip(string(expr)))
			}
			return
		}
		for _, item := range n {
			if key, ok := item.Key.(string); !ok || !keyName().MatchString(key) {
				c.bad(at, "key %q: letters, digits, hyphens and underscores", platform.Clip(fmt.Sprint(item.Key)))
			}
			c.body(at, item.Value)
		}
	case []any:
		for _, v := range n {
			c.body(at, v)
		}
	case string:
		c.template(at, n)
	case bool, uint64, int64:
	default:
		c.bad(at, "a value is neither text, nor a whole number, nor true or false")
	}
}

// formTrip renders every form that the platform has.
func (c *checker) formTrip(v render.Values, role platform.Role) {
	for _, f := range platform.MachineForms() {
		for _, s := range platform.FormSections(f) {
			if !c.p.Has(f) {
				continue
			}
			if err := forms.Try(c.p, f, v, role, s); err != nil {
				reason := err.Error()
				if !slices.ContainsFunc(c.faults, func(f fault) bool { return f.reason == reason }) {
					c.bad("$."+string(f), "%s", reason)
				}
			}
		}
	}
}
