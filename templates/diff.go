package templates

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
)

// diffSection is the section of what Diff returns.
const diffSection Section = "diff"

// Diff compares what Render gives to configure with a configuration, and
// returns the lines that make the one of the other: first what must go, then
// what is missing. The text is empty where nothing is to do. An entry belongs
// to the cluster if it names its MAC, its group or one of its VIPs; what Diff
// does not take for the cluster's it leaves alone, and says so in the notes
// where it names the cluster's MAC.
//
// A configuration may be what the device shows, where the platform's file says
// how that looks, or the lines of an earlier run; Diff tells other files with an
// *OldError. It needs every value (a *MissingError names those that lack).
func (p *Platform) Diff(v Values, role Role, old Old) (Config, error) {
	patterns, err := p.patterns()
	if err != nil {
		return Config{}, err
	}
	return p.diff(patterns, v, role, old)
}

func (p *Platform) diff(patterns []pattern, v Values, role Role, old Old) (Config, error) {
	c := Config{Device: v.Device, Platform: p.Name, File: p.userFile(), Section: diffSection, Comment: p.Spelling.Comment}
	if role != Both {
		c.Role = role.String()
	}
	if slices.Contains(p.Spelling.Bare, Configure) {
		return c, fmt.Errorf("%s is configured by objects and not by lines: there is nothing that --diff could compare", p.Name)
	}
	r, err := newRender(p, v, role)
	if err != nil {
		return c, err
	}
	want, err := r.targets(patterns)
	if err != nil {
		return c, err
	}
	if len(r.missing) > 0 {
		return c, &MissingError{Platform: p.Name, Names: r.missing}
	}
	c.Used = r.usedNames()
	lines, err := old.lines(p)
	if err != nil {
		return c, err
	}
	have := p.entries(lines, patterns)
	if p.Running.Show == "" {
		if at := p.foreign(lines, patterns); len(at) > 0 {
			return c, &OldError{Name: old.Name, Line: at[0], Reason: "not a line that is printed for " + p.Name +
				"; how that platform shows its configuration is not established, so that only the lines of an earlier run can be compared"}
		}
	}
	d := &differ{r: r, want: want, have: have, vips: map[string]bool{}, back: map[string]bool{}}
	for _, ip := range r.v.VIPs {
		d.vips[ip.String()] = true
	}
	if d.place, err = r.place(); err != nil {
		return c, err
	}
	if err := d.compare(); err != nil {
		return c, err
	}
	d.unread(lines, patterns)
	c.Notes = d.notes()
	if c.Text, c.Confidence, err = d.write(); c.Confidence == "" {
		c.Confidence = Vendor // there is no line to doubt
	}
	return c, err
}

// target is an entry that is to be, with what its line is written from.
type target struct {
	entry
	line Line
	data *lineData
}

