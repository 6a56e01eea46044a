// Package templates holds what each router and switch platform accepts for a
// cluster whose unicast VIP answers with a group MAC, and renders the lines to
// paste. It knows platform files and the values that fill them; it opens no
// socket and has seen no probe.
//
// # Platform files
//
// A platform is one YAML file; adding one touches no Go. The parts:
//
//	name, title, families, aliases, models    what it is called and found by
//	accepts       what the platform takes (static-arp, multi-port-mac, igmp-mode,
//	              accept-reply, ipv6), each with confidence and source
//	spelling      how it writes a MAC, a comment, names of interfaces and a list of
//	              ports, and the longest line it takes
//	values        what the lines need: vlan, port, svi, vrf, prefix, group or any
//	              name of its own; each with the pattern that a given value must
//	              match, and how to find it on the device
//	paste         where each section belongs ("global configuration mode")
//	contexts      lines that open and close a mode around other lines
//	running       what shows the configuration that the device runs, where it shows
//	              the lines as they are entered: then Diff can compare with it
//	configure     the lines; each with its undo beside it, from which the remove
//	              section is made, in reverse order
//	verify        what to ask the device, and what it shows when right
//	save          how to keep it over a restart
//	notes         limits and pitfalls; those with "head: true" stand above the lines,
//	              those with "by-hand: true" not above those for a program
//	ansible, ietf, terraform    the forms for programs that the platform has
//	sources       the public documents that lines cite by key
//
// Every line carries a confidence (vendor, field or unverified) and at least
// one source. A line may hold for one role (l3, l2, l2-only: a device that
// bridges and does not route, or both: one that does both), for one mode
// (multicast, igmp, unicast), with "ports: one" or "ports: several" for so many
// member ports, and with "ports: lag" or "ports: physical" for those of a kind.
// What holds in multicast mode holds with "ip-macs: no" for MACs outside 01-00-5e
// alone, with "ip-macs: only" for those in it; what holds in IGMP mode holds with
// "ip-macs: also" for any of those in it. "shown" holds other forms in which the
// device shows the line. It is a
// text/template without loops; "each: vip" or "each: port" repeats it. The
// template sees .VIP, .VIPNumber, .MAC, .MACIn "style", .VLAN, .Port, .First,
// .Ports, .SVI, .VRF, .Prefix, .Group, .Last and .Get "name".
//
// Lines and notes without a mode hold for both modes with a group MAC, and not
// for unicast mode, in which most platforms need no line: those for it say
// "mode: unicast", those for all three "mode: any". Where a file has no line
// to configure for unicast mode, Render says what to do instead. Where a router is
// proven not to take the answers of a cluster in unicast mode, the lines of the
// role l3 without a mode hold for its MAC too, which enter the VIP statically, or
// those with "mode: unicast-refused" where the device spells that otherwise.
//
// # Forms for programs
//
// A platform that has one says so in its file, and RenderForm writes it:
//
//	ansible       the collection, its connection and network-os; and either module,
//	              which takes lines and compares them (running-config, commands,
//	              device, guarded, typed), or tasks of purpose-made modules
//	ietf          what ietf-interfaces calls the SVI
//	terraform     the provider and its resources
//
// A line to configure says under "ansible" how a module must have it: "line",
// where the device shows another spelling than is typed, "source", who has seen
// it there, and "parents", where a block enters a mode by itself. The args of a
// task and the body of a resource are trees whose leaves are templates; they
// are filled leaf by leaf and written by an encoder, so that no value leaves its
// place. {jinja: EXPRESSION} stands for what only the inventory knows, as a
// password; a handler runs once where a task has changed something.
package templates

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// Values are what a platform's lines are filled with. VIPs and MAC must be
// given; of the others a zero value means not known, and its place is taken by
// a placeholder such as <VLAN>.
type Values struct {
	VIPs   []netip.Addr // IPv4 unicast; a repeated one counts once
	MAC    mac.Addr     // the MAC that answers for all of them
	VLAN   int          // 1 to 4094
	Ports  []string     // member ports in the platform's spelling; a repeated one counts once
	SVI    string       // the interface that routes the VLAN; on ASA its nameif
	VRF    string       // empty for the global table
	Prefix netip.Prefix // the interface's own address with its prefix length; its subnet must hold every VIP

	// Device is the name of the device, where one of several is rendered: letters,
	// digits, dots, hyphens and underscores.
	Device string

	// Mode is the cluster's mode where more is known of it than MAC and VIPs say,
	// as by its heartbeats; empty where nothing is. Unicast says that a unicast MAC
	// is a cluster's although it has not the form that NLB gives it (02-bf, or
	// 00-bf of its first releases); IGMP, that hosts report a group of the MAC.
	Mode Mode

	// Group is the IPv4 group that was reported for the MAC, or invalid.
	Group netip.Addr

	// Refused says that a router is proven not to take the answers of a cluster in
	// unicast mode.
	Refused bool

	// Remarks are said above the lines to configure: printable ASCII.
	Remarks []string

	// Set holds what only some platforms need, under the name that the
	// platform file gives it: "tenant", "querier", "vlan-name".
	Set map[string]string
}

