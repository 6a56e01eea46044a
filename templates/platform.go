package templates

import (
	"slices"
	"strings"
	"sync"
	"text/template"
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

// rank orders degrees of confidence; a higher one is weaker.
func (c Confidence) rank() int {
	return slices.Index([]Confidence{"", Refused, Vendor, Field, Unverified}, c)
}

// weaker returns the weaker of two degrees.
func (c Confidence) weaker(d Confidence) Confidence {
	if d.rank() > c.rank() {
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

// line returns the template of one line.
func (p *Platform) line(text string) (*template.Template, error) {
	if t, ok := p.parsed.Load(text); ok {
		return t.(*template.Template), nil
	}
	t, err := parseLine(text)
	if err == nil {
		p.parsed.Store(text, t)
	}
	return t, err
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

// in returns the place of one section.
func (p Paste) in(s Section) string {
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

// applies reports whether something for one role and mode is wanted.
func applies(forRole string, forMode Mode, role Role, mode Mode) bool {
	switch {
	case forMode == anyMode, forMode == mode, forMode == "" && mode != Unicast:
	default:
		return false
	}
	switch forRole {
	case "l3":
		return role != L2
	case "l2":
		return role != L3
	case "l2-only":
		return role == L2
	case "both":
		return role == Both
	}
	return true
}

// Confidence returns the weakest confidence among the lines that a platform
// renders for a multicast-mode cluster in both roles, or of its notes where it
// renders none.
func (p *Platform) Confidence() Confidence {
	var c Confidence
	for _, l := range p.Configure {
		if l.IPMACs != "only" && applies(l.Role, l.Mode, Both, Multicast) {
			c = c.weaker(l.Confidence)
		}
	}
	if c == "" {
		for _, n := range p.Notes {
			if n.IPMACs != "only" {
				c = c.weaker(n.Confidence)
			}
		}
	}
	return c
}

// value returns the declaration of a value.
func (p *Platform) value(name string) (*Value, bool) {
	for i := range p.Values {
		if p.Values[i].Name == name {
			return &p.Values[i], true
		}
	}
	return nil, false
}

// placeholder returns what stands where a value is missing.
func (v *Value) placeholder() string {
	switch {
	case v.Placeholder != "":
		return "<" + v.Placeholder + ">"
	case v.Name == "port":
		return "<MEMBER-PORTS>"
	}
	return "<" + strings.ToUpper(v.Name) + ">"
}
