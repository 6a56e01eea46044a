package templates

import (
	"fmt"
	"strconv"
	"strings"
)

// portKey returns what is the same for two spellings of one port.
func portKey(s *Spelling, port string) string {
	port = strings.ReplaceAll(strings.ToLower(port), " ", "")
	kind := port[:len(port)-len(strings.TrimLeft(port, "abcdefghijklmnopqrstuvwxyz-"))]
	long := kind
	for name, short := range s.Ports.Short {
		name, short = strings.ToLower(name), strings.ToLower(short)
		if kind == short {
			return name + port[len(kind):]
		}
		if len(kind) >= 2 && strings.HasPrefix(name, kind) && (long == kind || len(name) < len(long)) {
			long = name
		}
	}
	return long + port[len(kind):]
}

// distinct drops ports that are named twice.
func distinct(s *Spelling, ports []string) []string {
	seen := make(map[string]bool, len(ports))
	var out []string
	for _, p := range ports {
		if k := portKey(s, p); !seen[k] {
			seen[k] = true
			out = append(out, p)
		}
	}
	return out
}

// expand returns the ports that one name stands for: where the platform takes
// rows of ports, each port of the row.
func expand(s *Spelling, port string) []string {
	first, last, row := strings.Cut(port, s.Ports.Range)
	if s.Ports.Range == "" || !row {
		return []string{port}
	}
	const digits = "0123456789"
	head := strings.TrimRight(first, digits)
	tail := strings.TrimPrefix(last, head)
	from, err1 := strconv.Atoi(first[len(head):])
	to, err2 := strconv.Atoi(tail)
	if err1 != nil || err2 != nil || to < from || to-from >= maxPorts {
		return []string{port}
	}
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, head+strconv.Itoa(n))
	}
	return all
}

// shorten gives a port its short name.
func shorten(s *Spelling, port string) string {
	for long, short := range s.Ports.Short {
		if len(port) > len(long) && strings.EqualFold(port[:len(long)], long) {
			if rest := port[len(long):]; rest[0] >= '0' && rest[0] <= '9' {
				return short + rest
			}
		}
	}
	return port
}

// LongLineError says that a line is longer than the platform takes.
type LongLineError struct {
	Platform     string
	Length, Most int  // bytes
	Ports        bool // it is the ports that make it long
}

func (e *LongLineError) Error() string {
	text := fmt.Sprintf("%s takes lines of at most %d characters and one would have %d", e.Platform, e.Most, e.Length)
	if e.Ports {
		text += ", even with short port names; a second line could replace the first, so name port-channels instead of their members, or fewer ports"
	}
	return text
}

// fit fills a line's template so that it keeps the platform's limits: first as
// given, then with short port names, then, where a further line adds to the
// first, in several lines.
func (r *render) fit(text string, d *lineData) ([]string, error) {
	r.sawPorts = false
	r.here = r.ports
	out, err := r.fill(text, d)
	if err != nil || !r.sawPorts || len(r.ports) == 0 || r.fits(out, r.ports) {
		return []string{out}, err
	}
	s := &r.p.Spelling
	short := make([]string, len(r.ports))
	for i, p := range r.ports {
		short[i] = shorten(s, p)
	}
	r.here = short
	if out, err = r.fill(text, d); err != nil {
		return nil, err
	}
	if r.fits(out, short) {
		r.shortened = true
		return []string{out}, nil
	}
	if !s.Ports.Split {
		if s.Ports.Most > 0 && len(short) > s.Ports.Most {
			return nil, fmt.Errorf("%s takes %d ports in a command and %d are given; a second command could replace the first", r.p.Name, s.Ports.Most, len(short))
		}
		return nil, &LongLineError{Platform: r.p.Name, Length: longest(out), Most: s.Line, Ports: true}
	}
	return r.split(text, d, r.ports)
}

// split fills as many lines as the ports need.
func (r *render) split(text string, d *lineData, ports []string) ([]string, error) {
	var outs []string
	for len(ports) > 0 {
		n := len(ports)
		if most := r.p.Spelling.Ports.Most; most > 0 {
			n = min(n, most)
		}
		for {
			r.here = ports[:n]
			out, err := r.fill(text, d)
			if err != nil {
				return nil, err
			}
			if r.fits(out, r.here) {
				outs = append(outs, out)
				break
			}
			if n == 1 {
				return nil, &LongLineError{Platform: r.p.Name, Length: longest(out), Most: r.p.Spelling.Line}
			}
			n--
		}
		ports = ports[n:]
	}
	return outs, nil
}

// fits reports whether a filled text keeps the platform's limits.
func (r *render) fits(out string, ports []string) bool {
	s := &r.p.Spelling
	return (s.Line == 0 || len(s.Indent)+longest(out) <= s.Line) && (s.Ports.Most == 0 || len(ports) <= s.Ports.Most)
}

func longest(text string) int {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n = max(n, len(line))
	}
	return n
}

// lengthen gives every port its long name, as a running-config shows it.
func lengthen(s *Spelling, ports []string) []string {
	out := make([]string, len(ports))
	for i, p := range ports {
		out[i] = p
		kind := strings.TrimRight(p[:len(p)-len(strings.TrimLeft(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"))], " ")
		best := ""
		for long, short := range s.Ports.Short {
			if strings.EqualFold(kind, short) || strings.EqualFold(kind, long) {
				best = long
				break
			}
			if len(kind) >= 2 && len(kind) < len(long) && strings.EqualFold(kind, long[:len(kind)]) && (best == "" || len(long) < len(best)) {
				best = long
			}
		}
		if best != "" {
			out[i] = best + strings.TrimLeft(p[len(kind):], " ")
		}
	}
	return out
}
