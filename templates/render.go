package templates

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// commentWidth is the widest comment line, for a terminal of 80 columns.
const commentWidth = 78

// Render fills the platform's lines for a device in one role and returns the
// wanted sections in the order of use, all of them or none. Values are judged
// by the platform's own spelling before they enter a line, and no value can
// add one. The error is a *NotNeededError for an ordinary unicast MAC and,
// under Strict, a *MissingError that names every missing value at once.
func (p *Platform) Render(v Values, role Role, sections []Section, o Options) ([]Config, error) {
	r, err := newRender(p, v, role)
	if err != nil {
		return nil, err
	}
	var configs []Config
	var missing []string
	for _, s := range Sections() {
		if !slices.Contains(sections, s) {
			continue
		}
		c, err := r.section(s)
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
	for _, s := range Sections() { // what the sections use that were not asked for
		if !slices.Contains(sections, s) {
			_, _ = r.section(s)
		}
	}
	for i := range configs {
		configs[i].Used = r.usedNames()
	}
	return configs, nil
}

// usedNames are the values that lines have asked for, given or not.
func (r *render) usedNames() []string { return slices.Sorted(maps.Keys(r.used)) }

// render is one rendering of one platform.
type render struct {
	p     *Platform
	v     Values
	mode  Mode
	role  Role
	mac   string
	ports []string // distinct, in the order given, as the lines have them

	portsErr error           // why ports cannot be read as this platform's; it counts where a line names them
	used     map[string]bool // values that lines have asked for, given or not

	arp bool // the lines that enter the VIP statically hold for its unicast MAC too

	trusting bool                      // take any value: a check of the templates
	program  bool                      // what is rendered is for a program
	checked  map[string]string         // values that the platform's spelling has passed
	patterns map[string]*regexp.Regexp // compiled so far
	explain  map[string]bool           // missing values that have been explained

	// Of the section at hand:
	lag       *regexp.Regexp // of spelling.ports.lag, or nil
	lags      bool           // the line at hand is for aggregates alone
	here      []string       // the ports that .Ports names
	sawPorts  bool           // the line at hand used .Ports
	missing   []string
	shortened bool
}

func newRender(p *Platform, v Values, role Role) (*render, error) {
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
	r := &render{
		p: p, v: v, mode: mode, role: role, mac: v.MAC.In(style), used: map[string]bool{},
		arp:     mode == Unicast && v.Refused && p.entersVIP(),
		checked: map[string]string{}, patterns: map[string]*regexp.Regexp{}, explain: map[string]bool{},
	}
	if pattern := p.Spelling.Ports.LAG; pattern != "" {
		if r.lag, err = compile(pattern); err != nil {
			return nil, fmt.Errorf("platform %s, pattern of aggregates: %w", p.Name, err)
		}
	}
	if r.ports, r.portsErr = r.readPorts(v.Ports); r.portsErr != nil {
		r.ports = v.Ports
	}
	return r, r.judgeAll()
}

// blank returns a rendering without a cluster: values are what stands in a line
// for a value, by its name, and ports for the member ports. No pattern judges them.
func blank(p *Platform, m mac.Addr, values map[string]string, ports ...string) *render {
	return &render{p: p, v: Values{MAC: m}, trusting: true, mac: m.In(p.macStyle()), ports: ports, here: ports, checked: values}
}

// What a line or note may say under ports of the kind of member ports that it is for.
const (
	lagPorts      = "lag"      // aggregates
	physicalPorts = "physical" // all others
)

// members returns the member ports that a line is for.
func (r *render) members(ports string) []string {
	if r.lag == nil || ports != lagPorts && ports != physicalPorts {
		return r.ports
	}
	return slices.DeleteFunc(slices.Clone(r.ports), func(p string) bool {
		return r.lag.MatchString(p) != (ports == lagPorts)
	})
}

// entersVIP reports whether the platform has a line that enters a VIP statically
// whatever its MAC, and none of its own for unicast mode.
func (p *Platform) entersVIP() bool {
	enters := false
	for _, l := range p.Configure {
		if l.Role != "l3" || l.Each != "vip" {
			continue
		}
		if l.Mode == Unicast || l.Mode == anyMode || l.Mode == refusedMode {
			return false
		}
		enters = enters || l.Mode == ""
	}
	return enters
}

// narrow leaves a line the member ports that it is for, until the function that
// it returns is called.
func (r *render) narrow(ports string) func() {
	all := r.ports
	r.ports, r.lags = r.members(ports), ports == lagPorts
	return func() { r.ports, r.lags = all, false }
}

// section renders one section.
func (r *render) section(s Section) (Config, error) {
	r.missing, r.shortened = nil, false
	b := &body{r: r, section: s, bare: slices.Contains(r.p.Spelling.Bare, s)}
	if err := b.lines(); err != nil {
		return Config{}, err
	}
	c := Config{Device: r.v.Device, Platform: r.p.Name, File: r.p.userFile(), Section: s, Confidence: b.weakest, Missing: r.missing, Advice: b.count == 0}
	if r.role != Both {
		c.Role = r.role.String()
	}
	if !b.bare {
		c.Comment = r.p.Spelling.Comment
	}
	remarks := r.remarks(s, b)
	if b.bare {
		c.Notes = remarks
		c.Text = b.text.String()
		return r.settle(c), nil
	}
	var text strings.Builder
	for _, remark := range remarks {
		comment(&text, c.Comment, "", remark)
	}
	text.WriteString(b.text.String())
	c.Text = text.String()
	return r.settle(c), nil
}

// settle gives a section without lines the confidence of the platform's notes
// for this mode: it is advice.
func (r *render) settle(c Config) Config {
	if c.Confidence == "" {
		for _, n := range r.p.Notes {
			if n.IPMACs == "only" && (r.mode != Multicast || !isIPGroupMAC(r.v.MAC)) {
				continue
			}
			if n.Mode == anyMode || (n.Mode == Unicast) == (r.mode == Unicast) {
				c.Confidence = c.Confidence.weaker(n.Confidence)
			}
		}
	}
	if c.Confidence == "" || c.Confidence == Refused {
		c.Confidence = Vendor
	}
	return c
}

// wants reports whether something of the platform file belongs into a section
// of this rendering. Saving is the same in every mode.
func (r *render) wants(s Section, of scope) bool {
	if s == Save && of.mode == "" {
		of.mode = anyMode
	}
	switch several := len(r.ports) > 1; of.ports {
	case "one":
		if several {
			return false
		}
	case "several":
		if !several {
			return false
		}
	case lagPorts:
		if len(r.members(of.ports)) == 0 {
			return false
		}
	case physicalPorts: // where no port is known the line stands with a placeholder
		if len(r.ports) > 0 && len(r.members(of.ports)) == 0 {
			return false
		}
	}
	if ip := isIPGroupMAC(r.v.MAC); r.mode == Multicast && (of.ipMACs == "no" && ip || of.ipMACs == "only" && !ip) {
		return false
	}
	switch {
	case of.ipMACs == "also" && r.mode == Multicast && isIPGroupMAC(r.v.MAC):
		of.mode = Multicast
	case of.mode == refusedMode && r.mode == Unicast && r.v.Refused, r.arp && of.mode == "" && of.role == "l3":
		of.mode = anyMode
	}
	return applies(of.role, of.mode, r.role, r.mode)
}

// scope is what something of a platform file holds for.
type scope struct {
	role   string
	mode   Mode
	ports  string
	ipMACs string
}

func (l Line) scope() scope { return scope{l.Role, l.Mode, l.Ports, l.IPMACs} }
func (n Note) scope() scope { return scope{n.Role, n.Mode, n.Ports, n.IPMACs} }

// remarks returns what is said above a section's lines.
func (r *render) remarks(s Section, b *body) []string {
	var out []string
	switch at := r.p.Paste.in(s); {
	case b.count == 0:
		out = append(out, fmt.Sprintf("%s: no line for %s in this role and mode", s, r.p.Name))
	case at != "":
		out = append(out, fmt.Sprintf("%s, in %s", s, at))
	default:
		out = append(out, string(s))
	}
	if s == Configure {
		out = append(out, r.v.Remarks...)
		if r.mode == Multicast && r.role != L3 && isIPGroupMAC(r.v.MAC) {
			out = append(out, unreported)
		}
		if r.mode == Multicast && r.v.Mode == "" && nlb.Classify(r.v.MAC).Kind == nlb.KindIGMP {
			out = append(out, otherIGMP)
		}
		if r.mode == Unicast && r.v.Refused && r.role != L2 {
			out = append(out, r.refusedAdvice())
		}
	}
	out = append(out, r.heads(s)...)
	if s == Configure && b.count == 0 && r.mode == Unicast {
		out = append(out, r.unicastAdvice()...)
	}
	if vrf, ok := r.p.value("vrf"); ok && s == Configure && r.v.VRF != "" && vrf.Unused != "" {
		out = append(out, vrf.Unused)
	}
	for _, name := range r.missing {
		decl, ok := r.p.value(name)
		if ok && decl.Find != "" && !r.explain[name] {
			r.explain[name] = true
			out = append(out, fmt.Sprintf("%s: %s", decl.placeholder(), decl.Find))
		}
	}
	if r.shortened {
		out = append(out, r.shortNote())
	}
	return out
}

// above returns what is said above the lines of a section, without the values that
// they lack, and whether there are any.
func (r *render) above(s Section) (remarks []string, any bool, err error) {
	b := &body{r: r, section: s}
	if err := b.lines(); err != nil {
		return nil, false, err
	}
	r.missing, r.shortened = nil, false
	return r.remarks(s, b), b.count > 0, nil
}

// unreported says what a switch with IGMP snooping makes of a MAC of IP groups that
// nobody reports.
const unreported = "The MAC is one of IP groups, and nothing shows that the members report one: a switch with IGMP snooping can drop the frames, or send them to router ports only. If they do not arrive, turn snooping off in the cluster's VLAN."

// otherIGMP says what to do about a MAC of IGMP mode's form and another VIP.
const otherIGMP = "The MAC has the form of NLB's IGMP mode, but holds the bytes of none of these VIPs, so these are the lines for any group MAC. If it is NLB in IGMP mode: nlbprobe render --mode igmp."

// heads returns the notes that stand above a section.
func (r *render) heads(s Section) []string {
	var out []string
	for _, n := range r.p.Notes {
		if of := cmp.Or(n.Section, Configure); n.Head && of == s && r.wants(s, n.scope()) && (!n.ByHand || !r.program) {
			text := n.Text
			if n.Confidence == Unverified {
				text = "unverified: " + text
			}
			out = append(out, text)
		}
	}
	return out
}

// shortNote says why ports stand there with other names than were given.
func (r *render) shortNote() string {
	return fmt.Sprintf("port names are shortened: a line holds %d characters", r.p.Spelling.Line)
}

// body is the lines of one section while they are written.
type body struct {
	r       *render
	section Section
	bare    bool
	text    strings.Builder
	weakest Confidence
	count   int    // device lines written
	context string // the open context
	inside  bool   // it has lines of its own, which are written
	doubt   string // the doubt that the last line stood under
	seen    bool   // the last line stands under the remark that it was seen on a device
	last    string // the line last written, of which remove needs no second
}

// lines writes the section's lines.
func (b *body) lines() error {
	switch b.section {
	case Verify:
		return b.each(b.r.p.Verify)
	case Save:
		configures := func(l Line) bool { return b.r.wants(Configure, l.scope()) }
		if !slices.ContainsFunc(b.r.p.Configure, configures) {
			return nil
		}
		return b.each(b.r.p.Save)
	case Configure:
		return b.each(b.r.p.Configure)
	}
	undo := slices.Clone(b.r.p.Configure)
	slices.Reverse(undo)
	return b.each(undo)
}

func (b *body) each(lines []Line) error {
	for _, l := range lines {
		if !b.r.wants(b.section, l.scope()) {
			continue
		}
		if err := b.line(l); err != nil {
			if _, known := errors.AsType[*lineFault](err); known {
				return err // it came from a context
			}
			return &lineFault{line: l.Line, error: err}
		}
	}
	return b.enter("")
}

// lineFault is an error with the line or context of the platform file that it
// came from.
type lineFault struct {
	line, context string
	error
}

func (e *lineFault) Unwrap() error { return e.error }

// enter closes the open context and opens another.
func (b *body) enter(name string) error {
	if b.context == name {
		return nil
	}
	if b.context != "" {
		if err := b.bracket(b.context, b.r.p.Contexts[b.context].Close); err != nil {
			return err
		}
	}
	b.context, b.inside, b.doubt, b.seen, b.last = name, false, "", false, ""
	if name == "" {
		return nil
	}
	return b.bracket(name, b.r.p.Contexts[name].Open)
}

// bracket writes what opens or closes a context.
func (b *body) bracket(name, text string) error {
	if text == "" {
		return nil
	}
	out, err := b.r.fill(text, b.r.once())
	if err != nil {
		return &lineFault{context: name, error: err}
	}
	// A context can depend on a value, as one that only a VRF needs: what comes
	// out empty is no line.
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		b.inside = true
		b.weakest = b.weakest.weaker(b.r.p.Contexts[name].Confidence)
		if err := b.write("", line); err != nil {
			return err
		}
	}
	return nil
}

