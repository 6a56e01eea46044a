package templates

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/nearest"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/platforms"
)

// header is what a platform is found by.
type header struct {
	name, title               string
	aliases, families, models []string
}

// headers returns the headers of all platforms, in the order of Names. A built-in
// file is not decoded for it: its header stands in the lines above accepts, each
// list in one line, as a test demands.
func (s *Set) headers() []header {
	var all []header
	for _, name := range s.Names() {
		if p, ok := s.user[name]; ok {
			all = append(all, header{p.Name, p.Title, p.Aliases, p.Families, p.Models})
			continue
		}
		all = append(all, builtinHeader(name))
	}
	return all
}

// builtinHeader reads the header of a built-in platform.
func builtinHeader(name string) header {
	h := header{name: name}
	data, err := platforms.Read(name)
	if err != nil {
		return h
	}
	for line := range bytes.Lines(data) {
		key, value, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), ": ")
		switch key {
		case "title":
			h.title = value
		case "aliases":
			h.aliases = items(value)
		case "families":
			h.families = items(value)
		case "models":
			h.models = items(value)
		case "accepts:":
			return h
		}
	}
	return h
}

// items are those of a flow sequence of YAML, without commas in them.
func items(sequence string) []string {
	var all []string
	for item := range strings.SplitSeq(strings.Trim(sequence, "[]"), ", ") {
		if item = strings.Trim(item, `"`); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// The limits of a search: no name is longer, and a hostile one stays cheap.
const (
	maxQuery = 80 // bytes
	maxWords = 8
)

// words takes a name apart at all that is no letter and no digit.
func splitWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789", r)
	})
}

// fillers are words that say nothing of a platform.
var fillers = []string{"series", "switch", "switches", "router", "routers", "firewall", "firewalls", "emc"}

// Find returns the names of the platforms that a name, a family or a model number
// stands for, in order: none, one, or as many as it fits. What somebody types is
// taken apart into words; each must be one of a platform's.
func (s *Set) Find(query string) []string {
	words := splitWords(query[:min(len(query), maxQuery)])
	if found := s.find(words, inBeginning); len(found) > 0 {
		return found
	}
	rest := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(fillers, w) })
	return s.find(rest, inBeginning)
}

// find is Find of words, with no match that is worse than least.
func (s *Set) find(words []string, least int) []string {
	if len(words) == 0 || len(words) > maxWords {
		return nil
	}
	best, found := least-1, []string(nil)
	for _, h := range s.headers() {
		grade := h.grade(words)
		if grade > best {
			best, found = grade, nil
		}
		if grade >= least && grade == best {
			found = append(found, h.name)
		}
	}
	return found
}

// The grades of a match, the best last.
const (
	inBeginning = 1 + iota // a word begins with it
	inTitle                // a word of the title is needed
	inParts                // names, aliases, families and models hold all parts
	inOne                  // one of the names, aliases or families holds all of it
	wholeName              // it is a name or an alias
)

// grade says how well words name a platform; 0 if they do not.
func (h *header) grade(words []string) int {
	all := strings.Join(words, "")
	for _, text := range append([]string{h.name}, h.aliases...) {
		if strings.Join(splitWords(text), "") == all {
			return wholeName
		}
	}
	strong := append(slices.Concat([]string{h.name}, h.aliases), h.families...)
	has := func(group string, texts []string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return holds(splitWords(t), group) })
	}
	if has(all, strong) && strings.Trim(all, platform.Digits) != "" {
		return inOne // of a bare number a family is no better than a model
	}
	isModel := func(group string) bool {
		return slices.ContainsFunc(h.models, func(m string) bool { return isModel(m, group) })
	}
	// Word by word: up to here, the words are those of the platform, at worst in
	// its title.
	grades := make([]int, len(words)+1)
	grades[0] = inParts
	for i := range words {
		if grades[i] == 0 {
			continue
		}
		for j := i + 1; j <= len(words); j++ {
			group := strings.Join(words[i:j], "")
			grade := 0
			switch {
			case has(group, strong), isModel(group):
				grade = inParts
			case slices.Contains(splitWords(h.title), group):
				grade = inTitle
			case len(group) >= leastBeginning && slices.ContainsFunc(strong, func(t string) bool { return begins(splitWords(t), group) }):
				grade = inBeginning
			}
			grades[j] = max(grades[j], min(grades[i], grade))
		}
	}
	return grades[len(words)]
}

