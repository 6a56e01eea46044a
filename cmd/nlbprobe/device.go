package main

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/nlbprobe/nlbprobe/inventory"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

// deviceOptions is what a command is told of the devices to configure.
type deviceOptions struct {
	platforms []string
	files     platformFiles
	vlan      vlan
	ports     []string
	portsFrom string // the file that names the member ports of many devices
	svi, vrf  string
	prefix    string
	set       []string // NAME=VALUE
	strict    bool

	unused []string // what no line of the last rendering used, a sentence each

	devices []inventory.Device // of the file portsFrom, once prepare has read it
}

// deviceFlags are the names of the flags that bind makes.
var deviceFlags = []string{"platform", "platform-dir", "vlan", "port", "ports-from", "svi", "vrf", "prefix", "set", "strict"}

func (o *deviceOptions) bind(f *pflag.FlagSet) {
	f.Var((*texts)(&o.platforms), "platform", "platform `NAME[:l3|:l2]` whose configuration to print, repeatable")
	f.Var(&o.vlan, "vlan", "VLAN `N` of the cluster, 1 to 4094")
	f.Var((*texts)(&o.ports), "port", "member port `IF` as the device prints or takes it, a row or a list of them too; repeatable")
	f.StringVar(&o.portsFrom, "ports-from", "", "CSV `FILE` with the member ports of many devices: columns device, port, and where needed platform, vlan, svi, vrf, prefix")
	f.StringVar(&o.svi, "svi", "", "`IF` that routes the VLAN, as Vlan20")
	f.StringVar(&o.vrf, "vrf", "", "VRF `NAME` of that interface")
	f.StringVar(&o.prefix, "prefix", "", "`CIDR`: the router's own address there with its prefix length, as 172.16.63.1/24")
	f.Var((*texts)(&o.set), "set", "`NAME=VALUE` for what only some platforms need, as tenant=Prod; repeatable")
	f.BoolVar(&o.strict, "strict", false, "a value that is needed and was not given is an error instead of a placeholder")
	f.Var((*texts)(&o.files.named), "platform-dir", "`DIR` with platform files of your own, which add to or replace the built-in ones; repeatable")
}

// given reports whether anything can be wrong with what the user gave.
func (o *deviceOptions) given(f *pflag.FlagSet) bool {
	return slices.ContainsFunc(deviceFlags, f.Changed)
}

// words are the flags other than --platform that were set, as they would be typed
// again.
func (o *deviceOptions) words() []string {
	var words []string
	add := func(flag string, values ...string) {
		for _, v := range values {
			if v != "" {
				words = append(words, flag, v)
			}
		}
	}
	add("--vlan", o.vlan.String())
	add("--port", o.ports...)
	add("--ports-from", o.portsFrom)
	add("--svi", o.svi)
	add("--vrf", o.vrf)
	add("--prefix", o.prefix)
	add("--set", o.set...)
	add("--platform-dir", o.files.named...)
	return words
}

// values makes of the flags what fills the lines for these VIPs and their MAC.
func (o *deviceOptions) values(vips []netip.Addr, m mac.Addr) (templates.Values, error) {
	v := templates.Values{
		VIPs: vips, MAC: m, VLAN: int(o.vlan), Ports: o.ports, SVI: o.svi, VRF: o.vrf, Set: make(map[string]string),
	}
	if o.prefix != "" {
		var err error
		if v.Prefix, err = netip.ParsePrefix(o.prefix); err != nil {
			return v, fmt.Errorf("--prefix %q is not an address with a prefix length, as 172.16.63.1/24", clip(o.prefix))
		}
	}
	for _, s := range o.set {
		name, value, found := strings.Cut(s, "=")
		if !found || name == "" {
			return v, fmt.Errorf("--set %q is not NAME=VALUE, as tenant=Prod", clip(s))
		}
		if _, twice := v.Set[name]; twice {
			return v, fmt.Errorf("--set gives %q twice", clip(name))
		}
		v.Set[name] = value
	}
	return v, nil
}

// target is a platform in a role: a device to configure, which may have a name.
type target struct {
	platform *templates.Platform
	role     templates.Role
	device   *inventory.Device // nil where the flags say all that is known
}

// title names the target in what is said of it.
func (t target) title() string {
	c := templates.Config{Platform: t.platform.Name}
	if t.role != templates.Both {
		c.Role = t.role.String()
	}
	if t.device != nil {
		c.Device = t.device.Name
	}
	return c.Title()
}

// labelled reports whether what is printed for targets must say whose it is.
func labelled(targets []target) bool { return len(targets) > 1 || targets[0].device != nil }

