// Package reading finds the entries of a platform in a configuration.
//
// A configuration is what a device shows or what an earlier run printed. It is read
// by the lines of the platform's file themselves: what would make an entry is what
// finds it, so that the file says it once. Diff compares the entries with those that
// a cluster needs.
package reading

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// MaxOld bounds a configuration to compare with, in bytes.
const MaxOld = 16 << 20

// maxOldLine bounds a line that is read, in bytes: 512 ports of the longest name.
const maxOldLine = 32 << 10

// Old is a configuration to compare with: what a device shows of the one it
// runs, or what an earlier run printed.
type Old struct {
	Name string // of the file, for errors
	Text []byte
	Line int // how many lines of the file stand before Text
}

// OldError is why a configuration cannot be compared with.
type OldError struct {
	Name   string
	Line   int // from 1; 0 where it is the whole file
	Reason string
}

func (e *OldError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%q: %s", e.Name, e.Reason)
	}
	return fmt.Sprintf("%q, line %d: %s", e.Name, e.Line, e.Reason)
}

// oldLine is one line of a configuration.
type oldLine struct {
	n      int // in the file, from 1
	indent int
	text   string
	up     int  // index of the line that it stands under, or -1
	known  bool // it is one of ours, or opens a mode of ours
	off    bool // it stands there and is deactivated
}

// DecodeText returns a file's text in UTF-8: Windows tools write UTF-16 with a
// byte order mark.
func DecodeText(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// lines takes a configuration apart: the lines that a device would keep, each
// with the line that it stands under.
func (o Old) lines(p *platform.Platform) ([]oldLine, error) {
	fault := func(n int, format string, args ...any) error {
		return &OldError{Name: o.Name, Line: n, Reason: fmt.Sprintf(format, args...)}
	}
	if len(o.Text) > MaxOld {
		return nil, fault(0, "more than %d MiB", MaxOld>>20)
	}
	text := DecodeText(o.Text)
	trimmed := bytes.TrimSpace(text)
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return nil, fault(0, "a binary file; what is compared is text, as the device shows it")
	case bytes.HasPrefix(trimmed, []byte("<")), bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(trimmed):
		return nil, fault(0, "XML or JSON; what is compared is text, as the device shows it")
	}
	var all []oldLine
	var open []int // the lines that the next one may stand under
	sign := strings.TrimSpace(p.Spelling.Comment)
	section := platform.Configure
	n := o.Line
	for raw := range strings.SplitSeq(string(text), "\n") {
		n++
		raw = strings.TrimRight(raw, "\r")
		if strings.Contains(raw, "--More--") || strings.Contains(raw, "\b") {
			return nil, fault(n, "a pager's prompt (--More--) stands between the lines: turn paging off on the device and save it again")
		}
		raw = strings.ReplaceAll(raw, "\t", "        ")
		line := oldLine{n: n, text: strings.TrimSpace(raw), up: -1}
		line.indent = len(raw) - len(strings.TrimLeft(raw, " "))
		if line.text == "" {
			continue
		}
		if len(line.text) > maxOldLine {
			line.text = "" // no line of ours is that long, and none is read in it
		}
		if sign != "" && strings.HasPrefix(line.text, sign) {
			remark := strings.TrimSpace(line.text[len(sign):])
			if remark == "" { // the device ends a block with it
				open = under(all, open, line.indent)
			}
			switch s, is := sectionOf(p, remark); {
			case is && s == diffSection:
				return nil, fault(n, "what --diff printed is no configuration: give what the device shows, or the whole lines of an earlier run")
			case is:
				section, open = s, nil
			}
			continue
		}
		if section != platform.Configure {
			continue // an earlier run may have printed how to take its lines back
		}
		open = under(all, open, line.indent)
		if len(open) > 0 {
			line.up = open[len(open)-1]
		}
		open = append(open, len(all))
		all = append(all, line)
	}
	if p.Running.Braces && slices.ContainsFunc(all, func(l oldLine) bool { return strings.HasSuffix(l.text, "{") }) {
		return o.flatten(all)
	}
	return all, nil
}

// under returns the lines that one with this indent may stand under.
func under(all []oldLine, open []int, indent int) []int {
	for len(open) > 0 && all[open[len(open)-1]].indent >= indent {
		open = open[:len(open)-1]
	}
	return open
}

// sectionOf reads the remark that stands above the lines of each section. Where
// the platform's file says where they belong, the bare word is somebody else's.
func sectionOf(p *platform.Platform, remark string) (platform.Section, bool) {
	for _, s := range append(platform.Sections(), diffSection) {
		rest, is := strings.CutPrefix(remark, string(s))
		if is && (rest == "" && p.Paste.In(s) == "" || strings.HasPrefix(rest, ", in ") || strings.HasPrefix(rest, ": no line for ")) {
			return s, true
		}
	}
	return "", false
}

// flatten turns braces into lines of set, which name the whole path.
func (o Old) flatten(lines []oldLine) ([]oldLine, error) {
	const deepest = 64
	var path []string
	var all []oldLine
	for _, l := range lines {
		text := l.text
		switch {
		case strings.HasPrefix(text, "/*"), strings.HasPrefix(text, "##"):
		case strings.HasSuffix(text, "{"):
			path = append(path, strings.TrimSpace(strings.TrimSuffix(text, "{")))
			if len(path) > deepest {
				return nil, &OldError{Name: o.Name, Line: l.n, Reason: fmt.Sprintf("more than %d braces are open", deepest)}
			}
		case strings.HasPrefix(text, "}"):
			path = path[:max(len(path)-1, 0)]
		default:
			words := strings.Fields(strings.Join(path, " ") + " " + strings.TrimSuffix(text, ";"))
			active := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "inactive:" })
			all = append(all, oldLine{n: l.n, text: "set " + strings.Join(active, " "), up: -1, off: len(active) < len(words)})
		}
	}
	return all, nil
}