// line writes one line of the platform file: once, or for each VIP or port.
func (b *body) line(l Line) error {
	text, confidence := l.Line, l.Confidence
	if b.section == Remove {
		if l.Undo == "" {
			return b.keep(l)
		}
		text = l.Undo
		if l.UndoConfidence != "" {
			confidence = l.UndoConfidence
		}
	}
	if err := b.enter(l.In); err != nil {
		return err
	}
	if b.section == Remove && l.UndoNote != "" {
		b.comment(l.UndoNote)
	}
	defer b.r.narrow(l.Ports)()
	return b.r.each(l.Each, func(d *lineData) error {
		outs, err := b.r.fit(text, d)
		if err != nil {
			return err
		}
		shows := ""
		if l.Expect != "" && b.section != Configure && b.section != Remove {
			if shows, err = b.r.fill(l.Expect, d); err != nil {
				return err
			}
		}
		if shows != "" && b.section == Save {
			// Above the line: a command that saves may ask, and would take what
			// follows it for the answer.
			b.comment(strings.TrimSpace(shows))
		}
		for _, out := range outs {
			if b.section == Remove && out == b.last {
				continue // two lines made one entry
			}
			b.last = out
			if err := b.add(out, confidence, l.Doubt); err != nil {
				return err
			}
		}
		if shows != "" && b.section == Verify {
			b.comment("  shows: " + strings.TrimSpace(shows))
		}
		return nil
	})
}

