package reading

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// A platform's lines are read by the templates that write them: each is filled
// with marks instead of values, and where a mark comes out, a value is read.

// The kinds of value that a line is read for, beside the names of values that
// a platform file declares.
const (
	slotVIP       = "vip"
	slotVIPNumber = "vip-number"
	slotMAC       = "mac"
	slotPorts     = "ports" // all member ports; one alone is "port"
)

// markMAC stands for the cluster's MAC while a template is read.
var markMAC = mac.Addr{0xfe, 0xdc, 0xba, 0x98, 0x76, 0x53}

// piece is a part of a line: words, or the place of a value.
type piece struct {
	text string
	slot string // empty for words
	mac  mac.Style
}

// form is one line of a device, to be read and to be written.
type form struct {
	pieces []piece
	indent int
	re     *regexp.Regexp
	first  string // its first word in lower case, to pass over other lines quickly; or empty
}

// placeOf is what stands in a filled template for a value.
func placeOf(slot string) string { return "\x00" + slot + "\x00" }

// marked returns a rendering that fills templates with marks.
func marked(p *platform.Platform, vrf bool) *render.Rendering {
	values := map[string]string{}
	for _, v := range p.Values {
		values[v.Name] = placeOf(v.Name)
	}
	values["vrf"] = ""
	if vrf {
		values["vrf"] = placeOf("vrf")
	}
	return render.Blank(p, markMAC, values, placeOf(slotPorts))
}

