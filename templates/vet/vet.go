// Package vet finds the faults of a platform file.
//
// It knows every rule that a file must keep, and has every line, form and pattern of
// the file made once, so that what it passes cannot fail later.
package vet

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// Parse reads and checks one platform file; file names it in errors, which
// join every fault with its line and column.
func Parse(file string, data []byte) (*platform.Platform, error) {
	if err := platform.Tame(file, data); err != nil {
		return nil, err
	}
	p, tree, err := platform.Decode(file, data)
	if err != nil {
		return nil, err
	}
	p.File = file
	all := platform.UnknownFields(tree, file)
	c := &checker{p: p}
	c.platform()
	if len(c.faults) == 0 && len(all) == 0 {
		c.rendering()
	}
	if len(c.faults) == 0 && len(all) == 0 {
		return p, nil
	}
	for _, f := range c.faults {
		line, column := platform.FindPlace(tree, f.path)
		all = append(all, &platform.FileError{File: file, Line: line, Column: column, Reason: f.reason})
	}
	slices.SortStableFunc(all, func(a, b *platform.FileError) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	if c.more {
		all = append(all, &platform.FileError{File: file, Reason: fmt.Sprintf("and more: these are the first %d", len(all))})
	}
	errs := make([]error, len(all))
	for i, e := range all {
		errs[i] = e
	}
	return nil, errors.Join(errs...)
}

// checker collects the faults of one platform.
type checker struct {
	p      *platform.Platform
	faults []fault
	more   bool // there are faults that are not named
}

type fault struct {
	path   string // as $.configure[2].source
	reason string
}

func (c *checker) bad(path, format string, args ...any) {
	const most = 20 // a reader mends one after another; a hostile file may have thousands
	if len(c.faults) == most {
		c.more = true
		return
	}
	c.faults = append(c.faults, fault{path, fmt.Sprintf(format, args...)})
}

// platform checks everything but what the templates give.
func (c *checker) platform() {
	p := c.p
	c.kebab("$.name", p.Name)
	for i, a := range p.Aliases {
		c.kebab(fmt.Sprintf("$.aliases[%d]", i), a)
		if a == p.Name || slices.Contains(p.Aliases[:i], a) {
			c.bad(fmt.Sprintf("$.aliases[%d]", i), "alias %q stands here twice", platform.Clip(a))
		}
	}
	if p.Title == "" {
		c.bad("$.name", "title is missing: one line that says what the platform is")
	}
	c.text("$.title", p.Title)
	for i, f := range p.Families {
		c.text(fmt.Sprintf("$.families[%d]", i), f)
	}
	for i, m := range p.Models {
		at := fmt.Sprintf("$.models[%d]", i)
		c.text(at, m)
		if literal, _, _ := strings.Cut(platform.ModelPattern(m), "*"); len(literal) < 3 || len(m) > platform.MaxName || !strings.ContainsAny(literal, platform.Letters+platform.Digits) {
			c.bad(at, "%q fits nearly every model number: a pattern has three characters at least before a star", platform.Clip(m))
		}
		if _, err := path.Match(platform.ModelPattern(m), ""); err != nil {
			c.bad(at, "%q is no pattern of model numbers: *, and [0-9] for one character", platform.Clip(m))
		}
	}
	for _, a := range p.Accepts.List() {
		at := "$.accepts." + a.Name
		if a.Does == "" && a.Confidence == "" && len(a.Source) == 0 {
			c.bad(at, "%s is missing: {does: ..., confidence: ..., source: [...]}", a.Name)
			continue
		}
		if !slices.Contains([]string{"yes", "no", "refused", "partly", "not-needed", "unknown"}, a.Does) {
			c.bad(at, "%s: does is %q; it must be yes, no, refused, partly, not-needed or unknown", a.Name, platform.Clip(a.Does))
		}
		c.trust(at, a.Confidence, a.Source)
		c.text(at+".note", a.Note)
	}
	c.spelling()
	c.values()
	for _, s := range platform.Sections() {
		c.text("$.paste."+string(s), p.Paste.In(s))
	}
	for name, ctx := range p.Contexts {
		at := "$.contexts." + name
		c.trust(at, ctx.Confidence, ctx.Source)
		if ctx.Confidence == platform.Unverified {
			c.bad(at+".confidence", "a context cannot be unverified; mark the lines in it")
		}
		c.template(at+".open", ctx.Open)
		c.template(at+".close", ctx.Close)
	}
	if run := p.Running; run.Show == "" && (run.Braces || run.Confidence != "" || len(run.Source) > 0) {
		c.bad("$.running", "running does not say what shows the configuration: a command under show")
	} else if run.Show != "" {
		c.text("$.running.show", run.Show)
		c.trust("$.running", run.Confidence, run.Source)
	}
	c.lines("configure", p.Configure)
	c.lines("verify", p.Verify)
	c.lines("save", p.Save)
	for i, n := range p.Notes {
		at := fmt.Sprintf("$.notes[%d]", i)
		if n.Text == "" {
			c.bad(at, "a note without text")
		}
		c.text(at+".text", n.Text)
		c.scope(at, n.Scope())
		if n.Section != "" && !slices.Contains(platform.Sections(), n.Section) {
			c.bad(at+".section", "no section is called %q", platform.Clip(string(n.Section)))
		}
		if n.Confidence == platform.Refused {
			c.trust(at, platform.Vendor, n.Source)
		} else {
			c.trust(at, n.Confidence, n.Source)
		}
	}
	c.forms()
	for key, s := range p.Sources {
		if s == "" {
			c.bad("$.sources."+key, "source %s says nothing", platform.Clip(key))
		}
		c.text("$.sources."+key, s)
	}
}

const kebabBytes = "abcdefghijklmnopqrstuvwxyz0123456789-"

// kebab checks a name: lower case, digits and single hyphens.
func (c *checker) kebab(at, name string) {
	if name == "" || len(name) > 64 || strings.Trim(name, kebabBytes) != "" || strings.HasPrefix(name, "-") ||
		strings.HasSuffix(name, "-") || strings.Contains(name, "--") {
		c.bad(at, "%q is no name: lower-case letters, digits and single hyphens, at most 64", platform.Clip(name))
	}
}

// text checks what may become a comment: printable ASCII on one line. A
// question mark asks for help wherever it stands in an IOS line, and ends it.
func (c *checker) text(at, s string) {
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '?' }); i >= 0 {
		c.bad(at, "character %d of the text cannot stand in a comment: only printable ASCII on one line, without question marks", i+1)
	}
	if len(s) > 1000 {
		c.bad(at, "a text of %d characters; 1000 are enough", len(s))
	}
}

