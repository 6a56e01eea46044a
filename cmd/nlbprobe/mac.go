package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/report"
)

// macOptions are the flags of `nlbprobe mac`.
type macOptions struct {
	output string // "text" or "json"
}

// newMacCmd returns `nlbprobe mac`, which sends nothing and reads no device.
func newMacCmd(io stdio) *cobra.Command {
	var opts macOptions
	cmd := &cobra.Command{
		Use:   "mac IP|MAC...",
		Short: "The MACs that NLB derives from a VIP, or what a MAC is",
		Long: `For an IPv4 address: the MACs and the group that NLB derives from it where it is
a cluster's primary IP. For a MAC in any vendor's spelling: what it is, whether
NLB derives it, the primary VIP that it reveals, and how other vendors spell it.

For an address and a MAC together: first, whether the MAC is that address's, in
which mode, or which other primary IP it is derived from.`,
		Example: "  nlbprobe mac 172.16.63.241\n  nlbprobe mac 0300.5e11.1111 01-00-5e-7f-3f-f1\n" +
			"  nlbprobe mac 172.16.63.241 03bf.ac10.3ff1",
		RunE: func(_ *cobra.Command, args []string) error {
			return runMac(io, opts, args)
		},
	}
	cmd.Flags().StringVarP(&opts.output, "output", "o", "text", "text or json (one object per argument)")
	return cmd
}

