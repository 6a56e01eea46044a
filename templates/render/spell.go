package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// Interfaces and ports have many names: Gi1/0/1, gi 1/0/1 and GigabitEthernet1/0/1
// are one port, and a device takes and prints all of them. What is read here is
// turned into the one spelling that the lines have.

const maxList = 8 << 10 // bytes in a list of ports

// apart is the name of an interface whose number stands apart.
var apart = platform.LazyRegexp(`^([A-Za-z-]+) ([0-9][^ ]*)$`)

// Spell returns a value as the lines have it, judged by its declaration.
func (r *Rendering) Spell(decl *platform.Value, given string) (string, error) {
	if r.Trusting || decl.Pattern == "" {
		return given, r.judge(decl, given)
	}
	if head := "interface "; len(given) > len(head) && strings.EqualFold(given[:len(head)], head) && (decl.Name == "port" || decl.Name == "svi") {
		if name, err := r.Spell(decl, given[len(head):]); err == nil {
			return name, nil // as a configuration has it
		}
	}
	var tries []string // the first that the pattern takes is the one
	for _, a := range decl.Also {
		re, err := r.compiled("(?i:" + a.Like + ")")
		if err != nil {
			return "", fmt.Errorf("platform %s, value %s: %w", r.Platform.Name, decl.Name, err)
		}
		if m := re.FindStringSubmatchIndex(given); m != nil {
			tries = append(tries, string(re.ExpandString(nil, a.Is, given, m)))
		}
	}
	var ambiguous error
	if decl.Name == "port" || decl.Name == "svi" {
		name, err := r.Platform.Spelling.Canon(given)
		ambiguous = err
		switch {
		case len(r.Platform.Spelling.Interfaces) > 0:
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

// compiled compiles a pattern that must match all of a value, once.
func (r *Rendering) compiled(pattern string) (*regexp.Regexp, error) {
	if re, ok := r.patterns[pattern]; ok {
		return re, nil
	}
	re, err := platform.CompilePattern(pattern)
	if err == nil && r.patterns != nil {
		r.patterns[pattern] = re
	}
	return re, err
}
