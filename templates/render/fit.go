package render

import (
	"fmt"
	"strings"
)

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

// Fit fills a line's template so that it keeps the platform's limits: first as
// given, then with short port names, then, where a further line adds to the
// first, in several lines.
func (r *Rendering) Fit(text string, d *Data) ([]string, error) {
	r.SawPorts = false
	s := &r.Platform.Spelling
	ports := s.Rows(r.Ports)
	r.here = ports
	out, err := r.Fill(text, d)
	if err != nil || !r.SawPorts || len(ports) == 0 || r.fits(out, ports) {
		return []string{out}, err
	}
	short := make([]string, len(ports))
	for i, p := range ports {
		short[i] = s.Shorten(p)
	}
	r.here = short
	if out, err = r.Fill(text, d); err != nil {
		return nil, err
	}
	if r.fits(out, short) {
		r.Shortened = true
		return []string{out}, nil
	}
	if !s.Ports.Split {
		if s.Ports.Most > 0 && len(short) > s.Ports.Most {
			return nil, fmt.Errorf("%s takes %d ports in a command and %d are given; a second command could replace the first", r.Platform.Name, s.Ports.Most, len(short))
		}
		return nil, &LongLineError{Platform: r.Platform.Name, Length: longest(out), Most: s.Line, Ports: true}
	}
	return r.split(text, d, ports)
}

// split fills as many lines as the ports need.
func (r *Rendering) split(text string, d *Data, ports []string) ([]string, error) {
	var outs []string
	for len(ports) > 0 {
		n := len(ports)
		if most := r.Platform.Spelling.Ports.Most; most > 0 {
			n = min(n, most)
		}
		for {
			r.here = ports[:n]
			out, err := r.Fill(text, d)
			if err != nil {
				return nil, err
			}
			if r.fits(out, r.here) {
				outs = append(outs, out)
				break
			}
			if n == 1 {
				return nil, &LongLineError{Platform: r.Platform.Name, Length: longest(out), Most: r.Platform.Spelling.Line}
			}
			n--
		}
		ports = ports[n:]
	}
	return outs, nil
}

// fits reports whether a filled text keeps the platform's limits.
func (r *Rendering) fits(out string, ports []string) bool {
	s := &r.Platform.Spelling
	return (s.Line == 0 || len(s.Indent)+longest(out) <= s.Line) && (s.Ports.Most == 0 || len(ports) <= s.Ports.Most)
}

func longest(text string) int {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n = max(n, len(line))
	}
	return n
}
