package templates

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Interfaces and ports have many names: Gi1/0/1, gi 1/0/1 and GigabitEthernet1/0/1
// are one port, and a device takes and prints all of them. What is read here is
// turned into the one spelling that the lines have.

// What names are made of.
const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

const maxList = 8 << 10 // bytes in a list of ports

// word is how names of interfaces of one kind begin.
type word struct {
	canon string // as lines have it, with a space at its end where the number stands apart
	short string // the shortest that may stand for it in a line; or empty
	names []string
}

// words returns the kinds of interfaces of a platform.
func (s *Spelling) words() []word {
	all := make([]word, 0, len(s.Interfaces)+len(s.Ports.Short))
	for canon, others := range s.Interfaces {
		w := word{canon: canon, names: []string{strings.ToLower(strings.TrimSpace(canon))}}
		for i, o := range others {
			w.names = append(w.names, strings.ToLower(o))
			if i == 0 && strings.HasPrefix(w.names[0], w.names[1]) {
				w.short = o
			}
		}
		all = append(all, w)
	}
	for canon, short := range s.Ports.Short {
		if _, there := s.Interfaces[canon]; !there {
			all = append(all, word{canon: canon, short: short, names: []string{strings.ToLower(canon), strings.ToLower(short)}})
		}
	}
	slices.SortFunc(all, func(a, b word) int { return strings.Compare(a.canon, b.canon) })
	return all
}

// errAmbiguous says that the beginning of a name stands for several kinds.
var errAmbiguous = errors.New("the beginning stands for several kinds of interface")

// word takes the kind of interface off the beginning of a name: one of its names,
// or a beginning that only one kind has. Without a kind that is known found is
// false.
func (s *Spelling) word(name string) (w word, number string, found bool, err error) {
	lower := strings.ToLower(name)
	var best word
	most := -1 // bytes of the longest name that it begins with
	var begun []word
	head := lower[:len(lower)-len(strings.TrimLeft(lower, letters+"-"))]
	for _, w := range s.words() {
		starts := false
		for _, n := range w.names {
			rest, is := strings.CutPrefix(lower, n)
			if is && len(n) > most && n != "" && numbered(rest) {
				best, most = w, len(n)
			}
			starts = starts || head != "" && strings.HasPrefix(n, head)
		}
		if starts {
			begun = append(begun, w)
		}
	}
	switch {
	case most >= 0:
		return best, strings.TrimLeft(name[most:], " "), true, nil
	case !numbered(lower[len(head):]) || len(begun) == 0:
		return word{}, name, false, nil
	case len(begun) > 1:
		return word{}, name, false, errAmbiguous
	}
	return begun[0], strings.TrimLeft(name[len(head):], " "), true, nil
}

// numbered reports whether what follows the kind of an interface is its number.
func numbered(rest string) bool {
	rest = strings.TrimLeft(rest, " ")
	return rest != "" && strings.ContainsRune(digits, rune(rest[0]))
}

// canon returns the name of an interface as the lines have it. A kind that is
// not known is left as it is.
func (s *Spelling) canon(name string) (string, error) {
	w, number, found, err := s.word(name)
	if err != nil || !found {
		return name, err
	}
	return w.canon + number, nil
}

// portKey returns what is the same for two spellings of one port.
func (s *Spelling) portKey(port string) string {
	name, _ := s.canon(port) // what is ambiguous is another than all others
	return strings.ReplaceAll(strings.ToLower(name), " ", "")
}

// lengthen gives every port its long name, as a running-config shows it.
func (s *Spelling) lengthen(ports []string) []string {
	out := make([]string, len(ports))
	for i, p := range ports {
		out[i] = p
		if name, err := s.canon(p); err == nil {
			out[i] = name
		}
	}
	return out
}

// shorten gives a port its short name.
func (s *Spelling) shorten(port string) string {
	if w, number, found, _ := s.word(port); found && w.short != "" && !strings.Contains(port, " ") {
		return w.short + number
	}
	return port
}

