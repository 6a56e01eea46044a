package templates

import (
	"fmt"
	"strconv"
	"strings"
)

// distinct drops ports that are named twice.
func (s *Spelling) distinct(ports []string) []string {
	seen := make(map[string]bool, len(ports))
	var out []string
	for _, p := range ports {
		if k := s.portKey(p); !seen[k] {
			seen[k] = true
			out = append(out, p)
		}
	}
	return out
}

// expand returns the ports that one name stands for: where the platform takes
// rows of ports, each port of the row.
func (s *Spelling) expand(port string) []string {
	first, last, row := strings.Cut(port, s.Ports.Range)
	if s.Ports.Range == "" || !row {
		return []string{port}
	}
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
	s := &r.p.Spelling
	ports := s.rows(r.ports)
	r.here = ports
	out, err := r.fill(text, d)
	if err != nil || !r.sawPorts || len(ports) == 0 || r.fits(out, ports) {
		return []string{out}, err
	}
	short := make([]string, len(ports))
	for i, p := range ports {
		short[i] = s.shorten(p)
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
	return r.split(text, d, ports)
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