// trust checks a confidence and its sources.
func (c *checker) trust(at string, conf platform.Confidence, source []string) {
	if conf != platform.Vendor && conf != platform.Field && conf != platform.Unverified {
		c.bad(at, "confidence is %q; it must be vendor, field or unverified", platform.Clip(string(conf)))
	}
	if len(source) == 0 {
		c.bad(at, "no source: name one or more keys of sources")
	}
	for _, key := range source {
		if _, ok := c.p.Sources[key]; !ok {
			c.bad(at+".source", "source %q is not among sources", platform.Clip(key))
		}
	}
}

func (c *checker) scope(at string, of platform.Scope) {
	if !slices.Contains([]string{"", "l3", "l2", "l2-only", "both"}, of.Role) {
		c.bad(at+".role", "no role is called %q; there are l3, l2, l2-only and both", platform.Clip(of.Role))
	}
	if !slices.Contains([]platform.Mode{"", platform.Multicast, platform.IGMP, platform.Unicast, platform.RefusedMode, platform.AnyMode}, of.Mode) {
		c.bad(at+".mode", "no mode is called %q; there are multicast, igmp, unicast, unicast-refused and any", platform.Clip(string(of.Mode)))
	}
	switch of.Ports {
	case "", "one", "several":
	case platform.LAGPorts, platform.PhysicalPorts:
		if c.p.Spelling.Ports.LAG == "" {
			c.bad(at+".ports", "ports is %s, and spelling does not say under ports which names are aggregates: a pattern under lag", of.Ports)
		}
	default:
		c.bad(at+".ports", "ports is %q; it must be one, several, lag or physical", platform.Clip(of.Ports))
	}
	switch of.IPMACs {
	case "":
	case "no", "only":
		if of.Mode != platform.Multicast {
			c.bad(at+".ip-macs", "ip-macs: %s is for the mode multicast", of.IPMACs)
		}
	case "also":
		if of.Mode != platform.IGMP {
			c.bad(at+".ip-macs", "ip-macs: also is for the mode igmp")
		}
	default:
		c.bad(at+".ip-macs", "ip-macs is %q; it must be no, only or also", platform.Clip(of.IPMACs))
	}
}

