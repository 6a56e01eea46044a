package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/templates"
)

// renderOptions are the flags of `nlbprobe render`.
type renderOptions struct {
	device   deviceOptions
	vips     []string
	mac      string
	sections []string
	diff     string // the file or folder to compare with
	output   string // "text" or "json"
	format   string // of formatNames

	// What the MAC does not show.
	mode      string // "unicast", "multicast" or "igmp"
	group     string // an IPv4 group
	staticARP bool
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

A platform's name, VIPs and the MAC may stand there without their flags.

A role after the platform's name decides which lines appear: l3 routes the
cluster's VLAN, l2 bridges it, without one the device does both.

--format gives it to a program instead, where the platform has such a form: an
Ansible playbook for its collection, a NETCONF edit-config body of ietf-ip (RFC
8344), or Terraform. Then every value must be given, and --section is configure
or remove.

--ports-from renders a block for each device of a CSV file. --platform is then
that of the devices whose rows name none; in the role l3 a router beside them.

--diff prints only what must be added and removed on a device whose
configuration is in the file OLD, or on standard input (-): as the device shows
it, where that form is known, or as an earlier run printed it. For several
devices it is a folder with a file for each, named as the device, or what an
earlier run printed for all. Where nothing is to do it prints nothing.`,
		Example: `  nlbprobe render --platform cisco-ios --vip 172.16.63.241 \
      --mac 03bf.ac10.3ff1 --vlan 63 --port Gi1/0/11 --port Gi1/0/12
  nlbprobe render cisco-nxos 172.16.63.241 03bf.ac10.3ff1
  nlbprobe render --platform cisco-nxos:l3 --platform cisco-ios:l2 \
      --section all --vip 172.16.63.241 --mac 03:bf:ac:10:3f:f1
  nlbprobe render --platform cisco-ios:l3 --format ansible \
      --vip 172.16.63.241 --mac 03:bf:ac:10:3f:f1 > core.yml
  nlbprobe render --platform cisco-ios --ports-from members.csv --vlan 63 \
      --vip 172.16.63.241 --mac 03:bf:ac:10:3f:f1
  nlbprobe render --platform cisco-ios:l3 --diff running-config.txt \
      --vip 172.16.63.241 --vip 172.16.63.242 --mac 03:bf:ac:10:3f:f1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRender(cmd.Context(), io, &o, args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var((*texts)(&o.vips), "vip", "VIP `IP` of the cluster, repeatable")
	f.StringVar(&o.mac, "mac", "", "`MAC` that answers for the VIPs, in any vendor's spelling")
	o.device.bind(f)
	f.StringVar(&o.mode, "mode", "", "the cluster's `MODE` where its MAC does not show it: unicast, multicast or igmp")
	f.StringVar(&o.group, "group", "", "the `GROUP` that its hosts report by IGMP, where it is not 239.255.y.z of the MAC")
	f.BoolVar(&o.staticARP, "static-arp", false, "a static ARP entry in unicast mode too, for a router that does not take the cluster's answers")
	o.device.files.notes = io.err
	f.Var((*texts)(&o.sections), "section", "`SECTION`: configure, verify, remove, save or all; repeatable (default configure)")
	f.StringVar(&o.format, "format", "text", "`FORM`: text, json, ansible, ietf or terraform")
	f.StringVar(&o.diff, "diff", "", "`OLD`: print only what must be added and removed, compared with this file or folder")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text or json")
	return cmd
}

// runRender prints every block, or none where one of them is wrong.
func runRender(ctx context.Context, io stdio, o *renderOptions, args []string) error {
	v, err := o.values(args)
	if err != nil {
		return err
	}
	sections, err := o.wanted()
	if err != nil {
		return err
	}
	if o.diff == "-" && o.device.portsFrom == "-" {
		return errors.New("- stands for standard input, which --diff and --ports-from cannot both read")
	}
	if err := o.device.prepare(ctx, io.in); err != nil {
		return err
	}
	targets, err := o.device.targets("")
	if err != nil {
		return err
	}
	if o.diff != "" { // which prints no comment where nothing is to do
		for _, remark := range v.Remarks {
			fmt.Fprintf(io.err, "nlbprobe: %s\n", remark)
		}
	}
	switch {
	case o.diff != "":
		err = o.runDiff(ctx, io, targets, v)
	case o.format != "text" && o.format != "json":
		err = o.runForm(io, targets, v)
	default:
		var configs []templates.Config
		if configs, err = o.device.render(targets, v, sections); err == nil {
			o.device.files.noteOrigins(configs)
			err = printConfigs(io, o.format, configs, labelled(targets))
		}
	}
	if err == nil {
		o.device.tellUnused(io.err)
	}
	return err
}

// values reads the flags that fill the lines, and the arguments without a flag.
func (o *renderOptions) values(args []string) (templates.Values, error) {
	var v templates.Values
	if err := checkOutput(o.output); err != nil {
		return v, err
	}
	if err := o.checkFormat(); err != nil {
		return v, err
	}
	if err := o.sort(args); err != nil {
		return v, err
	}
	if lacks := o.lacks(); lacks != "" {
		return v, errors.New(lacks)
	}
	var vips []netip.Addr
	for _, s := range splitCommas(o.vips) {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return v, fmt.Errorf("--vip %q is not an IPv4 address", clip(s))
		}
		vips = append(vips, ip)
	}
	m, err := mac.Parse(o.mac)
	if err != nil {
		return v, err
	}
	v, err = o.device.values(vips, m)
	if err == nil {
		err = o.known(&v)
	}
	v.Remarks = foreignMAC(m, vips)
	return v, err
}