// targets returns the entries of the configure section.
func (r *render) targets(patterns []pattern) ([]target, error) {
	var all []target
	at := map[string]int{}
	for i, l := range r.p.Configure {
		if !r.wants(Configure, l.scope()) {
			continue
		}
		t := r.pattern(patterns, i)
		widen := r.narrow(l.Ports)
		err := r.each(l.Each, func(d *lineData) error {
			e, err := r.entry(t, l, d)
			if err != nil || len(r.missing) > 0 {
				return err
			}
			if _, twice := at[e.key]; !twice {
				at[e.key] = len(all)
				all = append(all, target{e, l, d})
			}
			return nil
		})
		widen()
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// pattern returns the pattern of one line of the platform's file, with the VRF
// where one is given.
func (r *render) pattern(patterns []pattern, line int) *pattern {
	best := -1
	for i := range patterns {
		if patterns[i].line == line && (best < 0 || patterns[i].vrf == (r.v.VRF != "")) {
			best = i
		}
	}
	return &patterns[best]
}

// entry reads the entry that a line makes from the line itself, so that what is
// to be and what is there are read alike.
func (r *render) entry(t *pattern, l Line, d *lineData) (entry, error) {
	e := entry{of: t, values: values{by: map[string]string{}}}
	outs, err := r.fit(l.Line, d)
	if err != nil {
		return e, err
	}
	opens, err := r.lines(r.p.Contexts[l.In].Open)
	if err != nil || len(r.missing) > 0 {
		return e, err
	}
	unread := fmt.Errorf("platform %s: its file does not say how the line %q is read again", r.p.Name, clip(outs[0]))
	for i, line := range opens {
		if i >= len(t.open) || !t.open[i].read(r.p, strings.TrimSpace(line), &e.values) {
			return e, unread
		}
	}
	for _, out := range outs {
		for i, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
			f := &t.forms[0].head
			if i > 0 && i <= len(t.forms[0].kids) {
				f = &t.forms[0].kids[i-1]
			}
			if i > len(t.forms[0].kids) {
				break // it only leaves a mode
			}
			if !f.read(r.p, strings.TrimSpace(line), &e.values) {
				return e, unread
			}
		}
	}
	e.ports = r.p.Spelling.distinct(e.ports)
	e.key = t.key(r.p, &e.values)
	return e, nil
}

// lines returns what opens or closes a context, for the values given.
func (r *render) lines(text string) ([]string, error) {
	out, err := r.fill(text, r.once())
	var all []string
	for line := range strings.SplitSeq(out, "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			all = append(all, line)
		}
	}
	return all, err
}

// place returns the VRF, the SVI and the VLAN of the cluster, as far as they are
// given or follow from what is.
func (r *render) place() (map[string]string, error) {
	place := map[string]string{}
	for _, name := range []string{"vrf", "svi", "vlan"} {
		decl, ok := r.p.value(name)
		if !ok || decl.Unused != "" {
			continue
		}
		text, err := r.known(name)
		if err != nil {
			return nil, err
		}
		if text == "" && decl.Default != "" {
			missing := r.missing
			if text, err = r.fill(decl.Default, r.once()); err != nil {
				return nil, err
			}
			if len(r.missing) > len(missing) {
				text, r.missing = "", missing
			}
		}
		place[name] = text
	}
	return place, nil
}

// differ compares the entries that are to be with those that are there.
type differ struct {
	r      *render
	want   []target
	have   []entry
	vips   map[string]bool
	back   map[string]bool   // the effects of gone
	place  map[string]string // where the VIPs are: VRF, SVI and VLAN
	former map[mac.Addr]bool // MACs that the cluster had and is not to keep
	alone  bool              // the configuration is all this cluster's
	gone   []change
	come   []change
	left   []string // what is left alone although it may be the cluster's
}

// change is what is to be entered for one entry.
type change struct {
	line       int    // of the platform's file
	context    string // its name; empty for none
	open, shut []string
	text       []string
	remarks    []string
	doubt      string
	confidence Confidence
}

// effect is what a change enters, and where: the same again has no effect.
func (c *change) effect() string { return strings.Join(slices.Concat(c.open, c.text), "\n") }