func (c *checker) spelling() {
	s := c.p.Spelling
	var style mac.Style
	if err := style.UnmarshalText([]byte(s.MAC)); err != nil {
		c.bad("$.spelling.mac", "%v", err)
	}
	c.text("$.spelling.comment", s.Comment)
	if s.Comment != "" && strings.TrimSpace(s.Comment) == "" {
		c.bad("$.spelling.comment", "a comment must start with more than spaces")
	}
	for i, b := range s.Bare {
		if !slices.Contains(platform.Sections(), b) {
			c.bad(fmt.Sprintf("$.spelling.bare[%d]", i), "no section is called %q", platform.Clip(string(b)))
		}
	}
	if s.Comment == "" {
		var bare []string
		for _, b := range platform.Sections() {
			if !slices.Contains(s.Bare, b) {
				bare = append(bare, string(b))
			}
		}
		if len(bare) > 0 {
			c.bad("$.spelling", "comment is missing: what starts a line that the device ignores; if it has none, bare must list %s", strings.Join(bare, ", "))
		}
	}
	if strings.Trim(s.Indent, " ") != "" || len(s.Indent) > 8 {
		c.bad("$.spelling.indent", "an indent is at most 8 spaces")
	}
	if s.Line < 0 || s.Ports.Most < 0 {
		c.bad("$.spelling", "a limit cannot be negative")
	}
	c.text("$.spelling.ports.join", s.Ports.Join)
	c.text("$.spelling.ports.range", s.Ports.Range)
	if re, err := platform.CompilePattern(s.Ports.LAG); err != nil {
		c.bad("$.spelling.ports.lag", "%v", err)
	} else if s.Ports.LAG != "" && re.NumSubexp() != 1 {
		c.bad("$.spelling.ports.lag", "lag has %d groups; its one group is what a line for aggregates alone names", re.NumSubexp())
	}
	for _, canon := range slices.Sorted(maps.Keys(s.Interfaces)) {
		for _, name := range append([]string{strings.TrimSuffix(canon, " ")}, s.Interfaces[canon]...) {
			if strings.Trim(name, platform.Letters+platform.Digits+"-") != "" || len(name) > platform.MaxName {
				c.bad("$.spelling.interfaces", "%q is no word that an interface's name begins with: letters, digits and hyphens; the first may have a space at its end", platform.Clip(name))
			}
		}
	}
	for long, short := range s.Ports.Short {
		if !strings.HasPrefix(strings.ToLower(long), strings.ToLower(short)) || short == "" {
			c.bad("$.spelling.ports.short", "%q is not the beginning of %q", platform.Clip(short), platform.Clip(long))
		}
	}
}

