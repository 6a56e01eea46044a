package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// commentWidth is the widest comment line, for a terminal of 80 columns.
const commentWidth = 78

// Body is the lines of one section while they are written.
type Body struct {
	r       *Rendering
	section platform.Section
	bare    bool
	Text    strings.Builder
	Weakest platform.Confidence
	count   int    // device lines written
	context string // the open context
	inside  bool   // it has lines of its own, which are written
	doubt   string // the doubt that the last line stood under
	seen    bool   // the last line stands under the remark that it was seen on a device
	last    string // the line last written, of which remove needs no second
}

// lines writes the section's lines.
func (b *Body) lines() error {
	switch b.section {
	case platform.Verify:
		return b.each(b.r.Platform.Verify)
	case platform.Save:
		configures := func(l platform.Line) bool { return b.r.Wants(platform.Configure, l.Scope()) }
		if !slices.ContainsFunc(b.r.Platform.Configure, configures) {
			return nil
		}
		return b.each(b.r.Platform.Save)
	case platform.Configure:
		return b.each(b.r.Platform.Configure)
	}
	undo := slices.Clone(b.r.Platform.Configure)
	slices.Reverse(undo)
	return b.each(undo)
}

func (b *Body) each(lines []platform.Line) error {
	for _, l := range lines {
		if !b.r.Wants(b.section, l.Scope()) {
			continue
		}
		if err := b.line(l); err != nil {
			if _, known := errors.AsType[*LineFault](err); known {
				return err // it came from a context
			}
			return &LineFault{Line: l.Line, error: err}
		}
	}
	return b.enter("")
}

// LineFault is an error with the line or context of the platform file that it
// came from.
type LineFault struct {
	Line, Context string
	error
}

func (e *LineFault) Unwrap() error { return e.error }

// enter closes the open context and opens another.
func (b *Body) enter(name string) error {
	if b.context == name {
		return nil
	}
	if b.context != "" {
		if err := b.bracket(b.context, b.r.Platform.Contexts[b.context].Close); err != nil {
			return err
		}
	}
	b.context, b.inside, b.doubt, b.seen, b.last = name, false, "", false, ""
	if name == "" {
		return nil
	}
	return b.bracket(name, b.r.Platform.Contexts[name].Open)
}

// bracket writes what opens or closes a context.
func (b *Body) bracket(name, text string) error {
	if text == "" {
		return nil
	}
	out, err := b.r.Fill(text, b.r.Once())
	if err != nil {
		return &LineFault{Context: name, error: err}
	}
	// A context can depend on a value, as one that only a VRF needs: what comes
	// out empty is no line.
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		b.inside = true
		b.Weakest = b.Weakest.Weaker(b.r.Platform.Contexts[name].Confidence)
		if err := b.write("", line); err != nil {
			return err
		}
	}
	return nil
}

// line writes one line of the platform file: once, or for each VIP or port.
func (b *Body) line(l platform.Line) error {
	text, confidence := l.Line, l.Confidence
	if b.section == platform.Remove {
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
	if b.section == platform.Remove && l.UndoNote != "" {
		b.Comment(l.UndoNote)
	}
	defer b.r.Narrow(l.Ports)()
	return b.r.Each(l.Each, func(d *Data) error {
		outs, err := b.r.Fit(text, d)
		if err != nil {
			return err
		}
		shows := ""
		if l.Expect != "" && b.section != platform.Configure && b.section != platform.Remove {
			if shows, err = b.r.Fill(l.Expect, d); err != nil {
				return err
			}
		}
		if shows != "" && b.section == platform.Save {
			// Above the line: a command that saves may ask, and would take what
			// follows it for the answer.
			b.Comment(strings.TrimSpace(shows))
		}
		for _, out := range outs {
			if b.section == platform.Remove && out == b.last {
				continue // two lines made one entry
			}
			b.last = out
			if err := b.Add(out, confidence, l.Doubt); err != nil {
				return err
			}
		}
		if shows != "" && b.section == platform.Verify {
			b.Comment("  shows: " + strings.TrimSpace(shows))
		}
		return nil
	})
}

// keep says in the remove section what stays.
func (b *Body) keep(l platform.Line) error {
	if b.bare {
		return nil
	}
	return b.r.Each(l.Each, func(d *Data) error {
		out, err := b.r.Fill(l.Line, d)
		if err != nil {
			return err
		}
		lines := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
		if l.In != "" && l.In != b.context { // not in the mode that the line stands in: name it
			missing := b.r.Missing
			open, err := b.r.Fill(b.r.Platform.Contexts[l.In].Open, d)
			if err != nil {
				return err
			}
			b.r.Missing = missing // nothing is entered there
			lines = append(strings.FieldsFunc(open, func(r rune) bool { return r == '\n' }), lines...)
		}
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		b.Comment(fmt.Sprintf("stays: %s (%s)", strings.Join(lines, "; "), l.Keep))
		return nil
	})
}

// NewBody returns a body of lines of any origin: open, add and shut write it.
func (r *Rendering) NewBody() *Body { return &Body{r: r, section: platform.Configure} }

// Open writes what enters a mode.
func (b *Body) Open(lines []string, c platform.Confidence) error {
	b.doubt, b.seen = "", false
	b.Weakest = b.Weakest.Weaker(c)
	for _, line := range lines {
		if err := b.write("", line); err != nil {
			return err
		}
	}
	b.inside = len(lines) > 0
	return nil
}

// Shut writes what leaves a mode.
func (b *Body) Shut(lines []string) error {
	b.inside = false
	for _, line := range lines {
		if err := b.write("", line); err != nil {
			return err
		}
	}
	return nil
}

// Add writes a line or a block, below what is to be said of its confidence.
func (b *Body) Add(text string, c platform.Confidence, doubt string) error {
	b.mark(c, doubt)
	b.Weakest = b.Weakest.Weaker(c)
	return b.write(b.indent(), text)
}

func (b *Body) indent() string {
	if !b.inside {
		return ""
	}
	return b.r.Platform.Spelling.Indent
}

// write adds lines, each within the platform's limit.
func (b *Body) write(indent, out string) error {
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
		line = strings.TrimRight(indent+line, " ")
		if most := b.r.Platform.Spelling.Line; most > 0 && len(line) > most {
			return &LongLineError{Platform: b.r.Platform.Name, Length: len(line), Most: most}
		}
		b.Text.WriteString(line + "\n")
		b.count++
	}
	return nil
}

// mark writes the comment that stands above a line which no document of the
// vendor has: of one that devices were seen to take, once for a row of them,
// where it changes the device.
func (b *Body) mark(c platform.Confidence, doubt string) {
	if c == platform.Unverified {
		b.warn(doubt)
	}
	seen := c == platform.Field && b.section != platform.Verify && b.section != platform.Save
	if seen && !b.seen {
		b.Comment("seen on a device, not in a document of the vendor")
	}
	b.seen = seen
}

// warn writes the comment that stands above an unverified line.
func (b *Body) warn(doubt string) {
	if doubt == "" {
		doubt = "unverified syntax: check on the device"
	} else {
		doubt = "unverified: " + doubt
	}
	if b.doubt == doubt {
		b.Comment("unverified: as above")
		return
	}
	b.Comment(doubt)
	b.doubt = doubt
}

// Comment writes a remark between lines, if the section can hold it.
func (b *Body) Comment(text string) {
	if !b.bare {
		Comment(&b.Text, b.r.Platform.Spelling.Comment, b.indent(), text)
	}
}

// Comment writes text as comment lines, broken between words.
func Comment(w *strings.Builder, start, indent, text string) {
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
