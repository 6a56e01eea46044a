package templates

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/nlbprobe/nlbprobe/mac"
)

// commentWidth is the widest comment line, for a terminal of 80 columns.
const commentWidth = 78

// Render fills the platform's lines for a device in one role and returns the
// wanted sections in the order of use, all of them or none. Values are judged
// by the platform's own spelling before they enter a line, and no value can
// add one. The error is a *NotNeededError for a unicast MAC and, under Strict,
// a *MissingError that names every missing value at once.
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
	return configs, nil
}

// render is one rendering of one platform.
type render struct {
	p     *Platform
	v     Values
	mode  Mode
	role  Role
	mac   string
	ports []string // distinct, in the order given

	trusting bool                      // take any value: a check of the templates
	checked  map[string]string         // values that the platform's spelling has passed
	patterns map[string]*regexp.Regexp // compiled so far
	explain  map[string]bool           // missing values that have been explained

	// Of the section at hand:
	here      []string // the ports that .Ports names
	sawPorts  bool     // the line at hand used .Ports
	missing   []string
	shortened bool
}

func newRender(p *Platform, v Values, role Role) (*render, error) {
	mode, err := ModeOf(v.MAC)
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
	return &render{
		p: p, v: v, mode: mode, role: role, mac: v.MAC.In(style), ports: distinct(&p.Spelling, v.Ports),
		checked: map[string]string{}, patterns: map[string]*regexp.Regexp{}, explain: map[string]bool{},
	}, nil
}

// section renders one section.
func (r *render) section(s Section) (Config, error) {
	r.missing, r.shortened = nil, false
	b := &body{r: r, section: s, bare: slices.Contains(r.p.Spelling.Bare, s)}
	if err := b.lines(); err != nil {
		return Config{}, err
	}
	c := Config{Platform: r.p.Name, Section: s, Confidence: b.weakest, Missing: r.missing}
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
		return c.settle(r.p), nil
	}
	var text strings.Builder
	for _, remark := range remarks {
		comment(&text, c.Comment, "", remark)
	}
	text.WriteString(b.text.String())
	c.Text = text.String()
	return c.settle(r.p), nil
}

// settle gives a section without lines the confidence of the platform's notes:
// it is advice.
func (c Config) settle(p *Platform) Config {
	if c.Confidence == "" {
		for _, n := range p.Notes {
			c.Confidence = c.Confidence.weaker(n.Confidence)
		}
	}
	if c.Confidence == "" || c.Confidence == Refused {
		c.Confidence = Vendor
	}
	return c
}

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
	for _, n := range r.p.Notes {
		if of := cmp.Or(n.Section, Configure); n.Head && of == s && applies(n.Role, n.Mode, r.role, r.mode) {
			text := n.Text
			if n.Confidence == Unverified {
				text = "unverified: " + text
			}
			out = append(out, text)
		}
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
		out = append(out, fmt.Sprintf("port names are shortened: a line holds %d characters", r.p.Spelling.Line))
	}
	return out
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
	doubt   string // the doubt that the last line stood under
}