// Also is another spelling of a value that the device prints or takes.
type Also struct {
	Like string `yaml:"like"` // a regular expression that all of it matches, in either case
	Is   string `yaml:"is"`   // the value as lines have it; $1 is the first group of the expression
}

// apart is the name of an interface whose number stands apart.
var apart = lazyRegexp(`^([A-Za-z-]+) ([0-9][^ ]*)$`)

// spell returns a value as the lines have it, judged by its declaration.
func (r *render) spell(decl *Value, given string) (string, error) {
	if r.trusting || decl.Pattern == "" {
		return given, r.judge(decl, given)
	}
	if head := "interface "; len(given) > len(head) && strings.EqualFold(given[:len(head)], head) && (decl.Name == "port" || decl.Name == "svi") {
		if name, err := r.spell(decl, given[len(head):]); err == nil {
			return name, nil // as a configuration has it
		}
	}
	var tries []string // the first that the pattern takes is the one
	for _, a := range decl.Also {
		re, err := r.compiled("(?i:" + a.Like + ")")
		if err != nil {
			return "", fmt.Errorf("platform %s, value %s: %w", r.p.Name, decl.Name, err)
		}
		if m := re.FindStringSubmatchIndex(given); m != nil {
			tries = append(tries, string(re.ExpandString(nil, a.Is, given, m)))
		}
	}
	var ambiguous error
	if decl.Name == "port" || decl.Name == "svi" {
		name, err := r.p.Spelling.canon(given)
		ambiguous = err
		switch {
		case len(r.p.Spelling.Interfaces) > 0:
			tries = append(tries, name, given)
		default:
			tries = append(tries, given, name) // the file does not say which spelling lines have
		}
		for _, try := range slices.Clone(tries) {
			joined := apart().ReplaceAllString(try, "$1$2")
			tries = append(tries, strings.ToLower(try), joined, strings.ToLower(joined))
		}
	}
	tries = append(tries, given)
	for _, try := range tries {
		if r.judge(decl, try) == nil {
			return try, nil
		}
	}
	err := r.judge(decl, given)
	if ambiguous != nil {
		err = fmt.Errorf("%w (%w)", err, ambiguous)
	}
	return "", err
}

// readPorts returns the ports that texts name, each once and as the lines have
// it: each text is a port, a row of them or a list.
func (r *render) readPorts(texts []string) ([]string, error) {
	decl, ok := r.p.value("port")
	if !ok {
		decl = &Value{Name: "port"}
	}
	var all []string
	seen := map[string]bool{}
	for _, text := range texts {
		l := &portList{r: r, decl: decl}
		if err := l.read(text); err != nil {
			return nil, err
		}
		for _, port := range l.ports {
			if k := r.p.Spelling.portKey(port); !seen[k] {
				seen[k] = true
				all = append(all, port)
			}
		}
		if len(all) > maxPorts {
			return nil, tooMany(len(all))
		}
	}
	return all, nil
}

func tooMany(n int) error {
	return fmt.Errorf("%d ports; at most %d are rendered at once", n, maxPorts)
}

// portList is a list of ports while it is read.
type portList struct {
	r     *render
	decl  *Value
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
	if join := strings.TrimSpace(l.r.p.Spelling.Ports.Join); len(join) == 1 {
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
		if len(l.ports) > maxPorts {
			return tooMany(len(l.ports))
		}
	}
	if len(l.ports) == 0 {
		return fmt.Errorf("port %+q names none", clip(text))
	}
	return nil
}

// one reads a single port.
func (l *portList) one(name string) (string, error) {
	if err := plain("port", name); err != nil {
		return "", err
	}
	return l.r.spell(l.decl, name)
}