// compare finds what must go and what must come.
func (d *differ) compare() error {
	d.r.shortened = false // of lines that need not come
	d.formerMACs()
	there, wanted := map[string]*entry{}, map[string]bool{}
	for i := range d.want {
		wanted[d.want[i].key] = true
	}
	for i := range d.have {
		e := &d.have[i]
		l := &d.r.p.Configure[e.of.line]
		if !applies(l.Role, anyMode, d.r.role, "") {
			continue // another device's part
		}
		if wanted[e.key] {
			there[e.key] = e
			if e.off {
				d.left = append(d.left, fmt.Sprintf("line %d is there and deactivated: activate it by hand", e.at))
			}
			continue
		}
		if reason := d.stale(e); reason != "" && l.Undo != "" {
			d.takeBack(e, reason)
		} else if reason == "" && d.given(e.by[slotVIP]) {
			d.left = append(d.left, fmt.Sprintf("line %d names VIP %s in another place: left alone", e.at, e.by[slotVIP]))
		}
	}
	short := make([][]string, len(d.want)) // the ports that lack
	for i := range d.want {
		t := &d.want[i]
		if e := there[t.key]; e != nil {
			short[i] = d.reconcile(e, t)
		}
	}
	for i := range d.want {
		t := &d.want[i]
		whole := there[t.key] == nil
		if !whole && t.line.Undo != "" { // what takes one entry back may take another with it
			c, err := d.undo(&t.entry)
			whole = err == nil && d.back[c.effect()]
		}
		ports := short[i]
		if whole {
			ports = t.ports
		}
		if !whole && len(ports) == 0 {
			continue
		}
		if err := d.bring(t, ports); err != nil {
			return err
		}
	}
	slices.SortStableFunc(d.gone, func(a, b change) int { return b.line - a.line }) // as remove does
	return nil
}

// reconcile takes back what is too much of an entry that is there, and returns
// the ports that lack; none where it cannot be taken back, since then a further
// line would make it worse.
func (d *differ) reconcile(e *entry, t *target) []string {
	p := d.r.p
	lack, extra := p.without(t.ports, e.ports), p.without(e.ports, t.ports)
	switch {
	case e.loose:
		if !d.takeBack(e, "several lines for one entry") {
			return nil
		}
		return t.ports
	case len(lack)+len(extra) == 0:
		return nil
	case p.Spelling.Ports.Split && len(extra) == 0:
		return lack // a further line adds them
	case p.Spelling.Ports.Split && e.of.undoes(slotPorts):
		some := *e
		some.ports = extra
		if !d.takeBack(&some, "other ports") {
			return nil
		}
		return lack
	}
	if !d.takeBack(e, "other ports") {
		return nil
	}
	return t.ports
}

// undoes reports whether what takes the entry back names a value of this kind.
func (t *pattern) undoes(slot string) bool {
	return slices.ContainsFunc(t.undo, func(f form) bool { return f.names(slot) })
}

// isVIP reports whether an entry's VIP is one of those given and in the same
// place: in another VRF or behind another interface it may be a stranger's. An
// interface that was not given may be any for a group MAC, which no stranger has.
func (d *differ) isVIP(e *entry) bool {
	if !d.given(e.by[slotVIP]) {
		return false
	}
	m, err := mac.Parse(e.by[slotMAC])
	group := err == nil && m.IsGroup()
	for slot, want := range d.place {
		have, named := e.by[slot]
		if slot == "vrf" && have != want || slot != "vrf" && named && d.r.p.keyOf(slot, have) != d.r.p.keyOf(slot, want) && (want != "" || !group) {
			return false
		}
	}
	return true
}

func (d *differ) given(vip string) bool { return d.vips[vip] }

// formerMACs finds the MACs that the cluster had: those that NLB derives from a
// VIP, and those that the VIPs have in the configuration. Of the latter one that
// another VIP has too may be another cluster's, from which a VIP has moved.
func (d *differ) formerMACs() {
	d.former = map[mac.Addr]bool{}
	shared := map[mac.Addr]bool{}
	for i := range d.have {
		e := &d.have[i]
		m, err := mac.Parse(e.by[slotMAC])
		switch {
		case err != nil || e.by[slotVIP] == "" || m == d.r.v.MAC:
		case d.isVIP(e):
			d.former[m] = true
		default:
			shared[m] = true
		}
	}
	maps.DeleteFunc(d.former, func(m mac.Addr, _ bool) bool { return shared[m] })
	for _, ip := range d.r.v.VIPs {
		b := ip.As4()
		for _, first := range []byte{0x02, 0x03} {
			if m := (mac.Addr{first, 0xbf, b[0], b[1], b[2], b[3]}); m != d.r.v.MAC {
				d.former[m] = true
			}
		}
	}
	// The lines of an earlier run, none of which names another MAC.
	d.alone = d.r.p.Running.Show == "" && !slices.ContainsFunc(d.have, func(e entry) bool {
		m, err := mac.Parse(e.by[slotMAC])
		return err == nil && m != d.r.v.MAC && !d.former[m]
	})
}