func (c *checker) values() {
	seen := map[string]bool{}
	for i, v := range c.p.Values {
		at := fmt.Sprintf("$.values[%d]", i)
		c.kebab(at+".name", v.Name)
		if seen[v.Name] {
			c.bad(at+".name", "value %q stands here twice", platform.Clip(v.Name))
		}
		seen[v.Name] = true
		c.text(at+".placeholder", v.Placeholder)
		c.text(at+".find", v.Find)
		c.text(at+".unused", v.Unused)
		if v.Kind != "" && v.Kind != "ipv4" {
			c.bad(at+".kind", "no kind is called %q; there is ipv4", platform.Clip(v.Kind))
		}
		_, err := platform.CompilePattern(v.Pattern)
		if err != nil {
			c.bad(at+".pattern", "%v", err)
			continue
		}
		if v.Pattern != "" && len(v.Examples) == 0 {
			c.bad(at, "value %q has a pattern and no examples", platform.Clip(v.Name))
		}
		for j, a := range v.Also {
			if _, err := platform.CompilePattern(a.Like); err != nil || a.Like == "" || a.Is == "" {
				c.bad(fmt.Sprintf("%s.also[%d]", at, j), "another spelling needs like, a regular expression, and is, what lines have instead")
			}
			c.text(fmt.Sprintf("%s.also[%d].is", at, j), a.Is)
		}
		for j, e := range v.Examples {
			if err := render.Example(c.p, &v, e); err != nil {
				c.bad(fmt.Sprintf("%s.examples[%d]", at, j), "example %q does not match the pattern", platform.Clip(e))
			}
			c.text(fmt.Sprintf("%s.examples[%d]", at, j), e)
		}
		if v.Pattern == "" && v.Unused == "" && v.Kind == "" && !slices.Contains([]string{"vlan", "prefix", "group"}, v.Name) {
			c.bad(at, "value %q has no pattern to judge it by", platform.Clip(v.Name))
		}
		if v.Find == "" && v.Unused == "" && v.Name != "vrf" {
			c.bad(at, "value %q does not say how to find it", platform.Clip(v.Name))
		}
		c.template(at+".default", v.Default)
	}
}

func (c *checker) lines(section string, lines []platform.Line) {
	for i, l := range lines {
		at := fmt.Sprintf("$.%s[%d]", section, i)
		if strings.TrimSpace(l.Line) == "" {
			c.bad(at, "an empty line")
		}
		c.scope(at, l.Scope())
		c.trust(at, l.Confidence, l.Source)
		c.text(at+".keep", l.Keep)
		c.text(at+".doubt", l.Doubt)
		c.text(at+".undo-note", l.UndoNote)
		c.template(at+".line", l.Line)
		c.template(at+".undo", l.Undo)
		for j, text := range l.Shown {
			c.template(fmt.Sprintf("%s.shown[%d]", at, j), text)
			if strings.TrimSpace(text) == "" {
				c.bad(at+".shown", "an empty line")
			}
		}
		c.template(at+".expect", l.Expect)
		c.asAnsible(at+".ansible", l.Ansible)
		if l.Each != "" && l.Each != "vip" && l.Each != "port" {
			c.bad(at+".each", "each is %q; it must be vip or port", platform.Clip(l.Each))
		}
		if _, ok := c.p.Contexts[l.In]; l.In != "" && !ok {
			c.bad(at+".in", "no context is called %q", platform.Clip(l.In))
		}
		switch {
		case section == "configure" && (l.Undo == "") == (l.Keep == ""):
			c.bad(at, "a line to configure needs either undo, which takes it back, or keep, which says why it stays")
		case section != "configure" && (l.Undo != "" || l.Keep != "" || len(l.Shown) > 0):
			c.bad(at, "only a line to configure has undo, keep or shown")
		case section == "verify" && l.Expect == "":
			c.bad(at, "a line to verify needs expect: what the device shows when it is right")
		}
		if l.UndoConfidence != "" && l.UndoConfidence.Rank() < platform.Vendor.Rank() {
			c.bad(at+".undo-confidence", "confidence is %q; it must be vendor, field or unverified", platform.Clip(string(l.UndoConfidence)))
		}
		if l.Confidence == platform.Unverified && strings.Contains(strings.TrimSuffix(l.Line, "\n"), "\n") {
			c.bad(at+".line", "an unverified block must be split into lines, so that each has its comment")
		}
		if l.Confidence == platform.Unverified && slices.Contains(c.p.Spelling.Bare, platform.Section(section)) {
			c.bad(at+".confidence", "an unverified line in a section without comments")
		}
		if l.Confidence == platform.Unverified && l.Doubt == "" && l.Source == nil {
			c.bad(at, "an unverified line says neither its doubt nor a source")
		}
	}
}
