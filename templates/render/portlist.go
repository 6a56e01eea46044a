package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// readPorts returns the ports that texts name, each once and as the lines have
// it: each text is a port, a row of them or a list.
func (r *Rendering) readPorts(texts []string) ([]string, error) {
	decl, ok := r.Platform.Value("port")
	if !ok {
		decl = &platform.Value{Name: "port"}
	}
	var all []string
	seen := map[string]bool{}
	for _, text := range texts {
		l := &portList{r: r, decl: decl}
		if err := l.read(text); err != nil {
			return nil, err
		}
		for _, port := range l.ports {
			if k := r.Platform.Spelling.PortKey(port); !seen[k] {
				seen[k] = true
				all = append(all, port)
			}
		}
		if len(all) > platform.MaxPorts {
			return nil, tooMany(len(all))
		}
	}
	return all, nil
}

func tooMany(n int) error {
	return fmt.Errorf("%d ports; at most %d are rendered at once", n, platform.MaxPorts)
}

// portList is a list of ports while it is read.
type portList struct {
	r     *Rendering
	decl  *platform.Value
	ports []string
}

// read reads ports with commas, or what else the platform writes between two of
// them.
func (l *portList) read(text string) error {
	if name, err := l.one(text); err == nil && !l.isRow(name) {
		l.ports = []string{name}
		return nil
	}
	seps := ","
	if join := strings.TrimSpace(l.r.Platform.Spelling.Ports.Join); len(join) == 1 {
		seps += join
	}
	open := false // a bracket, whose commas are its own
	between := func(r rune) bool {
		open = r == '[' || open && r != ']'
		return !open && strings.ContainsRune(seps, r)
	}
	for item := range strings.FieldsFuncSeq(text, between) {
		if err := l.items(strings.TrimSpace(item)); err != nil {
			return err
		}
		if len(l.ports) > platform.MaxPorts {
			return tooMany(len(l.ports))
		}
	}
	if len(l.ports) == 0 {
		return fmt.Errorf("port %+q names none", platform.Clip(text))
	}
	return nil
}

// one reads a single port.
func (l *portList) one(name string) (string, error) {
	if err := Plain("port", name); err != nil {
		return "", err
	}
	return l.r.Spell(l.decl, name)
}

// isRow reports whether what could be the name of a port is a row of them.
func (l *portList) isRow(name string) bool {
	return l.r.Platform.Spelling.Ports.Rows && freeRow().MatchString(name)
}

// items reads ports with spaces between them, as the commands of many devices
// take them: a number that stands apart belongs to the word before it, and "to"
// and a hyphen stand between the ends of a row.
func (l *portList) items(text string) error {
	if text == "" {
		return nil // two commas
	}
	var items []string
	joined := false // the last item goes on
	for w := range strings.FieldsSeq(text) {
		n := len(items)
		switch {
		case n > 0 && (strings.EqualFold(w, "to") || w == "-"):
			items[n-1] += " to "
			joined = true
			continue
		case joined && n > 0:
			items[n-1] += w
			joined = !strings.ContainsAny(w, platform.Digits) // a word, whose number is still to come
			if joined {
				items[n-1] += " "
			}
			continue
		case n > 0 && strings.ContainsRune(platform.Digits, rune(w[0])) && !strings.ContainsAny(items[n-1], platform.Digits):
			items[n-1] += " " + w
		case n > 0 && w[0] == '-' && strings.ContainsAny(items[n-1], platform.Digits):
			items[n-1] += w
		default:
			items = append(items, w)
		}
		joined = strings.HasSuffix(w, "-") && strings.ContainsAny(items[len(items)-1], platform.Digits)
	}
	for _, item := range items {
		if err := l.item(item); err != nil {
			return err
		}
	}
	return nil
}

var (
	rowOf    = platform.LazyRegexp(`^(.*[0-9][^ ]*) to (.+)$|^(.*[0-9]) ?- ?([A-Za-z0-9].*)$`)
	brackets = platform.LazyRegexp(`^(.*)\[([0-9, -]+)\]$`)
	unitOf   = platform.LazyRegexp(`^(.*/.*)([.][0-9]+)$`)
	freeRow  = platform.LazyRegexp(`^[a-z]+[0-9]+-[0-9]+$`)
	modules  = platform.LazyRegexp(`^([A-Za-z-]*[A-Za-z] ?)([0-9]+)-([0-9]+)(/[0-9]+)$`)
)