// Role is what the device does for the cluster's VLAN. It decides which lines
// appear.
type Role uint8

// The roles of a device.
const (
	Both Role = iota // routes and bridges the VLAN: ARP and MAC-table lines
	L3               // routes it: ARP lines
	L2               // bridges it: MAC-table lines
)

// String returns "both", "l3" or "l2".
func (r Role) String() string {
	switch r {
	case L3:
		return "l3"
	case L2:
		return "l2"
	}
	return "both"
}

// Section is one part of a platform's text.
type Section string

// The sections, in the order in which an admin uses them.
const (
	Configure Section = "configure"
	Verify    Section = "verify"
	Remove    Section = "remove"
	Save      Section = "save"
)

// Sections returns all sections in the order of use.
func Sections() []Section { return []Section{Configure, Verify, Remove, Save} }

// ParseSections reads the name of a section, or "all".
func ParseSections(name string) ([]Section, error) {
	if name == "all" {
		return Sections(), nil
	}
	for _, s := range Sections() {
		if name == string(s) {
			return []Section{s}, nil
		}
	}
	return nil, fmt.Errorf("no section is called %q; there are configure, verify, remove, save and all", clip(name))
}

// ParseTarget reads NAME, NAME:l3 or NAME:l2. It does not look the name up.
func ParseTarget(s string) (name string, role Role, err error) {
	name, suffix, found := strings.Cut(s, ":")
	if name == "" {
		return "", Both, fmt.Errorf("%q names no platform; write it like cisco-ios or cisco-ios:l3", clip(s))
	}
	switch {
	case !found:
		return name, Both, nil
	case suffix == "l3":
		return name, L3, nil
	case suffix == "l2":
		return name, L2, nil
	}
	return "", Both, fmt.Errorf("no role is called %q in %q; there are l3 (routes the VLAN) and l2 (bridges it), without one both", clip(suffix), clip(s))
}

// Mode is what the MAC says about the kind of cluster, as far as a router's
// configuration depends on it.
type Mode string

// The two modes with a group MAC, and the one without.
const (
	Multicast Mode = "multicast" // any other group MAC, as 03-bf, or 01-00-5e of a pair of firewalls
	IGMP      Mode = "igmp"      // the MAC of a group that the hosts report (RFC 1112 6.4)
	Unicast   Mode = "unicast"   // 02-bf, or 00-bf: all hosts share a MAC that no switch learns

	// In platform files only.
	anyMode     Mode = "any"
	refusedMode Mode = "unicast-refused" // unicast, and a router is proven not to take the answers
)