// keep says in the remove section what stays.
func (b *body) keep(l Line) error {
	if b.bare {
		return nil
	}
	return b.r.each(l.Each, func(d *lineData) error {
		out, err := b.r.fill(l.Line, d)
		if err != nil {
			return err
		}
		lines := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
		if l.In != "" && l.In != b.context { // not in the mode that the line stands in: name it
			missing := b.r.missing
			open, err := b.r.fill(b.r.p.Contexts[l.In].Open, d)
			if err != nil {
				return err
			}
			b.r.missing = missing // nothing is entered there
			lines = append(strings.FieldsFunc(open, func(r rune) bool { return r == '\n' }), lines...)
		}
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		b.comment(fmt.Sprintf("stays: %s (%s)", strings.Join(lines, "; "), l.Keep))
		return nil
	})
}

// each calls f once, or for each VIP or port.
func (r *render) each(how string, f func(*lineData) error) error {
	var each []*lineData
	switch how {
	case "vip":
		for _, ip := range r.v.VIPs {
			each = append(each, &lineData{r: r, vip: ip})
		}
	case "port":
		for _, p := range r.ports {
			each = append(each, r.forPort(p))
		}
		if len(r.ports) == 0 {
			each = append(each, r.forPort(""))
		}
	default:
		each = append(each, r.once())
	}
	each[len(each)-1].Last = true
	for _, d := range each {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

// once is what the template of a line sees that stands once.
func (r *render) once() *lineData { return &lineData{r: r, vip: r.v.VIPs[0]} }

// forPort is what the template of a line sees that stands once for each port.
func (r *render) forPort(port string) *lineData { return &lineData{r: r, port: port} }

// newBody returns a body of lines of any origin: open, add and shut write it.
func (r *render) newBody() *body { return &body{r: r, section: Configure} }

// open writes what enters a mode.
func (b *body) open(lines []string, c Confidence) error {
	b.doubt, b.seen = "", false
	b.weakest = b.weakest.weaker(c)
	for _, line := range lines {
		if err := b.write("", line); err != nil {
			return err
		}
	}
	b.inside = len(lines) > 0
	return nil
}

// shut writes what leaves a mode.
func (b *body) shut(lines []string) error {
	b.inside = false
	for _, line := range lines {
		if err := b.write("", line); err != nil {
			return err
		}
	}
	return nil
}

// add writes a line or a block, below what is to be said of its confidence.
func (b *body) add(text string, c Confidence, doubt string) error {
	b.mark(c, doubt)
	b.weakest = b.weakest.weaker(c)
	return b.write(b.indent(), text)
}

func (b *body) indent() string {
	if !b.inside {
		return ""
	}
	return b.r.p.Spelling.Indent
}

// write adds lines, each within the platform's limit.
func (b *body) write(indent, out string) error {
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
		line = strings.TrimRight(indent+line, " ")
		if most := b.r.p.Spelling.Line; most > 0 && len(line) > most {
			return &LongLineError{Platform: b.r.p.Name, Length: len(line), Most: most}
		}
		b.text.WriteString(line + "\n")
		b.count++
	}
	return nil
}

// mark writes the comment that stands above a line which no document of the
// vendor has: of one that devices were seen to take, once for a row of them,
// where it changes the device.
func (b *body) mark(c Confidence, doubt string) {
	if c == Unverified {
		b.warn(doubt)
	}
	seen := c == Field && b.section != Verify && b.section != Save
	if seen && !b.seen {
		b.comment("seen on a device, not in a document of the vendor")
	}
	b.seen = seen
}

// warn writes the comment that stands above an unverified line.
func (b *body) warn(doubt string) {
	if doubt == "" {
		doubt = "unverified syntax: check on the device"
	} else {
		doubt = "unverified: " + doubt
	}
	if b.doubt == doubt {
		b.comment("unverified: as above")
		return
	}
	b.comment(doubt)
	b.doubt = doubt
}

// comment writes a remark between lines, if the section can hold it.
func (b *body) comment(text string) {
	if !b.bare {
		comment(&b.text, b.r.p.Spelling.Comment, b.indent(), text)
	}
}

// comment writes text as comment lines, broken between words.
func comment(w *strings.Builder, start, indent, text string) {
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line := ""
	flush := func() {
		w.WriteString(strings.TrimRight(indent+start+lead+line, " ") + "\n")
		line = ""
	}
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indent)+len(start)+len(lead)+len(line)+1+len(word) > commentWidth {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// fill executes one template. The text has as many lines as the template.
func (r *render) fill(text string, d *lineData) (string, error) {
	t, err := r.p.line(text)
	if err != nil {
		return "", fmt.Errorf("platform %s: %w", r.p.Name, err)
	}
	var out strings.Builder
	if err := t.Execute(&out, d); err != nil {
		return "", r.cause(err)
	}
	if strings.Count(out.String(), "\n") != strings.Count(text, "\n") {
		return "", fmt.Errorf("platform %s: a value would add a line", r.p.Name)
	}
	return out.String(), nil
}

// cause takes the template's position off an error of ours: it stands inside
// an ExecError and the text that the package puts before it.
func (r *render) cause(err error) error {
	if e, ok := errors.AsType[template.ExecError](err); ok {
		if inner := errors.Unwrap(e.Err); inner != nil {
			return inner
		}
	}
	_, reason, found := strings.Cut(err.Error(), " at <")
	if !found {
		return fmt.Errorf("platform %s: %w", r.p.Name, err)
	}
	return fmt.Errorf("platform %s: <%s", r.p.Name, strings.TrimSuffix(reason, " in type *templates.lineData"))
}

// Outline returns a template of the platform with a placeholder for every
// value, for people to read.
func (p *Platform) Outline(text string) string {
	r := blank(p, mac.Addr{}, map[string]string{"vrf": "<VRF>", "group": "<GROUP>"})
	r.mac = "<MAC>"
	out, err := r.fill(text, &lineData{r: r, Last: true})
	if err != nil {
		return text // as the file has it: a built-in one is tested, a user's was checked
	}
	return out
}