// stale says why an entry that is not to be must go, or nothing where it is not
// the cluster's.
func (d *differ) stale(e *entry) string {
	m, err := mac.Parse(e.by[slotMAC])
	if err != nil {
		m = groupMAC(e.by["group"])
	}
	switch {
	case m == d.r.v.MAC && e.by[slotVIP] != "" && !d.given(e.by[slotVIP]):
		return fmt.Sprintf("VIP %s was not given", e.by[slotVIP])
	case m == d.r.v.MAC:
		return "no line for the values given"
	case d.isVIP(e):
		return "another MAC"
	case d.former[m]:
		return "the MAC that a VIP had"
	case d.alone && m.IsZero() && e.by[slotVIP] == "" && e.by["port"] != "":
		// It was done to the port for this cluster, although it does not say so.
		return "no member port any more"
	}
	return ""
}

// groupMAC is the MAC of an IPv4 group (RFC 1112 6.4), or all zeros.
func groupMAC(group string) mac.Addr {
	ip, err := netip.ParseAddr(group)
	if err != nil || !ip.Is4() || !ip.IsMulticast() {
		return mac.Addr{}
	}
	b := ip.As4()
	return mac.Addr{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
}

// takeBack notes that an entry must go. Where that cannot be written safely, it
// says so in the notes and returns false.
func (d *differ) takeBack(e *entry, reason string) bool {
	c, err := d.undo(e)
	if err != nil {
		d.left = append(d.left, fmt.Sprintf("line %d must go (%s), by hand: %v", e.at, reason, err))
		return false
	}
	if effect := c.effect(); !d.back[effect] {
		d.back[effect] = true
		c.remarks = slices.Insert(c.remarks, 0, fmt.Sprintf("line %d: %s", e.at, reason))
		d.gone = append(d.gone, c)
	}
	return true
}

// undo returns what takes an entry back.
func (d *differ) undo(e *entry) (change, error) {
	l := &d.r.p.Configure[e.of.line]
	c := change{line: e.of.line, context: l.In, confidence: l.Confidence, doubt: l.Doubt}
	if l.UndoConfidence != "" {
		c.confidence = l.UndoConfidence
	}
	if l.UndoNote != "" {
		c.remarks = append(c.remarks, l.UndoNote)
	}
	var err error
	if c.open, err = d.fill(e.of.open, e, e.ports); err != nil {
		return c, err
	}
	if c.shut, err = d.fill(e.of.shut, e, e.ports); err != nil {
		return c, err
	}
	parts := [][]string{e.ports}
	if most := d.r.p.Spelling.Ports.Most; most > 0 && e.of.undoes(slotPorts) && len(e.ports) > most {
		parts = slices.Collect(slices.Chunk(e.ports, most))
	}
	for _, ports := range parts {
		lines, err := d.fill(e.of.undo, e, ports)
		if err != nil {
			return c, err
		}
		c.text = append(c.text, lines...)
	}
	for _, line := range c.text {
		if most := d.r.p.Spelling.Line; most > 0 && len(d.r.p.Spelling.Indent)+len(line) > most {
			return c, &LongLineError{Platform: d.r.p.Name, Length: len(line), Most: most}
		}
	}
	return c, nil
}

// fill writes forms with the values of an entry.
func (d *differ) fill(forms []form, e *entry, ports []string) ([]string, error) {
	var out []string
	for i := range forms {
		line, err := d.r.write(&forms[i], &values{by: e.by, ports: ports})
		if err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return out, nil
}

// bring adds the line of an entry for these ports.
func (d *differ) bring(t *target, ports []string) error {
	c := change{line: t.of.line, context: t.line.In, confidence: t.line.Confidence, doubt: t.line.Doubt}
	widen := d.r.narrow(t.line.Ports)
	if len(ports) < len(t.ports) {
		d.r.ports = ports
	}
	outs, err := d.r.fit(t.line.Line, t.data)
	widen()
	if err != nil {
		return err
	}
	c.text = outs
	if c.open, err = d.r.lines(d.r.p.Contexts[t.line.In].Open); err != nil {
		return err
	}
	if c.shut, err = d.r.lines(d.r.p.Contexts[t.line.In].Close); err != nil {
		return err
	}
	d.come = append(d.come, c)
	return nil
}

// unread notes the lines that are none of the platform's as we know them and
// yet name the cluster.
func (d *differ) unread(lines []oldLine, patterns []pattern) {
	for i := range lines {
		l := &lines[i]
		if l.known {
			continue
		}
		if named := d.names(l.text, patterns); named != "" {
			d.left = append(d.left, fmt.Sprintf("line %d names %s and is not understood: left alone", l.n, named))
		}
	}
}

// notes returns what is left alone, as far as anybody reads it.
func (d *differ) notes() []string {
	const most = 10
	if more := len(d.left) - most; more > 0 {
		return append(d.left[:most:most], fmt.Sprintf("and %d more lines like these", more))
	}
	return d.left
}

// names returns what a line names of the cluster: its MAC, or a VIP where the
// line begins as one of ours does.
func (d *differ) names(line string, patterns []pattern) string {
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" '\",;=[]{}", r) }) {
		if len(word) >= 12 && len(word) <= 17 {
			if m, err := mac.Parse(word); err == nil && m == d.r.v.MAC {
				return d.r.mac
			}
		}
		if len(word) < 7 || len(word) > 15 || !d.given(word) {
			continue
		}
		for i := range patterns {
			head := patterns[i].forms[0].head.pieces[0]
			if strings.HasPrefix(line, "deactivate ") {
				return word
			}
			if patterns[i].names(slotVIP) && head.slot == "" && len(line) >= len(head.text) && strings.EqualFold(line[:len(head.text)], head.text) {
				return word
			}
		}
	}
	return ""
}