// ModeOf returns the mode that a cluster MAC belongs to, as the answer for these
// VIPs. A MAC of 01-00-5e is IGMP mode's where it is 01-00-5e-7f and the last two
// bytes of one of them, or where none is given: other clusters, pairs of firewalls
// above all, answer with other MACs of that range and report no group. The error
// is a *NotNeededError for a unicast MAC that NLB does not derive, a
// *ReservedError for a protocol's own MAC, and says why for the broadcast and the
// all-zero address.
func ModeOf(m mac.Addr, vips ...netip.Addr) (Mode, error) {
	class := nlb.Classify(m)
	switch {
	case m.IsZero():
		return "", fmt.Errorf("the MAC address is all zeros: that is what ARP writes for an unknown address; give the MAC that answers for the VIP")
	case m.IsBroadcast():
		return "", fmt.Errorf("the MAC address is the broadcast address %s: no cluster answers with it, and a static entry for it would flood every VLAN", m)
	case class.Kind.Reserved():
		return "", &ReservedError{MAC: m, Name: class.Name, Note: class.Note}
	case (m[0] == 0x02 || m[0] == 0x00) && m[1] == 0xbf:
		return Unicast, nil
	case !m.IsGroup():
		return "", &NotNeededError{MAC: m}
	case class.Kind == nlb.KindIGMP && (len(vips) == 0 || slices.ContainsFunc(vips, class.EndsAs)):
		return IGMP, nil
	}
	return Multicast, nil
}

// mode is ModeOf the cluster's MAC, or what the caller knows.
func (v Values) mode() (Mode, error) {
	m, err := ModeOf(v.MAC, v.VIPs...)
	if _, ordinary := errors.AsType[*NotNeededError](err); ordinary && v.Mode == Unicast {
		return Unicast, nil
	}
	switch {
	case m == Multicast && isIPGroupMAC(v.MAC) && (v.Mode == IGMP || v.Set["group"] != ""):
		return IGMP, err
	case m == IGMP && v.Mode == Multicast:
		return Multicast, err
	}
	return m, err
}

// isIPGroupMAC reports the MAC of IPv4 groups (RFC 1112 6.4).
func isIPGroupMAC(m mac.Addr) bool {
	return m[0] == 0x01 && m[1] == 0x00 && m[2] == 0x5e && m[3] < 0x80
}

// ReservedError says that a group MAC is some protocol's own.
type ReservedError struct {
	MAC  mac.Addr
	Name string // of the protocol
	Note string // a sentence: why no line may name it
}

func (e *ReservedError) Error() string {
	return fmt.Sprintf("%s is no cluster's MAC but %s: %s%s", e.MAC, e.Name, strings.ToLower(e.Note[:1]), strings.TrimSuffix(e.Note[1:], "."))
}

// NotNeededError says that an ordinary unicast MAC, as a host or a virtual
// router has, needs no configuration.
type NotNeededError struct{ MAC mac.Addr }

func (e *NotNeededError) Error() string {
	return fmt.Sprintf("%s is a unicast MAC: no configuration is needed, since routers accept it from an ARP reply as any host's (RFC 1812 3.3.2 bars only group MACs)", e.MAC)
}

// Options change how Render works.
type Options struct {
	// Strict makes a value that is missing an error instead of a placeholder.
	Strict bool
}

// Config is one rendered section: the object of "configs" in JSON output.
type Config struct {
	Device     string     `json:"device,omitempty"` // as in Values
	Platform   string     `json:"platform"`
	Section    Section    `json:"section"`
	Text       string     `json:"text"` // complete lines, the last one ended too
	Confidence Confidence `json:"confidence"`
	Role       string     `json:"role,omitempty"`    // "l3" or "l2"; empty for both
	Form       Form       `json:"form,omitempty"`    // what Text is written in; empty for the device's own lines
	Missing    []string   `json:"missing,omitempty"` // names of the values that are placeholders in Text
	Notes      []string   `json:"notes,omitempty"`   // what a section says that cannot hold comments
	File       string     `json:"file,omitempty"`    // the user's file that the platform is from; empty for a built-in one

	// Used names the values that the platform's lines for this role and mode ask for,
	// in any section.
	Used []string `json:"-"`

	// Comment starts a line that the device ignores; empty where none does.
	Comment string `json:"-"`

	// Advice says that Text holds no line of the device, only remarks.
	Advice bool `json:"-"`
}

// Title names the device that a section is for: its own name, its platform and
// its role.
func (c Config) Title() string {
	title := c.Platform
	if c.Role != "" {
		title += ":" + c.Role
	}
	if c.Device != "" {
		title = c.Device + ": " + title
	}
	return title
}

// MissingError names every value that Strict found missing.
type MissingError struct {
	Platform string
	Names    []string // as in the platform file: vlan, port, svi, ...
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s needs what was not given: %s", e.Platform, strings.Join(e.Names, ", "))
}

// clip bounds what an error quotes.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