// known puts to the values what the user knows beside the MAC.
func (o *renderOptions) known(v *templates.Values) error {
	ipGroup := v.MAC[0] == 0x01 && v.MAC[1] == 0 && v.MAC[2] == 0x5e && v.MAC[3] < 0x80
	switch v.Mode = templates.Mode(o.mode); v.Mode {
	case "":
	case templates.Unicast:
		if v.MAC.IsGroup() {
			return fmt.Errorf("--mode unicast: %s is a group MAC, which no cluster in unicast mode has", v.MAC)
		}
	case templates.Multicast:
		if !v.MAC.IsGroup() {
			return fmt.Errorf("--mode multicast: %s is no group MAC", v.MAC)
		}
	case templates.IGMP:
		if !ipGroup {
			return fmt.Errorf("--mode igmp: %s is not the MAC of an IPv4 group, 01-00-5e-00-00-00 to 01-00-5e-7f-ff-ff", v.MAC)
		}
	default:
		return fmt.Errorf("no mode is called %q; there are unicast, multicast and igmp", clip(o.mode))
	}
	if o.group != "" {
		ip, err := netip.ParseAddr(o.group)
		if err != nil || !ip.Is4() || !ip.IsMulticast() {
			return fmt.Errorf("--group %q is not an IPv4 multicast address", clip(o.group))
		}
		if !ipGroup || v.Mode == templates.Multicast {
			return fmt.Errorf("--group is for the mode igmp, and %s does not have it", v.MAC)
		}
		v.Mode, v.Group = templates.IGMP, ip
	}
	if o.staticARP {
		if v.MAC.IsGroup() {
			return errors.New("--static-arp is for a unicast MAC: for a group MAC the entry is printed anyway")
		}
		v.Refused = true
		v.Mode = cmp.Or(v.Mode, templates.Unicast)
	}
	return nil
}

// sort finds what the arguments without a flag are: an address, a MAC or a
// platform's name cannot be taken for one another.
func (o *renderOptions) sort(args []string) error {
	var set *templates.Set
	for _, arg := range args {
		first, _, _ := strings.Cut(arg, ",")
		if _, err := netip.ParseAddr(first); err == nil {
			o.vips = append(o.vips, arg)
			continue
		}
		if _, err := mac.Parse(arg); err == nil || strings.Count(arg, ":") > 1 {
			if err != nil {
				return err
			}
			if o.mac != "" {
				return fmt.Errorf("two MACs, %q and %q: one answers for all VIPs of a call", clip(o.mac), clip(arg))
			}
			o.mac = arg
			continue
		}
		if strings.Trim(arg, "0123456789") == "" {
			return fmt.Errorf("%q: a VLAN is --vlan N, a platform --platform NAME; a number alone could be either", clip(arg))
		}
		if set == nil {
			var err error
			if set, err = o.device.files.load(); err != nil {
				return err
			}
		}
		_, err := lookup(set.Lookup, arg)
		if e, unknown := errors.AsType[*templates.UnknownError](err); unknown && len(e.Several)+len(e.Of) == 0 && (e.Nearest == "" || strings.ContainsAny(arg, "/.")) {
			return fmt.Errorf("%q is no IPv4 address, no MAC and no platform's name; give each port with --port IF", clip(arg))
		}
		if err != nil {
			return err
		}
		o.device.platforms = append(o.device.platforms, arg)
	}
	return nil
}

// lacks says all that is missing, with an example, or nothing.
func (o *renderOptions) lacks() string {
	var all []string
	if len(o.device.platforms) == 0 && o.device.portsFrom == "" {
		all = append(all, "no platform: --platform NAME (\"nlbprobe platforms\" lists them)")
	}
	if len(o.vips) == 0 {
		all = append(all, "no VIP: --vip IP")
	}
	if o.mac == "" {
		all = append(all, "no MAC: --mac MAC, the one that answers for the VIP (\"nlbprobe mac IP\" derives it)")
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "; ") + "; as nlbprobe render --platform cisco-ios --vip 172.16.63.241 --mac 03bf.ac10.3ff1"
}

// foreignMAC says that NLB derives a MAC from an address that is no VIP of the
// call: a mistyped digit and the MAC of the primary IP look alike.
func foreignMAC(m mac.Addr, vips []netip.Addr) []string {
	c := nlb.Classify(m)
	for _, ip := range vips {
		if is, _ := whose(ip.Unmap(), m, c); is {
			return nil
		}
	}
	from := c.Primary.String()
	switch {
	case !c.NLB || len(vips) == 0 || !c.Primary.IsValid() && !c.HasLastOctets:
		return nil
	case c.HasLastOctets:
		from = fmt.Sprintf("an address that ends in .%d.%d", c.LastOctets[0], c.LastOctets[1])
	}
	return []string{fmt.Sprintf("NLB derives this MAC from %s, which is no VIP of this call: right if that is the cluster's primary IP or the MAC was set by hand, else a digit is wrong.", from)}
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
		}{report.Schema, configs})
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
	for _, c := range configs {
		for _, n := range c.Notes {
			fmt.Fprintf(notes, "nlbprobe: %s: %s\n", c.Title(), n)
		}
		if c.Text == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('\n')
		}
		if named && c.Comment != "" {
			fmt.Fprintf(out, "%s===== %s =====\n", c.Comment, c.Title())
		}
		out.WriteString(c.Text)
		missing = append(missing, c.Missing...)
	}
	if len(missing) > 0 {
		fmt.Fprintf(notes, "nlbprobe: placeholders are left; fill them with %s\n", flagNames(missing))
	}
}
