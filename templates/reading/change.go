package reading

import (
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// change is what is to be entered for one entry.
type change struct {
	line       int    // of the platform's file
	context    string // its name; empty for none
	open, shut []string
	text       []string
	remarks    []string
	doubt      string
	confidence platform.Confidence
}

// effect is what a change enters, and where: the same again has no effect.
func (c *change) effect() string { return strings.Join(slices.Concat(c.open, c.text), "\n") }

// undo returns what takes an entry back.
func (d *differ) undo(e *entry) (change, error) {
	l := &d.r.Platform.Configure[e.of.line]
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
	if most := d.r.Platform.Spelling.Ports.Most; most > 0 && e.of.undoes(slotPorts) && len(e.ports) > most {
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
		if most := d.r.Platform.Spelling.Line; most > 0 && len(d.r.Platform.Spelling.Indent)+len(line) > most {
			return c, &render.LongLineError{Platform: d.r.Platform.Name, Length: len(line), Most: most}
		}
	}
	return c, nil
}

// fill writes forms with the values of an entry.
func (d *differ) fill(forms []form, e *entry, ports []string) ([]string, error) {
	var out []string
	for i := range forms {
		line, err := write(d.r, &forms[i], &values{by: e.by, ports: ports})
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
	widen := d.r.Narrow(t.line.Ports)
	if len(ports) < len(t.ports) {
		d.r.Ports = ports
	}
	outs, err := d.r.Fit(t.line.Line, t.data)
	widen()
	if err != nil {
		return err
	}
	c.text = outs
	if c.open, err = linesOf(d.r, d.r.Platform.Contexts[t.line.In].Open); err != nil {
		return err
	}
	if c.shut, err = linesOf(d.r, d.r.Platform.Contexts[t.line.In].Close); err != nil {
		return err
	}
	d.come = append(d.come, c)
	return nil
}

// write returns the lines to enter, or nothing where there are none.
func (d *differ) write() (string, platform.Confidence, error) {
	all := slices.Concat(d.gone, d.come)
	if len(all) == 0 {
		return "", "", nil
	}
	b := d.r.NewBody()
	var last *change
	enter := func(c *change) error {
		if last != nil && c != nil && last.context == c.context && slices.Equal(last.open, c.open) {
			return nil
		}
		if last != nil {
			if err := b.Shut(last.shut); err != nil {
				return err
			}
		}
		if c == nil {
			return nil
		}
		return b.Open(c.open, d.r.Platform.Contexts[c.context].Confidence)
	}
	for i := range all {
		c := &all[i]
		if err := enter(c); err != nil {
			return "", "", err
		}
		last = c
		for _, remark := range c.remarks {
			b.Comment(remark)
		}
		for _, text := range c.text {
			if err := b.Add(text, c.confidence, c.doubt); err != nil {
				return "", "", err
			}
		}
	}
	if err := enter(nil); err != nil {
		return "", "", err
	}
	var text strings.Builder
	for _, remark := range d.heads() {
		render.Comment(&text, d.r.Platform.Spelling.Comment, "", remark)
	}
	return text.String() + b.Text.String(), b.Weakest, nil
}

// heads returns what is said above the lines.
func (d *differ) heads() []string {
	section := platform.Configure
	if len(d.come) == 0 {
		section = platform.Remove
	}
	out := []string{string(diffSection)}
	if at := d.r.Platform.Paste.In(section); at != "" {
		out[0] += ", in " + at
	}
	if run := d.r.Platform.Running; run.Confidence == platform.Unverified {
		out = append(out, "unverified: that "+run.Show+" gives back every line as it is entered")
	}
	out = append(out, d.r.Heads(section)...)
	if d.r.Shortened {
		out = append(out, d.r.ShortNote())
	}
	return out
}