// lines writes the section's lines.
func (b *body) lines() error {
	switch b.section {
	case Verify:
		return b.each(b.r.p.Verify)
	case Save:
		configures := func(l Line) bool { return applies(l.Role, l.Mode, b.r.role, b.r.mode) }
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
		if !applies(l.Role, l.Mode, b.r.role, b.r.mode) {
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
	b.context, b.doubt = name, ""
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
	out, err := b.r.fill(text, &lineData{r: b.r, vip: b.r.v.VIPs[0]})
	if err != nil {
		return &lineFault{context: name, error: err}
	}
	b.weakest = b.weakest.weaker(b.r.p.Contexts[name].Confidence)
	return b.write("", out)
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
	return b.repeat(l, func(d *lineData) error {
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
			if confidence == Unverified {
				b.warn(l.Doubt)
			}
			b.weakest = b.weakest.weaker(confidence)
			if err := b.write(b.indent(), out); err != nil {
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
	return b.repeat(l, func(d *lineData) error {
		out, err := b.r.fill(l.Line, d)
		if err != nil {
			return err
		}
		b.comment(fmt.Sprintf("stays: %s (%s)", strings.Join(strings.Fields(out), " "), l.Keep))
		return nil
	})
}

// repeat calls f once, or for each VIP or port.
func (b *body) repeat(l Line, f func(*lineData) error) error {
	var each []*lineData
	switch l.Each {
	case "vip":
		for _, ip := range b.r.v.VIPs {
			each = append(each, &lineData{r: b.r, vip: ip})
		}
	case "port":
		for _, p := range b.r.ports {
			each = append(each, &lineData{r: b.r, port: p})
		}
		if len(b.r.ports) == 0 {
			each = append(each, &lineData{r: b.r})
		}
	default:
		each = append(each, &lineData{r: b.r, vip: b.r.v.VIPs[0]})
	}
	each[len(each)-1].Last = true
	for _, d := range each {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

func (b *body) indent() string {
	if b.context == "" {
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

// LongLineError says that the ports do not fit into one line.
type LongLineError struct {
	Platform     string
	Length, Most int // bytes
}

func (e *LongLineError) Error() string {
	return fmt.Sprintf("%s takes lines of at most %d characters and these ports make one of %d, even with short names; a second line could replace the first, so name port-channels instead of their members, or fewer ports",
		e.Platform, e.Most, e.Length)
}

// fit fills a line's template so that it keeps the platform's limits: first as
// given, then with short port names, then, where a further line adds to the
// first, in several lines.
func (r *render) fit(text string, d *lineData) ([]string, error) {
	r.sawPorts = false
	r.here = r.ports
	out, err := r.fill(text, d)
	if err != nil || !r.sawPorts || len(r.ports) == 0 || r.fits(out, r.ports) {
		return []string{out}, err
	}
	s := &r.p.Spelling
	short := make([]string, len(r.ports))
	for i, p := range r.ports {
		short[i] = shorten(s, p)
	}
	r.here = short
	if out, err = r.fill(text, d); err != nil {
		return nil, err
	}
	if r.fits(out, short) {
		r.shortened = true
		return []string{out}, nil
	}
	if !s.Ports.Split {
		if s.Ports.Most > 0 && len(short) > s.Ports.Most {
			return nil, fmt.Errorf("%s takes %d ports in a command and %d are given; a second command could replace the first", r.p.Name, s.Ports.Most, len(short))
		}
		return nil, &LongLineError{Platform: r.p.Name, Length: longest(out), Most: s.Line}
	}
	return r.split(text, d, r.ports)
}

// split fills as many lines as the ports need.
func (r *render) split(text string, d *lineData, ports []string) ([]string, error) {
	var outs []string
	for len(ports) > 0 {
		n := len(ports)
		if most := r.p.Spelling.Ports.Most; most > 0 {
			n = min(n, most)
		}
		for {
			r.here = ports[:n]
			out, err := r.fill(text, d)
			if err != nil {
				return nil, err
			}
			if r.fits(out, r.here) {
				outs = append(outs, out)
				break
			}
			if n == 1 {
				return nil, &LongLineError{Platform: r.p.Name, Length: longest(out), Most: r.p.Spelling.Line}
			}
			n--
		}
		ports = ports[n:]
	}
	return outs, nil
}

// fits reports whether a filled text keeps the platform's limits.
func (r *render) fits(out string, ports []string) bool {
	s := &r.p.Spelling
	return (s.Line == 0 || len(s.Indent)+longest(out) <= s.Line) && (s.Ports.Most == 0 || len(ports) <= s.Ports.Most)
}

func longest(text string) int {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n = max(n, len(line))
	}
	return n
}

// fill executes one template. The text has as many lines as the template.
func (r *render) fill(text string, d *lineData) (string, error) {
	t, err := parseLine(text)
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

// lineData is what a template sees.
type lineData struct {
	r    *render
	vip  netip.Addr
	port string

	// Last is true for the last VIP or port of a line that is repeated.
	Last bool
}

// VIP is the VIP of a line that stands once for each; else the first one.
func (d *lineData) VIP() string {
	if !d.vip.IsValid() {
		return "<VIP>"
	}
	return d.vip.String()
}

// MAC is the cluster's MAC address as the platform writes it.
func (d *lineData) MAC() string { return d.r.mac }

// VLAN is the VLAN id.
func (d *lineData) VLAN() (string, error) { return d.Get("vlan") }

// SVI is the interface that routes the VLAN.
func (d *lineData) SVI() (string, error) { return d.Get("svi") }

// Prefix is the SVI's address with its prefix length.
func (d *lineData) Prefix() (string, error) { return d.Get("prefix") }

// Group is the IPv4 group of an IGMP-mode cluster.
func (d *lineData) Group() (string, error) { return d.Get("group") }

// VRF is the VRF, or "" for the global table.
func (d *lineData) VRF() (string, error) { return d.r.known("vrf") }

// Port is the port of a line that stands once for each.
func (d *lineData) Port() (string, error) {
	if d.port == "" {
		return d.r.lacks("port", "<MEMBER-PORT>")
	}
	return d.r.spelled(d.port)
}

// Ports is all member ports as one line names them.
func (d *lineData) Ports() (string, error) {
	d.r.sawPorts = true
	if len(d.r.ports) == 0 {
		return d.r.lacks("port", "")
	}
	out := make([]string, len(d.r.here))
	for i, p := range d.r.here {
		var err error
		if out[i], err = d.r.spelled(p); err != nil {
			return "", err
		}
	}
	return strings.Join(out, d.r.p.Spelling.Ports.Join), nil
}

// Get is a value by its name in the platform file: as given, by default, or a
// placeholder.
func (d *lineData) Get(name string) (string, error) {
	s, err := d.r.known(name)
	if err != nil || s != "" {
		return s, err
	}
	decl, _ := d.r.p.value(name)
	if decl.Default != "" {
		return d.r.fill(decl.Default, d)
	}
	return d.r.lacks(name, decl.placeholder())
}

// spelled judges one port.
func (r *render) spelled(port string) (string, error) {
	decl, ok := r.p.value("port")
	if !ok {
		return "", fmt.Errorf("platform %s does not say how it writes a port", r.p.Name)
	}
	return port, r.judge(decl, port)
}

// lacks notes that a value is missing and returns its placeholder.
func (r *render) lacks(name, placeholder string) (string, error) {
	decl, ok := r.p.value(name)
	if !ok {
		return "", fmt.Errorf("platform %s does not say what value %q is", r.p.Name, name)
	}
	if !slices.Contains(r.missing, name) {
		r.missing = append(r.missing, name)
	}
	if placeholder == "" || name == "port" && decl.Placeholder != "" {
		return decl.placeholder(), nil
	}
	return placeholder, nil
}

// Outline returns a template of the platform with a placeholder for every
// value, for people to read.
func (p *Platform) Outline(text string) string {
	r := &render{p: p, trusting: true, mac: "<MAC>", checked: map[string]string{"vrf": "<VRF>", "group": "<GROUP>"}}
	out, err := r.fill(text, &lineData{r: r, Last: true})
	if err != nil {
		return text // as the file has it: a built-in one is tested, a user's was checked
	}
	return out
}
