// Package platform holds what a platform file says.
//
// It reads the file, and knows the names that the platform gives ports and
// interfaces; it renders nothing and knows no cluster.
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
//	              the lines as they are entered: then reading.Diff can compare with it
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
// to configure for unicast mode, render.Sections says what to do instead. Where a router is
// proven not to take the answers of a cluster in unicast mode, the lines of the
// role l3 without a mode hold for its MAC too, which enter the VIP statically, or
// those with "mode: unicast-refused" where the device spells that otherwise.
//
// # Forms for programs
//
// A platform that has one says so in its file, and forms.Render writes it:
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
package platform

import (
	"slices"
	"strings"
	"sync"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Confidence is how sure a statement is.
type Confidence string

// The degrees of confidence, surest first.
const (
	Vendor     Confidence = "vendor"     // a document of the vendor says so
	Field      Confidence = "field"      // seen on devices: a blog, a forum, an operator's notes
	Unverified Confidence = "unverified" // no page was found; rendered only behind a comment
	Refused    Confidence = "refused"    // notes only: known not to work, so no line is given
)

// Rank orders degrees of confidence; a higher one is weaker.
func (c Confidence) Rank() int {
	return slices.Index([]Confidence{"", Refused, Vendor, Field, Unverified}, c)
}

// Weaker returns the weaker of two degrees.
func (c Confidence) Weaker(d Confidence) Confidence {
	if d.Rank() > c.Rank() {
		return d
	}
	return c
}

// Platform is one platform file. It must not be changed: a Set hands the same
// one to every caller.
type Platform struct {
	Name     string   `yaml:"name"`
	Title    string   `yaml:"title"`
	Families []string `yaml:"families"`
	Aliases  []string `yaml:"aliases"`
	Models   []string `yaml:"models"` // patterns of model numbers, with * and [0-9] as in names of files

	Accepts  Accepts            `yaml:"accepts"`
	Spelling Spelling           `yaml:"spelling"`
	Values   []Value            `yaml:"values"`
	Paste    Paste              `yaml:"paste"`
	Contexts map[string]Context `yaml:"contexts"`
	Running  Running            `yaml:"running"`

	Configure []Line `yaml:"configure"`
	Verify    []Line `yaml:"verify"`
	Save      []Line `yaml:"save"`

	Notes   []Note            `yaml:"notes"`
	Sources map[string]string `yaml:"sources"`

	// The machine-readable forms that the platform has; nil for those it has not.
	Ansible   *Ansible   `yaml:"ansible"`
	IETF      *IETF      `yaml:"ietf"`
	Terraform *Terraform `yaml:"terraform"`

	// File is where it was read from: a path, or "built-in".
	File string `yaml:"-"`

	parsed sync.Map // the templates of its lines, by their text: parsed once, rendered for each VIP
}

// Accepts is what a platform takes.
type Accepts struct {
	StaticARP    Capability `yaml:"static-arp"`     // a static ARP entry with a group MAC
	MultiPortMAC Capability `yaml:"multi-port-mac"` // a static MAC-table entry on several ports
	IGMPMode     Capability `yaml:"igmp-mode"`      // whether snooping confines an IGMP-mode cluster
	AcceptReply  Capability `yaml:"accept-reply"`   // a command that makes it learn the ARP reply
	IPv6         Capability `yaml:"ipv6"`           // a static neighbour with a group MAC
	UnicastMode  Capability `yaml:"unicast-mode"`   // whether lines confine a unicast-mode cluster; may be left out
}

// Capability is one answer with what it rests on.
type Capability struct {
	Does       string     `yaml:"does"` // yes, no, refused, partly, not-needed, unknown
	Confidence Confidence `yaml:"confidence"`
	Source     []string   `yaml:"source"`
	Note       string     `yaml:"note"`
}

// Named is a capability under its name in platform files.
type Named struct {
	Name string
	Capability
}

// List returns the capabilities in the order in which they are shown.
func (a Accepts) List() []Named {
	all := []Named{
		{"static-arp", a.StaticARP}, {"multi-port-mac", a.MultiPortMAC}, {"igmp-mode", a.IGMPMode},
		{"accept-reply", a.AcceptReply}, {"ipv6", a.IPv6},
	}
	if a.UnicastMode.Does != "" {
		all = append(all, Named{"unicast-mode", a.UnicastMode})
	}
	return all
}

// Spelling is how a platform writes things, and what it can read.
type Spelling struct {
	MAC     string    `yaml:"mac"`     // the name of a mac.Style
	Comment string    `yaml:"comment"` // what starts a line that the device ignores
	Bare    []Section `yaml:"bare"`    // sections that can hold no comment, as JSON
	Indent  string    `yaml:"indent"`  // before each line inside a context
	Line    int       `yaml:"line"`    // bytes in the longest line taken; 0 for no known limit
	Ports   Ports     `yaml:"ports"`

	// Interfaces is how names of interfaces begin, as lines have it and with a space
	// at its end where the number stands apart, to the other words for it: the
	// shortest that the device takes first. A beginning that only one has will do.
	Interfaces map[string][]string `yaml:"interfaces"`
}

// Ports is how several ports stand in one line.
type Ports struct {
	Join  string            `yaml:"join"`  // between two ports
	Range string            `yaml:"range"` // between the first and the last of a row of ports, where it takes one
	Whole bool              `yaml:"whole"` // the last of a row stands with its whole name, not with its number alone
	Rows  bool              `yaml:"rows"`  // swp1-4 is a row although it could be a name: names are free, and none is like it
	Most  int               `yaml:"most"`  // ports in one line; 0 for no known limit
	Split bool              `yaml:"split"` // a further line for the same entry adds to it, and does not replace it
	LAG   string            `yaml:"lag"`   // pattern of the names of aggregates; its group is what a line for them alone names
	Short map[string]string `yaml:"short"` // long name of a port type to the short one
}

// Value is something that lines need from the user.
type Value struct {
	Name        string   `yaml:"name"`
	Placeholder string   `yaml:"placeholder"` // between angle brackets; default: the name in capitals
	Kind        string   `yaml:"kind"`        // "" for text that the pattern judges, or "ipv4"
	Pattern     string   `yaml:"pattern"`     // a regular expression that the whole value must match
	Spaces      bool     `yaml:"spaces"`      // the pattern may admit single spaces inside the value
	Also        []Also   `yaml:"also"`        // other spellings that the device prints or takes
	Examples    []string `yaml:"examples"`    // shown when a value does not match
	Default     string   `yaml:"default"`     // a template for when it is not given
	Find        string   `yaml:"find"`        // how to find it on the device
	Unused      string   `yaml:"unused"`      // why this platform has no place for it
}

// Paste says where each section belongs.
type Paste struct {
	Configure string `yaml:"configure"`
	Verify    string `yaml:"verify"`
	Remove    string `yaml:"remove"`
	Save      string `yaml:"save"`
}

// In returns the place of one section.
func (p Paste) In(s Section) string {
	switch s {
	case Configure:
		return p.Configure
	case Verify:
		return p.Verify
	case Remove:
		return p.Remove
	}
	return p.Save
}

// Context is a mode around lines: what enters it and what leaves it.
type Context struct {
	Open       string     `yaml:"open"`
	Close      string     `yaml:"close"`
	Confidence Confidence `yaml:"confidence"`
	Source     []string   `yaml:"source"`
}

// Line is one line of a device, or a block of lines that belong together.
type Line struct {
	Line   string   `yaml:"line"`
	Shown  []string `yaml:"shown"`   // how else the device shows it; configure only
	Undo   string   `yaml:"undo"`    // takes it back; configure only
	Keep   string   `yaml:"keep"`    // or why it is not taken back
	In     string   `yaml:"in"`      // the context that it stands in
	Each   string   `yaml:"each"`    // "vip" or "port": once for each
	Role   string   `yaml:"role"`    // "l3", "l2", "l2-only", "both"; empty for every role
	Mode   Mode     `yaml:"mode"`    // empty for both modes with a group MAC
	Ports  string   `yaml:"ports"`   // "one" or "several": with so many member ports; "lag" or "physical": for those of the kind; empty for any
	IPMACs string   `yaml:"ip-macs"` // "no", "only" or "also": for MACs of 01-00-5e; empty where it does not matter
	Expect string   `yaml:"expect"`

	Confidence     Confidence `yaml:"confidence"`
	UndoConfidence Confidence `yaml:"undo-confidence"` // where undo is less sure than the line
	UndoNote       string     `yaml:"undo-note"`       // what to think of before it is taken back
	Ansible        AsAnsible  `yaml:"ansible"`         // the line as a module of Ansible compares it
	Doubt          string     `yaml:"doubt"`           // what exactly is unverified
	Source         []string   `yaml:"source"`
}

// Note is a limit or a pitfall.
type Note struct {
	Text       string     `yaml:"text"`
	Head       bool       `yaml:"head"`    // stands above the lines of its section
	Section    Section    `yaml:"section"` // default configure
	Role       string     `yaml:"role"`
	Mode       Mode       `yaml:"mode"`
	Ports      string     `yaml:"ports"`
	IPMACs     string     `yaml:"ip-macs"` // as of a Line
	ByHand     bool       `yaml:"by-hand"` // for who types the lines: no form for programs says it
	Confidence Confidence `yaml:"confidence"`
	Source     []string   `yaml:"source"`
}

// Confidence returns the weakest confidence among the lines that a platform
// renders for a multicast-mode cluster in both roles, or of its notes where it
// renders none.
func (p *Platform) Confidence() Confidence {
	var c Confidence
	for _, l := range p.Configure {
		if l.IPMACs != "only" && Applies(l.Role, l.Mode, Both, Multicast) {
			c = c.Weaker(l.Confidence)
		}
	}
	if c == "" {
		for _, n := range p.Notes {
			if n.IPMACs != "only" {
				c = c.Weaker(n.Confidence)
			}
		}
	}
	return c
}

// Value returns the declaration of a value.
func (p *Platform) Value(name string) (*Value, bool) {
	for i := range p.Values {
		if p.Values[i].Name == name {
			return &p.Values[i], true
		}
	}
	return nil, false
}

// InBrackets returns what stands where a value is missing.
func (v *Value) InBrackets() string {
	switch {
	case v.Placeholder != "":
		return "<" + v.Placeholder + ">"
	case v.Name == "port":
		return "<MEMBER-PORTS>"
	}
	return "<" + strings.ToUpper(v.Name) + ">"
}

// BuiltinValues are the names that fields of Values fill.
var BuiltinValues = [...]string{"vlan", "port", "svi", "vrf", "prefix", "group"}

// Builtin stands for the file of a built-in platform.
const Builtin = "built-in"

// UserFile is the file of a platform that is not built in.
func (p *Platform) UserFile() string {
	if p.File == Builtin {
		return ""
	}
	return p.File
}

// MACStyle returns how the platform writes a MAC.
func (p *Platform) MACStyle() mac.Style {
	var s mac.Style
	_ = s.UnmarshalText([]byte(p.Spelling.MAC)) // a platform that was read has been checked
	return s
}

// EntersVIP reports whether the platform has a line that enters a VIP statically
// whatever its MAC, and none of its own for unicast mode.
func (p *Platform) EntersVIP() bool {
	enters := false
	for _, l := range p.Configure {
		if l.Role != "l3" || l.Each != "vip" {
			continue
		}
		if l.Mode == Unicast || l.Mode == AnyMode || l.Mode == RefusedMode {
			return false
		}
		enters = enters || l.Mode == ""
	}
	return enters
}

// Running is how a platform shows the configuration that it runs, where that is
// known well enough to compare it with our lines.
type Running struct {
	Show       string     `yaml:"show"`   // the command that prints it
	Braces     bool       `yaml:"braces"` // it may stand in braces, as of Junos; read as lines that begin with set
	Confidence Confidence `yaml:"confidence"`
	Source     []string   `yaml:"source"`
}

// Also is another spelling of a value that the device prints or takes.
type Also struct {
	Like string `yaml:"like"` // a regular expression that all of it matches, in either case
	Is   string `yaml:"is"`   // the value as lines have it; $1 is the first group of the expression
}

// Clip bounds what an error quotes.
func Clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