// isRow reports whether what could be the name of a port is a row of them.
func (l *portList) isRow(name string) bool {
	return l.r.p.Spelling.Ports.Rows && freeRow().MatchString(name)
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
			joined = !strings.ContainsAny(w, digits) // a word, whose number is still to come
			if joined {
				items[n-1] += " "
			}
			continue
		case n > 0 && strings.ContainsRune(digits, rune(w[0])) && !strings.ContainsAny(items[n-1], digits):
			items[n-1] += " " + w
		case n > 0 && w[0] == '-' && strings.ContainsAny(items[n-1], digits):
			items[n-1] += w
		default:
			items = append(items, w)
		}
		joined = strings.HasSuffix(w, "-") && strings.ContainsAny(items[len(items)-1], digits)
	}
	for _, item := range items {
		if err := l.item(item); err != nil {
			return err
		}
	}
	return nil
}

var (
	rowOf    = lazyRegexp(`^(.*[0-9][^ ]*) to (.+)$|^(.*[0-9]) ?- ?([A-Za-z0-9].*)$`)
	brackets = lazyRegexp(`^(.*)\[([0-9, -]+)\]$`)
	unitOf   = lazyRegexp(`^(.*/.*)([.][0-9]+)$`)
	freeRow  = lazyRegexp(`^[a-z]+[0-9]+-[0-9]+$`)
	modules  = lazyRegexp(`^([A-Za-z-]*[A-Za-z] ?)([0-9]+)-([0-9]+)(/[0-9]+)$`)
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
	if len(l.ports) == 0 || number == "" || strings.Trim(number, digits+"/.:") != "" {
		return ""
	}
	if _, err := l.one(number); err == nil {
		return "" // a port of its own
	}
	before := l.ports[len(l.ports)-1]
	if strings.Trim(number, digits) == "" {
		return strings.TrimRight(before, digits) + number
	}
	w, path, found, _ := l.r.p.Spelling.word(before)
	if parts := func(s string) int { return strings.Count(s, "/") }; found && parts(path) == parts(number) {
		return w.canon + number
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
	head := strings.TrimRight(first, digits)
	number := last[len(strings.TrimRight(last, digits)):]
	path := strings.TrimRight(last, digits) // what stands before the last number
	same := func(a, b string) bool {
		s := &l.r.p.Spelling
		return strings.TrimRight(s.portKey(a), digits) == strings.TrimRight(s.portKey(b), digits)
	}
	before, inside := strings.CutSuffix(head, path) // the last port without its kind: Gi1/0/1-1/0/4
	inside = inside && path != "" && numbered(path) && !numbered(before[max(0, len(before)-1):])
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
	case to-from >= maxPorts:
		return fmt.Errorf("%q names %d ports; at most %d are rendered at once", clip(item), to-from+1, maxPorts)
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
	return fmt.Errorf("%+q is no row of ports: %s", clip(item), why)
}

// rows puts ports that follow one another into rows, where the platform takes
// rows: three or more, as devices write them too.
func (s *Spelling) rows(ports []string) []string {
	if s.Ports.Range == "" {
		return ports
	}
	var all []string
	for i := 0; i < len(ports); {
		head := strings.TrimRight(ports[i], digits)
		from, err := strconv.Atoi(ports[i][len(head):])
		n := 1
		for err == nil && i+n < len(ports) && ports[i+n] == head+strconv.Itoa(from+n) {
			n++
		}
		if n < 3 || strconv.Itoa(from) != ports[i][len(head):] {
			all = append(all, ports[i])
			i++
			continue
		}
		last := strconv.Itoa(from + n - 1)
		if s.Ports.Whole {
			last = head + last
		}
		all = append(all, ports[i]+s.Ports.Range+last)
		i += n
	}
	return all
}

// compiled compiles a pattern that must match all of a value, once.
func (r *render) compiled(pattern string) (*regexp.Regexp, error) {
	if re, ok := r.patterns[pattern]; ok {
		return re, nil
	}
	re, err := compile(pattern)
	if err == nil && r.patterns != nil {
		r.patterns[pattern] = re
	}
	return re, err
}