// entry is an entry of a device: one that it has, or one that it is to have.
type entry struct {
	of  *pattern
	at  int // line of the file; 0 for one that is to be
	key string
	values
	shown bool // read in the form in which the device shows it
	loose bool // several lines name it, each with ports of its own
	off   bool // it is deactivated
}

// entries finds the entries of a platform's lines in a configuration, and marks
// the lines that it knows.
func entries(p *platform.Platform, lines []oldLine, patterns []pattern) []entry {
	var all []entry
	at := map[string]int{}
	add := func(e entry) {
		e.key = e.of.key(p, &e.values)
		i, twice := at[e.key]
		if !twice {
			at[e.key] = len(all)
			all = append(all, e)
			return
		}
		old := &all[i]
		if !old.shown && !e.shown && !p.Spelling.Ports.Split && !samePorts(p, old.ports, e.ports) {
			old.loose = true
		}
		old.ports = p.Spelling.Distinct(append(old.ports, e.ports...))
	}
	for i := range lines {
		// What a device shows in a form of its own may also read as what somebody
		// could have typed: the first counts.
		var shown []int
		for _, asShown := range []bool{true, false} {
			for j := range patterns {
				t := &patterns[j]
				if !asShown && slices.Contains(shown, t.line) {
					continue
				}
				for k := range t.forms {
					if asShown != (k > 0) {
						continue
					}
					v, used := match(p, lines, i, t, &t.forms[k])
					if used == nil {
						continue
					}
					if asShown {
						shown = append(shown, t.line)
					}
					for _, u := range used {
						lines[u].known = true
					}
					eachPort(p, entry{of: t, at: lines[i].n, values: v, shown: asShown, off: lines[i].off}, add)
				}
			}
		}
	}
	return all
}

// eachPort adds an entry that was read: where the platform has one for each
// port and shows them in one line, all of them; where it has one and shows a
// line for each port, this port of it.
func eachPort(p *platform.Platform, e entry, add func(entry)) {
	if p.Configure[e.of.line].Each != "port" {
		if port, one := e.by["port"]; one && e.of.names(slotPorts) {
			e.ports = append(e.ports, port)
			delete(e.by, "port")
		}
		add(e)
		return
	}
	if len(e.ports) == 0 {
		add(e)
		return
	}
	for _, port := range e.ports {
		one := e
		one.values = values{by: maps.Clone(e.by)}
		one.by["port"] = port
		add(one)
	}
}

// match reads an entry that begins at line i, and returns the lines that it
// takes, or none.
func match(p *platform.Platform, lines []oldLine, i int, t *pattern, b *block) (values, []int) {
	if !b.head.begins(lines[i].text) {
		return values{}, nil
	}
	v := values{by: map[string]string{}}
	if !b.head.read(p, lines[i].text, &v) {
		return v, nil
	}
	used := []int{i}
	up := lines[i].up
	if len(t.open) == 0 && up >= 0 {
		return v, nil // of the same words, in a mode of another meaning
	}
	for k := len(t.open) - 1; k >= 0; k-- {
		if up < 0 || !t.open[k].read(p, lines[up].text, &v) {
			return v, nil
		}
		used = append(used, up)
		up-- // several that open a mode stand one after the other
	}
	if len(t.open) > 0 && lines[used[len(used)-1]].up >= 0 {
		return v, nil
	}
	if !b.nested {
		for k := range b.kids {
			if i+1+k >= len(lines) || !b.kids[k].read(p, lines[i+1+k].text, &v) {
				return v, nil
			}
			used = append(used, i+1+k)
		}
		return v, used
	}
	for k := range b.kids {
		found := false
		for j := i + 1; j < len(lines) && lines[j].indent > lines[i].indent && !found; j++ {
			if lines[j].up == i && b.kids[k].read(p, lines[j].text, &v) {
				used, found = append(used, j), true
			}
		}
		if !found {
			return v, nil
		}
	}
	return v, used
}

// samePorts reports whether two lists name the same ports.
func samePorts(p *platform.Platform, a, b []string) bool {
	return len(without(p, a, b)) == 0 && len(without(p, b, a)) == 0
}

// without returns the ports of a that b does not name.
func without(p *platform.Platform, a, b []string) []string {
	there := map[string]bool{}
	for _, port := range b {
		there[p.Spelling.PortKey(port)] = true
	}
	return slices.DeleteFunc(p.Spelling.Distinct(a), func(port string) bool { return there[p.Spelling.PortKey(port)] })
}

// foreign returns the first lines that are none of ours: where it is not
// established how a device shows its configuration, nothing can be told from
// them.
func foreign(p *platform.Platform, lines []oldLine, patterns []pattern) []int {
	const most = 3
	var all []int
	for i := range lines {
		l := &lines[i]
		if l.known || slices.Contains(closers, strings.ToLower(l.text)) {
			continue
		}
		brackets := func(t pattern) bool {
			reads := func(f form) bool { return f.read(p, l.text, &values{by: map[string]string{}}) }
			return slices.ContainsFunc(t.open, reads) || slices.ContainsFunc(t.shut, reads)
		}
		if !slices.ContainsFunc(patterns, brackets) {
			if all = append(all, l.n); len(all) == most {
				return all
			}
		}
	}
	return all
}
