package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/nlbprobe/nlbprobe/templates"
)

// findUnused notes which of the values given no target's lines use, and refuses one
// that is a name on none of those platforms: a typing error must not pass in
// silence because nothing comes of it. A value that some target uses was judged by
// that one, and need be no name on the others.
func (o *deviceOptions) findUnused(targets []target, v templates.Values, used map[string]bool) error {
	o.unused = nil
	var names []string
	for _, t := range targets {
		for _, name := range t.values(v).Names() {
			if !used[name] && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		var wrong error
		right := false
		for _, t := range targets {
			err := templates.Judge(t.platform, name, t.values(v))
			if err != nil && wrong == nil {
				wrong = err
			}
			right = right || err == nil // also if it declares none: the name may be meant for it
		}
		if wrong != nil && !right {
			return wrong
		}
		o.unused = append(o.unused, o.unusedFlag(name)+" is not used: "+whyUnused(name, targets))
	}
	return nil
}

// unusedFlag names what gave a value.
func (o *deviceOptions) unusedFlag(name string) string {
	var given bool
	switch name {
	case "vlan":
		given = o.vlan != 0
	case "port":
		given = len(o.ports) > 0
	case "svi":
		given = o.svi != ""
	case "vrf":
		given = o.vrf != ""
	case "prefix":
		given = o.prefix != ""
	default:
		return "--set " + name
	}
	if !given {
		return "the column " + name + " of --ports-from"
	}
	return "--" + name
}

// whyUnused says why no line uses a value: what the platform's file says of it, or
// that the lines at hand name no such thing.
func whyUnused(name string, targets []target) string {
	what := map[string]string{
		"vlan": "no VLAN", "port": "no ports", "svi": "no interface of the VLAN", "vrf": "no VRF", "prefix": "no address of that interface",
	}[name]
	if what == "" {
		what = "no such value"
	}
	if len(targets) > 1 {
		return "the platforms asked for name " + what + " in these lines"
	}
	t := targets[0]
	for _, v := range t.platform.Values {
		if v.Name == name && v.Unused != "" {
			return fmt.Sprintf("%s: %s", t.title(), v.Unused)
		}
	}
	return fmt.Sprintf("%s names %s in these lines", t.title(), what)
}

// tellUnused says a line for each value that is not used.
func (o *deviceOptions) tellUnused(to io.Writer) {
	for _, line := range o.unused {
		fmt.Fprintf(to, "nlbprobe: %s\n", line)
	}
}
