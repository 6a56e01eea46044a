package reading

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// diffSection is the section of what Diff returns.
const diffSection platform.Section = "diff"

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
func Diff(p *platform.Platform, v render.Values, role platform.Role, old Old) (render.Config, error) {
	patterns, err := patterns(p)
	if err != nil {
		return render.Config{}, err
	}
	return diff(p, patterns, v, role, old)
}

func diff(p *platform.Platform, patterns []pattern, v render.Values, role platform.Role, old Old) (render.Config, error) {
	c := render.Config{Device: v.Device, Platform: p.Name, File: p.UserFile(), Section: diffSection, Comment: p.Spelling.Comment}
	if role != platform.Both {
		c.Role = role.String()
	}
	if slices.Contains(p.Spelling.Bare, platform.Configure) {
		return c, fmt.Errorf("%s is configured by objects and not by lines: there is nothing that --diff could compare", p.Name)
	}
	r, err := render.New(p, v, role)
	if err != nil {
		return c, err
	}
	want, err := targets(r, patterns)
	if err != nil {
		return c, err
	}
	if len(r.Missing) > 0 {
		return c, &render.MissingError{Platform: p.Name, Names: r.Missing}
	}
	c.Used = r.UsedNames()
	lines, err := old.lines(p)
	if err != nil {
		return c, err
	}
	have := entries(p, lines, patterns)
	if p.Running.Show == "" {
		if at := foreign(p, lines, patterns); len(at) > 0 {
			return c, &OldError{Name: old.Name, Line: at[0], Reason: "not a line that is printed for " + p.Name +
				"; how that platform shows its configuration is not established, so that only the lines of an earlier run can be compared"}
		}
	}
	d := &differ{r: r, want: want, have: have, vips: map[string]bool{}, back: map[string]bool{}}
	for _, ip := range r.Values.VIPs {
		d.vips[ip.String()] = true
	}
	if d.place, err = placeOfVIPs(r); err != nil {
		return c, err
	}
	if err := d.compare(); err != nil {
		return c, err
	}
	d.unread(lines, patterns)
	c.Notes = d.notes()
	if c.Text, c.Confidence, err = d.write(); c.Confidence == "" {
		c.Confidence = platform.Vendor // there is no line to doubt
	}
	return c, err
}

// target is an entry that is to be, with what its line is written from.
type target struct {
	entry
	line platform.Line
	data *render.Data
}

// targets returns the entries of the configure section.
func targets(r *render.Rendering, patterns []pattern) ([]target, error) {
	var all []target
	at := map[string]int{}
	for i, l := range r.Platform.Configure {
		if !r.Wants(platform.Configure, l.Scope()) {
			continue
		}
		t := patternOf(r, patterns, i)
		widen := r.Narrow(l.Ports)
		err := r.Each(l.Each, func(d *render.Data) error {
			e, err := entryOf(r, t, l, d)
			if err != nil || len(r.Missing) > 0 {
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

// patternOf returns the pattern of one line of the platform's file, with the VRF
// where one is given.
func patternOf(r *render.Rendering, patterns []pattern, line int) *pattern {
	best := -1
	for i := range patterns {
		if patterns[i].line == line && (best < 0 || patterns[i].vrf == (r.Values.VRF != "")) {
			best = i
		}
	}
	return &patterns[best]
}

// entryOf reads the entry that a line makes from the line itself, so that what is
// to be and what is there are read alike.
func entryOf(r *render.Rendering, t *pattern, l platform.Line, d *render.Data) (entry, error) {
	e := entry{of: t, values: values{by: map[string]string{}}}
	outs, err := r.Fit(l.Line, d)
	if err != nil {
		return e, err
	}
	opens, err := linesOf(r, r.Platform.Contexts[l.In].Open)
	if err != nil || len(r.Missing) > 0 {
		return e, err
	}
	unread := fmt.Errorf("platform %s: its file does not say how the line %q is read again", r.Platform.Name, platform.Clip(outs[0]))
	for i, line := range opens {
		if i >= len(t.open) || !t.open[i].read(r.Platform, strings.TrimSpace(line), &e.values) {
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
			if !f.read(r.Platform, strings.TrimSpace(line), &e.values) {
				return e, unread
			}
		}
	}
	e.ports = r.Platform.Spelling.Distinct(e.ports)
	e.key = t.key(r.Platform, &e.values)
	return e, nil
}

// linesOf returns what opens or closes a context, for the values given.
func linesOf(r *render.Rendering, text string) ([]string, error) {
	out, err := r.Fill(text, r.Once())
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
func placeOfVIPs(r *render.Rendering) (map[string]string, error) {
	place := map[string]string{}
	for _, name := range []string{"vrf", "svi", "vlan"} {
		decl, ok := r.Platform.Value(name)
		if !ok || decl.Unused != "" {
			continue
		}
		text, err := r.Known(name)
		if err != nil {
			return nil, err
		}
		if text == "" && decl.Default != "" {
			missing := r.Missing
			if text, err = r.Fill(decl.Default, r.Once()); err != nil {
				return nil, err
			}
			if len(r.Missing) > len(missing) {
				text, r.Missing = "", missing
			}
		}
		place[name] = text
	}
	return place, nil
}

// differ compares the entries that are to be with those that are there.
type differ struct {
	r      *render.Rendering
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

// compare finds what must go and what must come.
func (d *differ) compare() error {
	d.r.Shortened = false // of lines that need not come
	d.formerMACs()
	there, wanted := map[string]*entry{}, map[string]bool{}
	for i := range d.want {
		wanted[d.want[i].key] = true
	}
	for i := range d.have {
		e := &d.have[i]
		l := &d.r.Platform.Configure[e.of.line]
		if !platform.Applies(l.Role, platform.AnyMode, d.r.Role, "") {
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
	p := d.r.Platform
	lack, extra := without(p, t.ports, e.ports), without(p, e.ports, t.ports)
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
		if slot == "vrf" && have != want || slot != "vrf" && named && keyOf(d.r.Platform, slot, have) != keyOf(d.r.Platform, slot, want) && (want != "" || !group) {
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
		case err != nil || e.by[slotVIP] == "" || m == d.r.Values.MAC:
		case d.isVIP(e):
			d.former[m] = true
		default:
			shared[m] = true
		}
	}
	maps.DeleteFunc(d.former, func(m mac.Addr, _ bool) bool { return shared[m] })
	for _, ip := range d.r.Values.VIPs {
		b := ip.As4()
		for _, first := range []byte{0x02, 0x03} {
			if m := (mac.Addr{first, 0xbf, b[0], b[1], b[2], b[3]}); m != d.r.Values.MAC {
				d.former[m] = true
			}
		}
	}
	// The lines of an earlier run, none of which names another MAC.
	d.alone = d.r.Platform.Running.Show == "" && !slices.ContainsFunc(d.have, func(e entry) bool {
		m, err := mac.Parse(e.by[slotMAC])
		return err == nil && m != d.r.Values.MAC && !d.former[m]
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
	case m == d.r.Values.MAC && e.by[slotVIP] != "" && !d.given(e.by[slotVIP]):
		return fmt.Sprintf("VIP %s was not given", e.by[slotVIP])
	case m == d.r.Values.MAC:
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

// groupMAC is the MAC of an IPv4 group, or all zeros.
func groupMAC(group string) mac.Addr {
	ip, err := netip.ParseAddr(group)
	if err != nil || !ip.Is4() {
		return mac.Addr{}
	}
	return inet.GroupMAC(ip)
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
			if m, err := mac.Parse(word); err == nil && m == d.r.Values.MAC {
				return d.r.MAC
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