// item reads one port, or a row of them.
func (l *portList) item(item string) error {
	name, wrong := l.one(item)
	if wrong == nil && !l.isRow(name) {
		l.ports = append(l.ports, name)
		return nil
	}
	if m := brackets().FindStringSubmatch(item); m != nil { // ge-0/0/[1-3], as Junos has it
		for part := range strings.SplitSeq(m[2], ",") {
			first, last, row := strings.Cut(strings.TrimSpace(part), "-")
			if !row {
				last = first
			}
			if err := l.row(item, m[1]+strings.TrimSpace(first), m[1]+strings.TrimSpace(last)); err != nil {
				return err
			}
		}
		return nil
	}
	if m := modules().FindStringSubmatch(item); m != nil { // Et1-4/1, as EOS has it: the first port of each
		return l.count(item, m[1], m[2], m[3], m[4])
	}
	if m := rowOf().FindStringSubmatch(item); m != nil {
		first, last := m[1]+m[3], m[2]+m[4]
		if full := l.goesOn(first); full != "" {
			first = full
		}
		return l.row(item, first, last)
	}
	if full := l.goesOn(item); full != "" {
		name, err := l.one(full)
		if err != nil {
			return err
		}
		l.ports = append(l.ports, name)
		return nil
	}
	return wrong
}

// goesOn returns the name that a number stands for that goes on from the port
// before it: 4 behind Ethernet1, 1/0/7 behind GigabitEthernet1/0/1. It is empty
// where it does not go on.
func (l *portList) goesOn(number string) string {
	if len(l.ports) == 0 || number == "" || strings.Trim(number, platform.Digits+"/.:") != "" {
		return ""
	}
	if _, err := l.one(number); err == nil {
		return "" // a port of its own
	}
	before := l.ports[len(l.ports)-1]
	if strings.Trim(number, platform.Digits) == "" {
		return strings.TrimRight(before, platform.Digits) + number
	}
	w, path, found, _ := l.r.Platform.Spelling.Kind(before)
	if parts := func(s string) int { return strings.Count(s, "/") }; found && parts(path) == parts(number) {
		return w.Canon + number
	}
	return ""
}

// row adds the ports from one to another; item is what was written for them.
func (l *portList) row(item, first, last string) error {
	// A unit that both have is no part of the count.
	unit := ""
	if a, b := unitOf().FindStringSubmatch(first), unitOf().FindStringSubmatch(last); a != nil && b != nil && a[2] == b[2] {
		first, last, unit = a[1], b[1], a[2]
	}
	head := strings.TrimRight(first, platform.Digits)
	number := last[len(strings.TrimRight(last, platform.Digits)):]
	path := strings.TrimRight(last, platform.Digits) // what stands before the last number
	same := func(a, b string) bool {
		s := &l.r.Platform.Spelling
		return strings.TrimRight(s.PortKey(a), platform.Digits) == strings.TrimRight(s.PortKey(b), platform.Digits)
	}
	before, inside := strings.CutSuffix(head, path) // the last port without its kind: Gi1/0/1-1/0/4
	inside = inside && path != "" && platform.Numbered(path) && !platform.Numbered(before[max(0, len(before)-1):])
	if path != "" && !inside && !same(first, last) {
		return l.noRow(item, "only the last number may count on")
	}
	return l.count(item, head, first[len(head):], number, unit)
}

// count adds the ports whose number, between head and tail, goes from one to
// another.
func (l *portList) count(item, head, first, last, tail string) error {
	from, err := strconv.ParseUint(first, 10, 31)
	if err != nil {
		return l.noRow(item, "it does not begin with the number of a port")
	}
	to, err := strconv.ParseUint(last, 10, 31)
	switch {
	case err != nil:
		return l.noRow(item, "it does not end with the number of a port")
	case to < from:
		return l.noRow(item, "it ends before it begins")
	case to-from >= platform.MaxPorts:
		return fmt.Errorf("%q names %d ports; at most %d are rendered at once", platform.Clip(item), to-from+1, platform.MaxPorts)
	}
	for n := from; n <= to; n++ {
		name, err := l.one(head + strconv.FormatUint(n, 10) + tail)
		if err != nil {
			return err
		}
		l.ports = append(l.ports, name)
	}
	return nil
}

func (l *portList) noRow(item, why string) error {
	return fmt.Errorf("%+q is no row of ports: %s", platform.Clip(item), why)
}