// holds reports whether words that stand side by side make up group.
func holds(words []string, group string) bool {
	for i := range words {
		rest := group
		for _, w := range words[i:] {
			var is bool
			if rest, is = strings.CutPrefix(rest, w); !is {
				break
			}
			if rest == "" {
				return true
			}
		}
	}
	return false
}

// leastBeginning is the least number of letters by which the beginning of a word
// says which word it is.
const leastBeginning = 4

// begins reports whether one of words begins with group.
func begins(words []string, group string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, group) })
}

// isModel reports whether a model number, in lower case and without separators,
// fits a pattern of a platform file: * and [0-9] as in names of files.
func isModel(pattern, number string) bool {
	ok, err := path.Match(platform.ModelPattern(pattern), number)
	return ok && err == nil
}

// UnknownError says that a name stands for no platform, or for several.
type UnknownError struct {
	Name    string
	Several []string // the platforms that it stands for
	Nearest string   // a name or an alias that may have been meant; empty where none is near
	Vendor  string   // the part of the name that is known
	Of      []string // the platforms that Vendor stands for
}

func (e *UnknownError) Error() string {
	switch {
	case len(e.Several) > 0:
		return fmt.Sprintf("%q stands for %d platforms: %s", platform.Clip(e.Name), len(e.Several), some(e.Several))
	case e.Nearest != "":
		return fmt.Sprintf("no platform is called %q; did you mean %q?", platform.Clip(e.Name), e.Nearest)
	case len(e.Of) > 0:
		return fmt.Sprintf("no platform is called %q; of %s there are: %s", platform.Clip(e.Name), e.Vendor, some(e.Of))
	}
	return fmt.Sprintf("no platform is called %q", platform.Clip(e.Name))
}

// some lists names, of which nobody reads more than a screen.
func some(names []string) string {
	const most = 30
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// unknown says what may have been meant by a name that stands for no platform:
// the same word with a letter wrong, or another platform of the vendor that it
// names. Nothing is said of other vendors.
func (s *Set) unknown(name string) *UnknownError {
	e := &UnknownError{Name: name}
	words := splitWords(name[:min(len(name), maxQuery)])
	if len(words) > 1 && len(words) <= maxWords {
		for n := len(words) - 1; n > 0; n-- {
			vendor := strings.Join(words[:n], " ")
			if e.Of = s.find(words[:n], inParts); len(e.Of) > 0 && len(vendor) > 1 {
				e.Vendor = vendor
				break
			}
			e.Of = nil
		}
	}
	whose := map[string]string{} // what may have been meant, to the platform
	for _, h := range s.headers() {
		if len(e.Of) > 0 && !slices.Contains(e.Of, h.name) {
			continue
		}
		for _, n := range append([]string{h.name}, h.aliases...) {
			whose[n] = h.name
		}
	}
	near := nearest.Typos(name, slices.Sorted(maps.Keys(whose)))
	if len(e.Of) > 0 {
		// Of names as near, the one with the most letters of what was typed: two
		// that were swapped cost as much as two wrong ones.
		slices.SortStableFunc(near, func(a, b string) int { return shared(name, b) - shared(name, a) })
		near = near[:min(1, len(near))]
	}
	for _, n := range near {
		if whose[n] != whose[near[0]] {
			return e // of different vendors', neither is a better guess
		}
	}
	if len(near) > 0 {
		e.Nearest = near[0]
	}
	return e
}

// shared counts the bytes that two names have in common, wherever they stand.
func shared(a, b string) int {
	var left [256]int
	for i := range len(b) {
		left[b[i]]++
	}
	n := 0
	for i := range len(a) {
		if left[a[i]] > 0 {
			left[a[i]]--
			n++
		}
	}
	return n
}
