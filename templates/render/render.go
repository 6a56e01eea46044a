// Package render writes the lines of a platform for a cluster.
//
// A Rendering is one platform with the values of one cluster in one role. Values are
// judged by the platform's own spelling before they enter a line, and none can add
// one. Sections gives whole texts; the other methods are for those who read the same
// lines again or put them into documents.
package render

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// Sections fills the platform's lines for a device in one role and returns the
// wanted sections in the order of use, all of them or none. Values are judged
// by the platform's own spelling before they enter a line, and no value can
// add one. The error is a *NotNeededError for an ordinary unicast MAC and,
// under Strict, a *MissingError that names every missing value at once.
func Sections(p *platform.Platform, v Values, role platform.Role, sections []platform.Section, o Options) ([]Config, error) {
	r, err := New(p, v, role)
	if err != nil {
		return nil, err
	}
	var configs []Config
	var missing []string
	for _, s := range platform.Sections() {
		if !slices.Contains(sections, s) {
			continue
		}
		c, err := r.Section(s)
		if err != nil {
			return nil, err
		}
		configs = append(configs, c)
		for _, name := range c.Missing {
			if !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
	}
	if o.Strict && len(missing) > 0 {
		return nil, &MissingError{Platform: p.Name, Names: missing}
	}
	for _, s := range platform.Sections() { // what the sections use that were not asked for
		if !slices.Contains(sections, s) {
			_, _ = r.Section(s)
		}
	}
	for i := range configs {
		configs[i].Used = r.UsedNames()
	}
	return configs, nil
}

// UsedNames are the values that lines have asked for, given or not.
func (r *Rendering) UsedNames() []string { return slices.Sorted(maps.Keys(r.used)) }

// Rendering is one rendering of one platform.
type Rendering struct {
	Platform *platform.Platform
	Values   Values
	mode     platform.Mode
	Role     platform.Role
	MAC      string
	Ports    []string // distinct, in the order given, as the lines have them

	portsErr error           // why ports cannot be read as this platform's; it counts where a line names them
	used     map[string]bool // values that lines have asked for, given or not

	arp bool // the lines that enter the VIP statically hold for its unicast MAC too

	Trusting   bool                      // take any value: a check of the templates
	ForProgram bool                      // what is rendered is for a program
	checked    map[string]string         // values that the platform's spelling has passed
	patterns   map[string]*regexp.Regexp // compiled so far
	explain    map[string]bool           // missing values that have been explained

	// Of the section at hand:
	lag       *regexp.Regexp // of spelling.ports.lag, or nil
	lags      bool           // the line at hand is for aggregates alone
	here      []string       // the ports that .Ports names
	SawPorts  bool           // the line at hand used .Ports
	Missing   []string
	Shortened bool
}

// New returns a rendering of a platform for one role. It is an error if a value is of
// no meaning on any platform.
func New(p *platform.Platform, v Values, role platform.Role) (*Rendering, error) {
	mode, err := v.mode()
	if err != nil {
		return nil, err
	}
	if v, err = v.check(); err != nil {
		return nil, err
	}
	var style mac.Style
	if err := style.UnmarshalText([]byte(p.Spelling.MAC)); err != nil {
		return nil, fmt.Errorf("platform %s: %w", p.Name, err)
	}
	r := &Rendering{
		Platform: p, Values: v, mode: mode, Role: role, MAC: v.MAC.In(style), used: map[string]bool{},
		arp:     mode == platform.Unicast && v.Refused && p.EntersVIP(),
		checked: map[string]string{}, patterns: map[string]*regexp.Regexp{}, explain: map[string]bool{},
	}
	if pattern := p.Spelling.Ports.LAG; pattern != "" {
		if r.lag, err = platform.CompilePattern(pattern); err != nil {
			return nil, fmt.Errorf("platform %s, pattern of aggregates: %w", p.Name, err)
		}
	}
	if r.Ports, r.portsErr = r.readPorts(v.Ports); r.portsErr != nil {
		r.Ports = v.Ports
	}
	return r, r.judgeAll()
}

// Blank returns a rendering without a cluster: values are what stands in a line
// for a value, by its name, and ports for the member ports. No pattern judges them.
func Blank(p *platform.Platform, m mac.Addr, values map[string]string, ports ...string) *Rendering {
	return &Rendering{Platform: p, Values: Values{MAC: m}, Trusting: true, MAC: m.In(p.MACStyle()), Ports: ports, here: ports, checked: values}
}

// members returns the member ports that a line is for.
func (r *Rendering) members(ports string) []string {
	if r.lag == nil || ports != platform.LAGPorts && ports != platform.PhysicalPorts {
		return r.Ports
	}
	return slices.DeleteFunc(slices.Clone(r.Ports), func(p string) bool {
		return r.lag.MatchString(p) != (ports == platform.LAGPorts)
	})
}

// Narrow leaves a line the member ports that it is for, until the function that
// it returns is called.
func (r *Rendering) Narrow(ports string) func() {
	all := r.Ports
	r.Ports, r.lags = r.members(ports), ports == platform.LAGPorts
	return func() { r.Ports, r.lags = all, false }
}

// Section renders one section.
func (r *Rendering) Section(s platform.Section) (Config, error) {
	r.Missing, r.Shortened = nil, false
	b := &Body{r: r, section: s, bare: slices.Contains(r.Platform.Spelling.Bare, s)}
	if err := b.lines(); err != nil {
		return Config{}, err
	}
	c := Config{Device: r.Values.Device, Platform: r.Platform.Name, File: r.Platform.UserFile(), Section: s, Confidence: b.Weakest, Missing: r.Missing, Advice: b.count == 0}
	if r.Role != platform.Both {
		c.Role = r.Role.String()
	}
	if !b.bare {
		c.Comment = r.Platform.Spelling.Comment
	}
	remarks := r.remarks(s, b)
	if b.bare {
		c.Notes = remarks
		c.Text = b.Text.String()
		return r.Settle(c), nil
	}
	var text strings.Builder
	for _, remark := range remarks {
		Comment(&text, c.Comment, "", remark)
	}
	text.WriteString(b.Text.String())
	c.Text = text.String()
	return r.Settle(c), nil
}

// Settle gives a section without lines the confidence of the platform's notes
// for this mode: it is advice.
func (r *Rendering) Settle(c Config) Config {
	if c.Confidence == "" {
		for _, n := range r.Platform.Notes {
			if n.IPMACs == "only" && (r.mode != platform.Multicast || !isIPGroupMAC(r.Values.MAC)) {
				continue
			}
			if n.Mode == platform.AnyMode || (n.Mode == platform.Unicast) == (r.mode == platform.Unicast) {
				c.Confidence = c.Confidence.Weaker(n.Confidence)
			}
		}
	}
	if c.Confidence == "" || c.Confidence == platform.Refused {
		c.Confidence = platform.Vendor
	}
	return c
}

// Wants reports whether something of the platform file belongs into a section
// of this rendering. Saving is the same in every mode.
func (r *Rendering) Wants(s platform.Section, of platform.Scope) bool {
	if s == platform.Save && of.Mode == "" {
		of.Mode = platform.AnyMode
	}
	switch several := len(r.Ports) > 1; of.Ports {
	case "one":
		if several {
			return false
		}
	case "several":
		if !several {
			return false
		}
	case platform.LAGPorts:
		if len(r.members(of.Ports)) == 0 {
			return false
		}
	case platform.PhysicalPorts: // where no port is known the line stands with a placeholder
		if len(r.Ports) > 0 && len(r.members(of.Ports)) == 0 {
			return false
		}
	}
	if ip := isIPGroupMAC(r.Values.MAC); r.mode == platform.Multicast && (of.IPMACs == "no" && ip || of.IPMACs == "only" && !ip) {
		return false
	}
	switch {
	case of.IPMACs == "also" && r.mode == platform.Multicast && isIPGroupMAC(r.Values.MAC):
		of.Mode = platform.Multicast
	case of.Mode == platform.RefusedMode && r.mode == platform.Unicast && r.Values.Refused, r.arp && of.Mode == "" && of.Role == "l3":
		of.Mode = platform.AnyMode
	}
	return platform.Applies(of.Role, of.Mode, r.Role, r.mode)
}

// remarks returns what is said above a section's lines.
func (r *Rendering) remarks(s platform.Section, b *Body) []string {
	var out []string
	switch at := r.Platform.Paste.In(s); {
	case b.count == 0:
		out = append(out, fmt.Sprintf("%s: no line for %s in this role and mode", s, r.Platform.Name))
	case at != "":
		out = append(out, fmt.Sprintf("%s, in %s", s, at))
	default:
		out = append(out, string(s))
	}
	if s == platform.Configure {
		out = append(out, r.Values.Remarks...)
		if r.mode == platform.Multicast && r.Role != platform.L3 && isIPGroupMAC(r.Values.MAC) {
			out = append(out, unreported)
		}
		if r.mode == platform.Multicast && r.Values.Mode == "" && nlb.Classify(r.Values.MAC).Kind == nlb.KindIGMP {
			out = append(out, otherIGMP)
		}
		if r.mode == platform.Unicast && r.Values.Refused && r.Role != platform.L2 {
			out = append(out, r.refusedAdvice())
		}
	}
	out = append(out, r.Heads(s)...)
	if s == platform.Configure && b.count == 0 && r.mode == platform.Unicast {
		out = append(out, r.unicastAdvice()...)
	}
	if vrf, ok := r.Platform.Value("vrf"); ok && s == platform.Configure && r.Values.VRF != "" && vrf.Unused != "" {
		out = append(out, vrf.Unused)
	}
	for _, name := range r.Missing {
		decl, ok := r.Platform.Value(name)
		if ok && decl.Find != "" && !r.explain[name] {
			r.explain[name] = true
			out = append(out, fmt.Sprintf("%s: %s", decl.InBrackets(), decl.Find))
		}
	}
	if r.Shortened {
		out = append(out, r.ShortNote())
	}
	return out
}

// Above returns what is said above the lines of a section, without the values that
// they lack, and whether there are any.
func (r *Rendering) Above(s platform.Section) (remarks []string, lines bool, err error) {
	b := &Body{r: r, section: s}
	if err := b.lines(); err != nil {
		return nil, false, err
	}
	r.Missing, r.Shortened = nil, false
	return r.remarks(s, b), b.count > 0, nil
}

// unreported says what a switch with IGMP snooping makes of a MAC of IP groups that
// nobody reports.
const unreported = "The MAC is one of IP groups, and nothing shows that the members report one: a switch with IGMP snooping can drop the frames, or send them to router ports only. If they do not arrive, turn snooping off in the cluster's VLAN."

// otherIGMP says what to do about a MAC of IGMP mode's form and another VIP.
const otherIGMP = "The MAC has the form of NLB's IGMP mode, but holds the bytes of none of these VIPs, so these are the lines for any group MAC. If it is NLB in IGMP mode: nlbprobe render --mode igmp."

// Heads returns the notes that stand above a section.
func (r *Rendering) Heads(s platform.Section) []string {
	var out []string
	for _, n := range r.Platform.Notes {
		if of := cmp.Or(n.Section, platform.Configure); n.Head && of == s && r.Wants(s, n.Scope()) && (!n.ByHand || !r.ForProgram) {
			text := n.Text
			if n.Confidence == platform.Unverified {
				text = "unverified: " + text
			}
			out = append(out, text)
		}
	}
	return out
}

// ShortNote says why ports stand there with other names than were given.
func (r *Rendering) ShortNote() string {
	return fmt.Sprintf("port names are shortened: a line holds %d characters", r.Platform.Spelling.Line)
}

// Each calls f once, or for each VIP or port.
func (r *Rendering) Each(how string, f func(*Data) error) error {
	var each []*Data
	switch how {
	case "vip":
		for _, ip := range r.Values.VIPs {
			each = append(each, &Data{r: r, vip: ip})
		}
	case "port":
		for _, p := range r.Ports {
			each = append(each, r.ForPort(p))
		}
		if len(r.Ports) == 0 {
			each = append(each, r.ForPort(""))
		}
	default:
		each = append(each, r.Once())
	}
	each[len(each)-1].Last = true
	for _, d := range each {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

// Once is what the template of a line sees that stands once.
func (r *Rendering) Once() *Data { return &Data{r: r, vip: r.Values.VIPs[0]} }

// ForPort is what the template of a line sees that stands once for each port.
func (r *Rendering) ForPort(port string) *Data { return &Data{r: r, port: port} }