// targets looks up the platforms asked for, or the one called fallback where
// none was, and with --ports-from those of the file.
func (o *deviceOptions) targets(fallback string) ([]target, error) {
	devices, names := o.devices, splitCommas(o.platforms)
	nameless := func(d inventory.Device) bool { return d.Platform == "" }
	switch {
	case len(names) > 0:
	case devices == nil && fallback == "":
		return nil, errors.New("no platform: give --platform NAME (\"nlbprobe platforms\" lists them)")
	case fallback != "" && (devices == nil || slices.ContainsFunc(devices, nameless)):
		names = []string{fallback}
	}
	set, err := o.files.load()
	if err != nil {
		return nil, err
	}
	var all []target
	for _, s := range names {
		find := set.Lookup
		if len(o.platforms) == 0 { // nobody named it
			find = set.Known
		}
		t, err := lookup(find, s)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	if devices != nil {
		if all, err = o.spreadDevices(set, all, devices); err != nil {
			return nil, err
		}
	}
	o.files.noteFaulty()
	return all, nil
}

// lookup finds the platform that NAME, NAME:l3 or NAME:l2 names.
func lookup(find func(string) (*templates.Platform, error), s string) (target, error) {
	name, role, err := templates.ParseTarget(s)
	if err != nil {
		return target{}, err
	}
	p, err := find(name)
	if err != nil {
		return target{}, withList(err)
	}
	return target{platform: p, role: role}, nil
}

// render returns the sections for every target, or nothing where one of them
// cannot be rendered. What --strict finds missing is said of all at once.
func (o *deviceOptions) render(targets []target, v templates.Values, sections []templates.Section) ([]templates.Config, error) {
	return o.eachTarget(targets, v, "--strict demands", func(t target, v templates.Values) ([]templates.Config, error) {
		return templates.Render(t.platform, v, t.role, sections, templates.Options{Strict: o.strict})
	})
}

// eachTarget calls f for every target with the values that hold for it, and returns
// all that it gives or the first error. What is missing, demanded by whom, is
// said of all at once.
func (o *deviceOptions) eachTarget(targets []target, v templates.Values, demand string, f func(target, templates.Values) ([]templates.Config, error)) ([]templates.Config, error) {
	if err := knownNames(targets, v.Set); err != nil {
		return nil, err
	}
	var configs []templates.Config
	var missing, lacking []string // values, and the targets that lack them
	used := map[string]bool{}
	for _, t := range targets {
		c, err := f(t, t.values(v))
		if e, ok := errors.AsType[*templates.MissingError](err); ok {
			if t.device != nil {
				e.Platform = t.device.Name
			}
			lacking = append(lacking, e.Platform)
			missing = append(missing, e.Names...)
			continue
		}
		if err != nil && t.device != nil {
			return nil, fmt.Errorf("%s: %w", t.device.Name, err)
		}
		if err != nil {
			return nil, err
		}
		configs = append(configs, c...)
		for _, config := range c {
			for _, name := range config.Used {
				used[name] = true
			}
		}
	}
	if len(lacking) > 0 {
		verb := "lacks"
		if len(lacking) > 1 {
			verb = "lack"
		}
		return nil, fmt.Errorf("%s %s what %s: give %s", strings.Join(lacking, " and "), verb, demand, flagNames(missing))
	}
	if err := o.findUnused(targets, v, used); err != nil {
		return nil, err
	}
	return configs, nil
}

// withList says where the names are, when an unknown one is near none.
func withList(err error) error {
	if e, ok := errors.AsType[*templates.UnknownError](err); ok && e.Nearest == "" && len(e.Several) == 0 {
		return fmt.Errorf("%w (\"nlbprobe platforms\" lists them)", err)
	}
	return err
}

// knownNames refuses a --set whose name no target knows: it is mistyped.
func knownNames(targets []target, set map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		known := func(t target) bool {
			return slices.ContainsFunc(t.platform.Values, func(v templates.Value) bool { return v.Name == name })
		}
		if !slices.ContainsFunc(targets, known) {
			return fmt.Errorf("--set %s: no platform asked for has a value of that name", clip(name))
		}
	}
	return nil
}

// flagNames turns the names of values into the flags that give them, each once.
func flagNames(names []string) string {
	var flags []string
	for _, n := range names {
		flag := "--set " + n + "=VALUE"
		switch n {
		case "vlan", "port", "svi", "vrf", "prefix":
			flag = "--" + n
		}
		if !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return strings.Join(flags, ", ")
}
