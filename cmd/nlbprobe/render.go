package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

// renderOptions are the flags of `nlbprobe render`.
type renderOptions struct {
	platforms []string
	dirs      []string
	vips      []string
	mac       string
	vlan      int
	vlanGiven bool // also when it is 0
	ports     []string
	svi, vrf  string
	prefix    string
	set       []string // NAME=VALUE
	sections  []string
	strict    bool
	output    string // "text" or "json"
}

// newRenderCmd returns `nlbprobe render`, which prints configuration without
// probing.
func newRenderCmd(io stdio) *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use:   "render --platform NAME[:l3|:l2] --vip IP --mac MAC",
		Short: "Print a platform's configuration for a VIP, without probing",
		Long: `Print the lines to paste into a router or switch for a VIP that answers with a
group MAC. Nothing is sent. Text output is device lines and comments that the
device ignores; what was not given stands in it as <PLACEHOLDER>.

A role after the platform's name decides which lines appear: l3 routes the
cluster's VLAN, l2 bridges it, without one the device does both.`,
		Example: `  nlbprobe render --platform cisco-ios --vip 172.16.63.241 \
      --mac 03bf.ac10.3ff1 --vlan 63 --port Gi1/0/11 --port Gi1/0/12
  nlbprobe render --platform cisco-nxos:l3 --platform cisco-ios:l2 \
      --section all --vip 172.16.63.241 --mac 03:bf:ac:10:3f:f1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.vlanGiven = cmd.Flags().Changed("vlan")
			return runRender(io, o, args)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.platforms, "platform", nil, "platform NAME[:l3|:l2], repeatable")
	f.StringArrayVar(&o.dirs, "platform-dir", nil, "folder with platform files of your own, which add to or replace the built-in ones; repeatable")
	f.StringArrayVar(&o.vips, "vip", nil, "VIP of the cluster, repeatable")
	f.StringVar(&o.mac, "mac", "", "MAC that answers for the VIPs, in any vendor's spelling")
	f.IntVar(&o.vlan, "vlan", 0, "VLAN of the cluster, 1 to 4094")
	f.StringArrayVar(&o.ports, "port", nil, "member port in the device's own spelling, repeatable")
	f.StringVar(&o.svi, "svi", "", "interface that routes the VLAN, as Vlan20")
	f.StringVar(&o.vrf, "vrf", "", "VRF of that interface")
	f.StringVar(&o.prefix, "prefix", "", "the router's own address there with its prefix length, as 172.16.63.1/24")
	f.StringArrayVar(&o.set, "set", nil, "NAME=VALUE for what only some platforms need, as tenant=Prod; repeatable")
	f.StringArrayVar(&o.sections, "section", nil, "configure, verify, remove, save or all; repeatable (default configure)")
	f.BoolVar(&o.strict, "strict", false, "a missing value is an error instead of a placeholder")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	return cmd
}

// runRender prints every block, or none where one of them is wrong.
func runRender(io stdio, o renderOptions, args []string) error {
	v, err := o.values(args)
	if err != nil {
		return err
	}
	sections, err := o.wanted()
	if err != nil {
		return err
	}
	targets, err := o.targets()
	if err != nil {
		return err
	}
	if err := knownNames(targets, v.Set); err != nil {
		return err
	}
	var configs []templates.Config
	var missing []string
	var lacking []string // platforms that lack a value under --strict
	for _, t := range targets {
		c, err := t.platform.Render(v, t.role, sections, templates.Options{Strict: o.strict})
		if e, ok := errors.AsType[*templates.MissingError](err); ok {
			lacking = append(lacking, e.Platform)
			missing = append(missing, e.Names...)
			continue
		}
		if err != nil {
			return err
		}
		configs = append(configs, c...)
	}
	if len(lacking) > 0 {
		return fmt.Errorf("%s lacks what --strict demands: give %s", strings.Join(lacking, " and "), flagNames(missing))
	}
	return printConfigs(io, o.output, configs, len(targets) > 1)
}

// values reads the flags that fill the lines. Arguments without a flag are
// further VIPs.
func (o *renderOptions) values(args []string) (templates.Values, error) {
	v := templates.Values{VLAN: o.vlan, Ports: o.ports, SVI: o.svi, VRF: o.vrf, Set: map[string]string{}}
	if o.output != "text" && o.output != "json" {
		return v, fmt.Errorf("no output is called %q; there are text and json", clip(o.output))
	}
	if len(o.vips)+len(args) == 0 {
		return v, errors.New("no VIP: give --vip IP")
	}
	for _, s := range append(slices.Clone(o.vips), args...) {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return v, fmt.Errorf("%q is not an IPv4 address; repeat --vip for each VIP and --port for each port", clip(s))
		}
		v.VIPs = append(v.VIPs, ip)
	}
	if o.mac == "" {
		return v, errors.New("no MAC: give --mac MAC, the one that answers for the VIP (\"nlbprobe mac IP\" derives it)")
	}
	var err error
	if v.MAC, err = mac.Parse(o.mac); err != nil {
		return v, err
	}
	if o.vlanGiven {
		if err := templates.CheckVLAN(o.vlan); err != nil {
			return v, err
		}
	}
	if o.prefix != "" {
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

// wanted reads --section.
func (o *renderOptions) wanted() ([]templates.Section, error) {
	if len(o.sections) == 0 {
		return []templates.Section{templates.Configure}, nil
	}
	var all []templates.Section
	for _, name := range o.sections {
		s, err := templates.ParseSections(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
	return all, nil
}

// target is a platform in a role.
type target struct {
	platform *templates.Platform
	role     templates.Role
}

// targets looks up every --platform.
func (o *renderOptions) targets() ([]target, error) {
	if len(o.platforms) == 0 {
		return nil, errors.New("no platform: give --platform NAME (\"nlbprobe platforms\" lists them)")
	}
	set, err := templates.Load(o.dirs...)
	if err != nil {
		return nil, err
	}
	var all []target
	for _, s := range o.platforms {
		name, role, err := templates.ParseTarget(s)
		if err != nil {
			return nil, err
		}
		p, err := set.Lookup(name)
		if err != nil {
			return nil, withList(err)
		}
		all = append(all, target{p, role})
	}
	return all, nil
}

// withList says where the names are, when an unknown one is near none.
func withList(err error) error {
	if e, ok := errors.AsType[*templates.UnknownError](err); ok && e.Nearest == "" {
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

// printConfigs writes the blocks: in text what can be pasted to out, and the
// rest to err.
func printConfigs(io stdio, output string, configs []templates.Config, named bool) error {
	var out, notes bytes.Buffer
	if output == "json" {
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false) // placeholders have angle brackets
		err := enc.Encode(struct {
			Schema  string             `json:"schema"`
			Configs []templates.Config `json:"configs"`
		}{"nlbprobe/1", configs})
		if err != nil {
			return fmt.Errorf("writing the configuration as JSON: %w", err)
		}
	} else {
		writeConfigs(&out, &notes, configs, named)
	}
	if _, err := io.out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	_, err := io.err.Write(notes.Bytes())
	return err
}

func writeConfigs(out, notes *bytes.Buffer, configs []templates.Config, named bool) {
	var missing []string
	for i, c := range configs {
		if i > 0 {
			out.WriteByte('\n')
		}
		title := c.Platform
		if c.Role != "" {
			title += ":" + c.Role
		}
		if named && c.Comment != "" {
			fmt.Fprintf(out, "%s===== %s =====\n", c.Comment, title)
		}
		out.WriteString(c.Text)
		for _, n := range c.Notes {
			fmt.Fprintf(notes, "nlbprobe: %s: %s\n", title, n)
		}
		missing = append(missing, c.Missing...)
	}
	if len(missing) > 0 {
		fmt.Fprintf(notes, "nlbprobe: placeholders are left; fill them with %s\n", flagNames(missing))
	}
}