// write returns the lines to enter, or nothing where there are none.
func (d *differ) write() (string, Confidence, error) {
	all := slices.Concat(d.gone, d.come)
	if len(all) == 0 {
		return "", "", nil
	}
	b := d.r.newBody()
	var last *change
	enter := func(c *change) error {
		if last != nil && c != nil && last.context == c.context && slices.Equal(last.open, c.open) {
			return nil
		}
		if last != nil {
			if err := b.shut(last.shut); err != nil {
				return err
			}
		}
		if c == nil {
			return nil
		}
		return b.open(c.open, d.r.p.Contexts[c.context].Confidence)
	}
	for i := range all {
		c := &all[i]
		if err := enter(c); err != nil {
			return "", "", err
		}
		last = c
		for _, remark := range c.remarks {
			b.comment(remark)
		}
		for _, text := range c.text {
			if err := b.add(text, c.confidence, c.doubt); err != nil {
				return "", "", err
			}
		}
	}
	if err := enter(nil); err != nil {
		return "", "", err
	}
	var text strings.Builder
	for _, remark := range d.heads() {
		comment(&text, d.r.p.Spelling.Comment, "", remark)
	}
	return text.String() + b.text.String(), b.weakest, nil
}

// heads returns what is said above the lines.
func (d *differ) heads() []string {
	section := Configure
	if len(d.come) == 0 {
		section = Remove
	}
	out := []string{string(diffSection)}
	if at := d.r.p.Paste.in(section); at != "" {
		out[0] += ", in " + at
	}
	if run := d.r.p.Running; run.Confidence == Unverified {
		out = append(out, "unverified: that "+run.Show+" gives back every line as it is entered")
	}
	out = append(out, d.r.heads(section)...)
	if d.r.shortened {
		out = append(out, d.r.shortNote())
	}
	return out
}