// takeApart returns the lines of a template, each taken apart. A line that comes
// out empty is none.
func takeApart(r *render.Rendering, text string) ([]form, error) {
	if text == "" {
		return nil, nil
	}
	out, err := r.Fill(text, r.ForPort(placeOf("port")))
	if err != nil {
		return nil, err
	}
	var all []form
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		f := form{indent: len(line) - len(strings.TrimLeft(line, " ")), pieces: pieces(strings.TrimSpace(line))}
		if err := f.compile(r.Platform); err != nil {
			return nil, fmt.Errorf("platform %s: %w", r.Platform.Name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// pieces takes a filled line apart at its marks.
func pieces(line string) []piece {
	line = strings.ReplaceAll(line, "<VIP>", placeOf(slotVIP))
	line = strings.ReplaceAll(line, "<VIP-NUMBER>", placeOf(slotVIPNumber))
	for s := mac.Colon; s <= mac.Bare; s++ {
		line = strings.ReplaceAll(line, markMAC.In(s), placeOf(slotMAC+" "+strconv.Itoa(int(s))))
	}
	var all []piece
	for i, part := range strings.Split(line, "\x00") {
		switch slot, style, isMAC := strings.Cut(part, " "); {
		case i%2 == 0 && part != "":
			all = append(all, piece{text: part})
		case i%2 == 1 && isMAC:
			n, _ := strconv.Atoi(style)
			all = append(all, piece{slot: slot, mac: mac.Style(n)})
		case i%2 == 1:
			all = append(all, piece{slot: part})
		}
	}
	return all
}

// What the value of each kind looks like. It is judged closer once it is read; a
// placeholder in angle brackets is none.
var slotPatterns = map[string]string{
	slotVIP:       `[0-9]{1,3}(?:\.[0-9]{1,3}){3}`,
	slotVIPNumber: `[0-9]{1,10}`,
	slotPorts:     `[^\s<>][^<>]*?`,
	"group":       `[0-9]{1,3}(?:\.[0-9]{1,3}){3}`,
	"port":        `[^\s'",;<>]+(?:\s+[0-9][^\s'",;<>]*)?`,
	"vlan":        `[0-9]{1,4}`,
	"svi":         `[^\s'"<>]+(?:\s+[^\s'"<>]+)*?`,
	"prefix":      `[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}`,
}

var (
	spaces  = platform.LazyRegexp(`\s+`)
	unquote = strings.NewReplacer(`"`, "", `'`, "")
)

// compile makes the pattern of the lines that a form reads: in any case, with
// any spaces between words, quotes or none.
func (f *form) compile(p *platform.Platform) error {
	var re strings.Builder
	re.WriteString(`(?i)\A`)
	for _, part := range f.pieces {
		if part.slot == "" {
			text := spaces().ReplaceAllString(regexp.QuoteMeta(part.text), `\s+`)
			re.WriteString(strings.NewReplacer(`"`, `['"]?`, `'`, `['"]?`).Replace(text))
			continue
		}
		pattern, known := slotPatterns[part.slot]
		decl, declared := p.Value(part.slot)
		switch {
		case part.slot == slotMAC && part.mac == mac.Bare:
			pattern = `[0-9a-f]{12}`
		case part.slot == slotMAC:
			pattern = `[0-9a-f.:-]{12,17}`
		case declared && strings.ContainsAny(strings.Join(decl.Examples, ""), `"'`):
			re.WriteString(`([^\s<>]+(?:\s+[^\s<>]+)*?)`) // its quotes are part of it
			continue
		case !known && declared && decl.Spaces:
			pattern = slotPatterns["svi"]
		case !known:
			pattern = `[^\s'"<>]+`
		}
		re.WriteString(`['"]?(` + pattern + `)['"]?`)
	}
	re.WriteString(`\z`)
	var err error
	f.re, err = regexp.Compile(re.String())
	if p := f.pieces[0]; p.slot == "" {
		if word, _, found := strings.Cut(p.text, " "); (found || len(f.pieces) == 1) && !strings.ContainsAny(word, `'"`) {
			f.first = strings.ToLower(word)
		}
	}
	return err
}

// values is what was read from a line: by slot, in one spelling, and the member
// ports as they stand there.
type values struct {
	by    map[string]string
	ports []string
}

// read reads a line into v, which may hold what lines above it said. It reports
// whether the line has the form and does not contradict v.
func (f *form) read(p *platform.Platform, line string, v *values) bool {
	if !f.begins(line) {
		return false
	}
	m := f.re.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	got := map[string]string{}
	var ports []string
	n := 0
	for _, piece := range f.pieces {
		if piece.slot == "" {
			continue
		}
		n++
		text, ok := canonical(piece.slot, m[n])
		if !ok {
			return false
		}
		if piece.slot == slotPorts {
			ports = splitPorts(p, text)
			continue
		}
		for _, known := range []map[string]string{got, v.by} {
			if other, there := known[piece.slot]; there && keyOf(p, piece.slot, other) != keyOf(p, piece.slot, text) {
				return false
			}
		}
		got[piece.slot] = text
	}
	maps.Copy(v.by, got)
	v.ports = append(v.ports, ports...)
	return true
}

// begins reports whether a line may have the form, by its first word.
func (f *form) begins(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return f.first == "" || strings.EqualFold(word, f.first)
}

// canonical returns a value that was read in one spelling.
func canonical(slot, text string) (string, bool) {
	switch slot {
	case slotVIP, "group":
		ip, err := netip.ParseAddr(text)
		return ip.String(), err == nil
	case slotMAC:
		m, err := mac.Parse(text)
		return m.String(), err == nil
	case "vlan":
		n, err := strconv.Atoi(text)
		return strconv.Itoa(n), err == nil
	}
	return spaces().ReplaceAllString(text, " "), true
}

// keyOf returns what is the same for two spellings of one value.
func keyOf(p *platform.Platform, slot, text string) string {
	switch slot {
	case "port", "svi":
		return p.Spelling.PortKey(unquote.Replace(text))
	}
	return text
}

// splitPorts takes the member ports of a line apart, rows of ports too. A port
// whose number is written apart from its kind is one.
func splitPorts(p *platform.Platform, list string) []string {
	sep, row := strings.TrimSpace(p.Spelling.Ports.Join), strings.TrimSpace(p.Spelling.Ports.Range)
	var names []string
	if sep != "" {
		// A word between the ports may stand there in capitals.
		for _, port := range regexp.MustCompile(`(?i)`+regexp.QuoteMeta(sep)).Split(list, -1) {
			if port = strings.TrimSpace(port); port != "" {
				names = append(names, port)
			}
		}
	} else {
		for word := range strings.FieldsSeq(list) {
			n := len(names)
			switch {
			case n > 0 && row != "" && strings.EqualFold(word, row):
				names[n-1] += p.Spelling.Ports.Range
			case n > 0 && row != "" && strings.HasSuffix(names[n-1], p.Spelling.Ports.Range),
				n > 0 && word[0] >= '0' && word[0] <= '9' && !strings.ContainsAny(names[n-1], "0123456789"):
				names[n-1] += word
			default:
				names = append(names, word)
			}
		}
	}
	var all []string
	for _, port := range names {
		if len(all) > 2*platform.MaxPorts { // rows of rows; no entry holds as many
			all = append(all, port)
			continue
		}
		all = append(all, p.Spelling.Expand(port)...)
	}
	if len(p.Spelling.Interfaces) > 0 {
		return p.Spelling.Lengthen(all)
	}
	return all
}

// key names the entry that a line makes, whatever its member ports are and
// however it is spelled.
func (f *form) key(p *platform.Platform, v *values) string {
	var key strings.Builder
	for _, piece := range f.pieces {
		switch piece.slot {
		case "":
			text := spaces().ReplaceAllString(strings.ToLower(piece.text), " ")
			key.WriteString(unquote.Replace(text))
		case slotPorts, slotVIPNumber: // what an entry holds, and a number that may be another
			key.WriteString("*")
		default:
			key.WriteString(keyOf(p, piece.slot, v.by[piece.slot]))
		}
	}
	return key.String()
}

// write returns the form with values, each judged as if a user had given it:
// the file that they were read from may hold anything.
func write(r *render.Rendering, f *form, v *values) (string, error) {
	var out strings.Builder
	for _, piece := range f.pieces {
		if piece.slot == "" {
			out.WriteString(piece.text)
			continue
		}
		if piece.slot == slotPorts {
			ports := make([]string, len(v.ports))
			for i, port := range v.ports {
				var err error
				if ports[i], err = safe(r, "port", port); err != nil {
					return "", err
				}
			}
			if len(ports) == 0 {
				return "", fmt.Errorf("it names no port")
			}
			out.WriteString(strings.Join(ports, r.Platform.Spelling.Ports.Join))
			continue
		}
		text, there := v.by[piece.slot]
		if !there {
			return "", fmt.Errorf("it does not say its %s", piece.slot)
		}
		switch piece.slot {
		case slotVIP, slotVIPNumber, "vlan", "group", "prefix":
			// An address or a number, which canonical and the pattern have seen to.
		case slotMAC:
			m, err := mac.Parse(text)
			if err != nil {
				return "", err
			}
			text = m.In(piece.mac)
		default:
			var err error
			if text, err = safe(r, piece.slot, text); err != nil {
				return "", err
			}
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// safe returns a value that may stand in a line of the platform, as lines have
// it.
func safe(r *render.Rendering, name, text string) (string, error) {
	if err := render.Plain(name, text); err != nil {
		return "", err
	}
	decl, ok := r.Platform.Value(name)
	if !ok {
		return "", fmt.Errorf("platform %s does not say what value %q is", r.Platform.Name, name)
	}
	return r.Spell(decl, text)
}

// block is one entry of a platform file in one form: its line, or the line with
// those that belong to it.
type block struct {
	head   form
	kids   []form
	nested bool // kids stand below head, in any order
}

// closers are the words that only leave a mode, on any platform.
var closers = []string{"quit", "exit", "next", "end"}

// blocks takes the lines of a template apart. Lines at its end that only leave
// a mode are no part of what a device keeps.
func blockOf(r *render.Rendering, text string) (block, error) {
	all, err := takeApart(r, text)
	if err != nil {
		return block{}, err
	}
	for len(all) > 1 && len(all[len(all)-1].pieces) == 1 && slices.Contains(closers, all[len(all)-1].pieces[0].text) {
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		return block{}, fmt.Errorf("platform %s: a line comes out empty", r.Platform.Name)
	}
	b := block{head: all[0], kids: all[1:]}
	b.nested = len(b.kids) > 0 && b.kids[0].indent > b.head.indent
	return b, nil
}

// pattern is a line of a platform file's configure section, to be found in a
// configuration and to be taken out of it.
type pattern struct {
	line  int // its place in Platform.Configure
	vrf   bool
	open  []form  // of its context
	shut  []form  // of its context
	forms []block // the first is how it is typed; the others are how a device may show it
	undo  []form
}

// key names the entry that was read.
func (t *pattern) key(p *platform.Platform, v *values) string {
	var parts []string
	for i := range t.open {
		parts = append(parts, t.open[i].key(p, v))
	}
	parts = append(parts, t.forms[0].head.key(p, v))
	for i := range t.forms[0].kids {
		parts = append(parts, t.forms[0].kids[i].key(p, v))
	}
	return strings.Join(parts, "\n")
}

// patterns returns a pattern for each line to configure, and for those that may
// name a VRF one with it too.
func patterns(p *platform.Platform) ([]pattern, error) {
	var all []pattern
	_, hasVRF := p.Value("vrf")
	for _, vrf := range []bool{false, true} {
		if vrf && !hasVRF {
			break
		}
		r := marked(p, vrf)
		for i, l := range p.Configure {
			t := pattern{line: i, vrf: vrf}
			ctx := p.Contexts[l.In]
			var err error
			for _, part := range []struct {
				to   *[]form
				text string
			}{{&t.open, ctx.Open}, {&t.shut, ctx.Close}, {&t.undo, l.Undo}} {
				if *part.to, err = takeApart(r, part.text); err != nil {
					return nil, err
				}
			}
			for j, text := range append([]string{l.Line}, l.Shown...) {
				b, err := blockOf(r, text)
				if err != nil {
					return nil, err
				}
				if j == 0 || b.names("vrf") == vrf {
					t.forms = append(t.forms, b)
				}
			}
			if vrf && !t.names("vrf") {
				continue // the same as without
			}
			all = append(all, t)
		}
	}
	return all, nil
}

// Readable says why a line of the platform could not be read again.
func Readable(p *platform.Platform) error {
	_, err := patterns(p)
	return err
}

// names reports whether the entry's lines hold a value of this kind.
func (t *pattern) names(slot string) bool {
	return t.forms[0].names(slot) || slices.ContainsFunc(t.open, func(f form) bool { return f.names(slot) })
}

func (b *block) names(slot string) bool {
	return b.head.names(slot) || slices.ContainsFunc(b.kids, func(f form) bool { return f.names(slot) })
}

func (f *form) names(slot string) bool {
	return slices.ContainsFunc(f.pieces, func(p piece) bool { return p.slot == slot })
}