// runMac answers for all arguments, or for none where one of them is wrong.
func runMac(io stdio, opts macOptions, args []string) error {
	if err := checkOutput(opts.output); err != nil {
		return err
	}
	if len(args) == 0 {
		return errors.New("nothing to look up: give an IPv4 address or a MAC address")
	}
	if spaced := strings.Join(args, " "); len(args) == 6 && len(spaced) <= 17 {
		if _, err := mac.Parse(spaced); err == nil {
			args = []string{spaced} // a MAC with spaces, and without quotes
		}
	}
	answers := make([]macAnswer, len(args))
	var vips []netip.Addr
	for i, arg := range args {
		var err error
		if answers[i], err = lookUpMAC(arg); err != nil {
			return err
		}
		if d, is := answers[i].(derivedMACs); is && !slices.Contains(vips, d.VIP) {
			vips = append(vips, d.VIP)
		}
	}
	var out bytes.Buffer
	for i, answer := range answers {
		if k, is := answer.(*knownMAC); is {
			k.compare(vips)
			if opts.output != "json" {
				k.writeOf(&out)
			}
		}
		if opts.output != "json" && i == len(answers)-1 && out.Len() > 0 {
			out.WriteByte('\n')
		}
	}
	for i, answer := range answers {
		if opts.output == "json" {
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(answer); err != nil {
				return fmt.Errorf("writing the answer for %q as JSON: %w", clip(args[i]), err)
			}
			continue
		}
		if i > 0 {
			out.WriteByte('\n')
		}
		answer.writeText(&out)
	}
	if _, err := io.out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// macAnswer is the answer for one argument: derivedMACs or knownMAC. It is also
// the JSON object.
type macAnswer interface {
	writeText(out *bytes.Buffer)
}

// lookUpMAC answers for one argument.
func lookUpMAC(arg string) (macAnswer, error) {
	if ip, err := netip.ParseAddr(arg); err == nil {
		return deriveMACs(arg, ip.Unmap())
	}
	m, err := mac.Parse(arg)
	if err == nil {
		return new(describeMAC(arg, m)), nil
	}
	if strings.Count(arg, ".") == 3 && strings.Trim(arg, "0123456789.") == "" {
		return nil, fmt.Errorf("%q is not an IPv4 address: four numbers from 0 to 255 with dots", clip(arg))
	}
	if _, prefixErr := netip.ParsePrefix(arg); prefixErr == nil {
		return nil, fmt.Errorf("%q is a prefix: give a single address", clip(arg))
	}
	reason := err.Error()
	if pe, ok := errors.AsType[*mac.ParseError](err); ok {
		reason = fmt.Sprintf("%s (at character %d)", pe.Reason, pe.Offset+1)
	}
	return nil, fmt.Errorf("%q is neither an IPv4 address nor a MAC address: %s", clip(arg), reason)
}

// derivedMACs is what NLB makes of a primary IP.
type derivedMACs struct {
	Schema        string     `json:"schema"`
	Input         string     `json:"input"`
	VIP           netip.Addr `json:"vip"`
	Unicast       mac.Addr   `json:"unicast"`
	Multicast     mac.Addr   `json:"multicast"`
	IGMPMulticast mac.Addr   `json:"igmp_multicast"`
	Group         netip.Addr `json:"group"`
	Legacy        mac.Addr   `json:"legacy"`
	MaskedSources []mac.Addr `json:"masked_sources"` // by host priority, from 1
	Notes         []string   `json:"notes"`
}

// The notes for derived addresses.
const (
	notePrimaryOnly = "Only the cluster's primary IP counts: every further VIP answers with the primary's MAC, so a MAC seen on the wire wins over a computed one."
	noteMaySetMAC   = "The MAC may also have been set by hand, and then none of these is used."
)

func deriveMACs(arg string, ip netip.Addr) (macAnswer, error) {
	if !ip.Is4() {
		return nil, fmt.Errorf("%q is an IPv6 address: not yet, which MAC NLB gives to an IPv6 VIP is not documented", clip(arg))
	}
	if err := checkVIP(ip); err != nil {
		return nil, err
	}
	d := derivedMACs{
		Schema: report.Schema, Input: arg, VIP: ip, MaskedSources: make([]mac.Addr, nlb.MaxPriority),
		Notes: []string{notePrimaryOnly, noteMaySetMAC},
	}
	errs := make([]error, 5, 5+nlb.MaxPriority)
	d.Unicast, errs[0] = nlb.DeriveMAC(ip, nlb.Unicast)
	d.Multicast, errs[1] = nlb.DeriveMAC(ip, nlb.Multicast)
	d.IGMPMulticast, errs[2] = nlb.DeriveMAC(ip, nlb.IGMPMulticast)
	d.Group, errs[3] = nlb.Group(ip)
	d.Legacy, errs[4] = nlb.DeriveLegacyMAC(ip)
	for i := range d.MaskedSources {
		var err error
		d.MaskedSources[i], err = nlb.MaskedMAC(ip, i+1)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return d, nil
}

func (d derivedMACs) writeText(out *bytes.Buffer) {
	fmt.Fprintf(out, "%v as the primary IP of an NLB cluster\n\n", d.VIP)
	macRow(out, "unicast", d.Unicast.String())
	macRow(out, "multicast", d.Multicast.String())
	macRow(out, "IGMP multicast", fmt.Sprintf("%v, group %v", d.IGMPMulticast, d.Group))
	macRow(out, "legacy (WLBS)", d.Legacy.String())
	macRow(out, "masked sources", fmt.Sprintf("%v to %v (host 1 to %d)",
		d.MaskedSources[0], d.MaskedSources[len(d.MaskedSources)-1], len(d.MaskedSources)))
	out.WriteByte('\n')
	for _, note := range d.Notes {
		out.WriteString(report.Wrap("  ", "  ", note, report.Width))
	}
}

// knownMAC is what a MAC says about its owner. Pointers are null in JSON where
// the address reveals no such thing.
type knownMAC struct {
	Schema      string            `json:"schema"`
	Input       string            `json:"input"`
	MAC         mac.Addr          `json:"mac"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	IsGroup     bool              `json:"is_group"`
	NLB         bool              `json:"nlb"`
	HandSet     bool              `json:"hand_set"`
	Mode        *string           `json:"mode"`
	DerivedFrom *netip.Addr       `json:"derived_from"`
	LastOctets  *string           `json:"last_octets"`
	Group       *netip.Addr       `json:"group"`
	Priority    *int              `json:"priority"`
	VirtualID   *int              `json:"virtual_id"`
	Certainty   string            `json:"certainty"`
	Note        string            `json:"note"`
	Source      string            `json:"source"`
	Spellings   map[string]string `json:"spellings"`
	Of          []macOf           `json:"of,omitempty"` // for each address that was asked with it

	class nlb.Class
}

// macOf is whether a MAC is an address's.
type macOf struct {
	VIP    netip.Addr `json:"vip"`
	Is     bool       `json:"is"`     // NLB derives it from this address
	Answer string     `json:"answer"` // in words
}

// compare answers for each address whether the MAC is what NLB derives from it.
func (k *knownMAC) compare(vips []netip.Addr) {
	for _, vip := range vips {
		is, answer := whose(vip, k.MAC, k.class)
		k.Of = append(k.Of, macOf{vip, is, answer})
	}
}

// whose says whether NLB derives m, of class c, from ip as the primary IP.
func whose(ip netip.Addr, m mac.Addr, c nlb.Class) (is bool, answer string) {
	fits := func(first [2]byte) bool { return first == [2]byte(ip.AsSlice()[2:]) }
	const other = "A cluster gives all its VIPs the MAC of its primary IP: it can be that of %v only if %s is the primary IP of the same cluster, or if somebody set it by hand."
	switch {
	case c.Priority != 0 && c.Primary == ip:
		return true, fmt.Sprintf("yes: host %d of a cluster in unicast mode whose primary IP is %v sends from it, and the cluster itself answers with %v. An adapter whose MAC was made of its own IP can have it too.", c.Priority, ip, derived(ip, nlb.Unicast))
	case c.NLB && c.Primary == ip && c.Kind == nlb.KindLegacy:
		return true, fmt.Sprintf("yes: Convoy and WLBS, the forerunners of NLB, derive it from %v.", ip)
	case c.NLB && c.Primary == ip:
		return true, fmt.Sprintf("yes: NLB derives it from %v in %s mode.", ip, c.Mode)
	case c.HasLastOctets && fits(c.LastOctets):
		return true, fmt.Sprintf("yes: NLB derives it from %v in IGMP multicast mode, and from every other address that ends in .%d.%d.", ip, c.LastOctets[0], c.LastOctets[1])
	case c.NLB && c.Primary.IsValid():
		return false, fmt.Sprintf("no: NLB derives it from %v (%s). ", c.Primary, modeName(c)) + fmt.Sprintf(other, ip, c.Primary)
	case c.HasLastOctets:
		ends := fmt.Sprintf("an address that ends in .%d.%d", c.LastOctets[0], c.LastOctets[1])
		return false, fmt.Sprintf("no: NLB derives it from %s (IGMP multicast mode). ", ends) + fmt.Sprintf(other, ip, ends)
	case m.IsBroadcast() || m.IsZero():
		return false, "no: no cluster and no host answers with it."
	case c.HandSet:
		return false, fmt.Sprintf("no: NLB derives it from no address. It can be that of %v only if somebody set it by hand.", ip)
	}
	return false, fmt.Sprintf("no: it has no form of NLB (%s). From %v NLB derives %v in unicast, %v in multicast and %v in IGMP multicast mode.",
		c.Name, ip, derived(ip, nlb.Unicast), derived(ip, nlb.Multicast), derived(ip, nlb.IGMPMulticast))
}

// derived is the MAC of an address that checkVIP has let through.
func derived(ip netip.Addr, m nlb.Mode) mac.Addr {
	a, _ := nlb.DeriveMAC(ip, m)
	return a
}

// modeName names what derives an address of this class.
func modeName(c nlb.Class) string {
	switch {
	case c.Priority != 0:
		return fmt.Sprintf("unicast mode, the source address of host %d", c.Priority)
	case c.Kind == nlb.KindLegacy:
		return "its forerunners Convoy and WLBS"
	}
	return c.Mode.String() + " mode"
}

// writeOf writes the answer for each address, before all else.
func (k *knownMAC) writeOf(out *bytes.Buffer) {
	for _, of := range k.Of {
		out.WriteString(report.Wrap("", "  ", fmt.Sprintf("%v of %v: %s", k.MAC, of.VIP, of.Answer), report.Width))
	}
}

func describeMAC(arg string, m mac.Addr) knownMAC {
	c := nlb.Classify(m)
	k := knownMAC{
		Schema: report.Schema, Input: arg, MAC: m, Kind: c.Kind.String(), Name: c.Name, IsGroup: m.IsGroup(),
		NLB: c.NLB, HandSet: c.HandSet, Certainty: c.Certainty.String(), Note: c.Note, Source: c.Source,
		Spellings: make(map[string]string), class: c,
	}
	if c.Mode != nlb.ModeUnknown {
		k.Mode = new(c.Mode.String())
	}
	if c.Primary.IsValid() {
		k.DerivedFrom = new(c.Primary)
	}
	if c.HasLastOctets {
		k.LastOctets = new(fmt.Sprintf("%d.%d", c.LastOctets[0], c.LastOctets[1]))
	}
	if c.Group.IsValid() {
		k.Group = new(c.Group)
	}
	if c.Priority != 0 {
		k.Priority = new(c.Priority)
	}
	if c.HasVirtualID {
		k.VirtualID = new(c.VirtualID)
	}
	for _, s := range macSpellings() {
		k.Spellings[s.key()] = m.In(s.style)
	}
	return k
}

func (k knownMAC) writeText(out *bytes.Buffer) {
	out.WriteString(report.Wrap("", "  ", fmt.Sprintf("%v: %s", k.MAC, k.Name), report.Width))
	out.WriteByte('\n')
	macRow(out, "kind", k.Kind)
	switch {
	case k.NLB && k.Certainty == nlb.Documented.String():
		macRow(out, "NLB", "yes")
	case k.NLB:
		macRow(out, "NLB", "it has the form; see the note")
	case k.HandSet:
		macRow(out, "NLB", "not derived; perhaps set by hand")
	default:
		macRow(out, "NLB", "no form of it")
	}
	if k.Mode != nil {
		macRow(out, "mode", *k.Mode)
	}
	formOnly := ""
	if k.NLB && k.Certainty != nlb.Documented.String() {
		formOnly = ", if it is a cluster's"
	}
	if k.DerivedFrom != nil {
		macRow(out, "primary VIP", k.DerivedFrom.String()+formOnly)
	}
	if k.LastOctets != nil {
		macRow(out, "primary VIP", "ends in ."+*k.LastOctets+formOnly)
	}
	if k.Group != nil {
		macRow(out, "group", k.Group.String())
	}
	if k.Priority != nil {
		macRow(out, "host priority", strconv.Itoa(*k.Priority))
	}
	macRow(out, "certainty", k.Certainty)
	macRow(out, "source", k.Source)
	macRow(out, "note", k.Note)
	out.WriteByte('\n')
	for _, s := range macSpellings() {
		fmt.Fprintf(out, "  %-17s   %s\n", k.Spellings[s.key()], s.systems)
	}
}

// macSpelling is one way to write a MAC and the systems that print it so.
type macSpelling struct {
	style   mac.Style
	systems string
}

// key is the style's name in JSON.
func (s macSpelling) key() string { return strings.ReplaceAll(s.style.String(), "-", "_") }

func macSpellings() []macSpelling {
	return []macSpelling{
		{mac.Colon, "Junos, Linux, AOS-CX, EXOS, FortiOS"},
		{mac.ColonUpper, "RouterOS"},
		{mac.Hyphen, "CatOS, D-Link, Windows"},
		{mac.Dotted, "IOS, NX-OS, EOS, NetIron"},
		{mac.HHH, "Comware, VRP"},
		{mac.SixSix, "AOS-S, ProCurve"},
		{mac.Bare, "bare digits"},
	}
}

// macRow writes a titled line, broken under its own beginning where it is long.
func macRow(out *bytes.Buffer, title, text string) {
	const column = 18
	first := "  " + title
	first += strings.Repeat(" ", max(1, column-len(first)))
	out.WriteString(report.Wrap(first, strings.Repeat(" ", column), text, report.Width))
}
