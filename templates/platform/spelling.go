package platform

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Distinct drops ports that are named twice.
func (s *Spelling) Distinct(ports []string) []string {
	seen := make(map[string]bool, len(ports))
	var out []string
	for _, p := range ports {
		if k := s.PortKey(p); !seen[k] {
			seen[k] = true
			out = append(out, p)
		}
	}
	return out
}

// Expand returns the ports that one name stands for: where the platform takes
// rows of ports, each port of the row.
func (s *Spelling) Expand(port string) []string {
	first, last, row := strings.Cut(port, s.Ports.Range)
	if s.Ports.Range == "" || !row {
		return []string{port}
	}
	head := strings.TrimRight(first, Digits)
	tail := strings.TrimPrefix(last, head)
	from, err1 := strconv.Atoi(first[len(head):])
	to, err2 := strconv.Atoi(tail)
	if err1 != nil || err2 != nil || to < from || to-from >= MaxPorts {
		return []string{port}
	}
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, head+strconv.Itoa(n))
	}
	return all
}

// What names are made of.
const (
	Digits  = "0123456789"
	Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// Kind is how names of interfaces of one kind begin.
type Kind struct {
	Canon string // as lines have it, with a space at its end where the number stands apart
	short string // the shortest that may stand for it in a line; or empty
	names []string
}

// kinds returns the kinds of interfaces of a platform.
func (s *Spelling) kinds() []Kind {
	all := make([]Kind, 0, len(s.Interfaces)+len(s.Ports.Short))
	for canon, others := range s.Interfaces {
		w := Kind{Canon: canon, names: []string{strings.ToLower(strings.TrimSpace(canon))}}
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
			all = append(all, Kind{Canon: canon, short: short, names: []string{strings.ToLower(canon), strings.ToLower(short)}})
		}
	}
	slices.SortFunc(all, func(a, b Kind) int { return strings.Compare(a.Canon, b.Canon) })
	return all
}

// errAmbiguous says that the beginning of a name stands for several kinds.
var errAmbiguous = errors.New("the beginning stands for several kinds of interface")

// Kind takes the kind of interface off the beginning of a name: one of its names,
// or a beginning that only one kind has. Without a kind that is known found is
// false.
func (s *Spelling) Kind(name string) (w Kind, number string, found bool, err error) {
	lower := strings.ToLower(name)
	var best Kind
	most := -1 // bytes of the longest name that it begins with
	var begun []Kind
	head := lower[:len(lower)-len(strings.TrimLeft(lower, Letters+"-"))]
	for _, w := range s.kinds() {
		starts := false
		for _, n := range w.names {
			rest, is := strings.CutPrefix(lower, n)
			if is && len(n) > most && n != "" && Numbered(rest) {
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
	case !Numbered(lower[len(head):]) || len(begun) == 0:
		return Kind{}, name, false, nil
	case len(begun) > 1:
		return Kind{}, name, false, errAmbiguous
	}
	return begun[0], strings.TrimLeft(name[len(head):], " "), true, nil
}

// Numbered reports whether what follows the kind of an interface is its number.
func Numbered(rest string) bool {
	rest = strings.TrimLeft(rest, " ")
	return rest != "" && strings.ContainsRune(Digits, rune(rest[0]))
}

// Canon returns the name of an interface as the lines have it. A kind that is
// not known is left as it is.
func (s *Spelling) Canon(name string) (string, error) {
	w, number, found, err := s.Kind(name)
	if err != nil || !found {
		return name, err
	}
	return w.Canon + number, nil
}

// PortKey returns what is the same for two spellings of one port.
func (s *Spelling) PortKey(port string) string {
	name, _ := s.Canon(port) // what is ambiguous is another than all others
	return strings.ReplaceAll(strings.ToLower(name), " ", "")
}

// Lengthen gives every port its long name, as a running-config shows it.
func (s *Spelling) Lengthen(ports []string) []string {
	out := make([]string, len(ports))
	for i, p := range ports {
		out[i] = p
		if name, err := s.Canon(p); err == nil {
			out[i] = name
		}
	}
	return out
}

// Shorten gives a port its short name.
func (s *Spelling) Shorten(port string) string {
	if w, number, found, _ := s.Kind(port); found && w.short != "" && !strings.Contains(port, " ") {
		return w.short + number
	}
	return port
}

// Rows puts ports that follow one another into rows, where the platform takes
// rows: three or more, as devices write them too.
func (s *Spelling) Rows(ports []string) []string {
	if s.Ports.Range == "" {
		return ports
	}
	var all []string
	for i := 0; i < len(ports); {
		head := strings.TrimRight(ports[i], Digits)
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

// The most that one rendering takes. More is a mistake, or hostile.
const (
	MaxPorts = 512
	MaxName  = 64 // bytes in a port, SVI or VRF name
)
