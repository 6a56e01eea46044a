package platform

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// LazyRegexp returns a regular expression that is compiled at its first use.
func LazyRegexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// CompilePattern compiles the pattern of a value so that it must match all of it.
func CompilePattern(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > 1000 {
		return nil, fmt.Errorf("a pattern of %d characters; 1000 are enough", len(pattern))
	}
	// Alone first: a fault is told in the pattern as it was written.
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// ModelPattern is a pattern of model numbers in lower case and without the
// separators that stand outside of brackets.
func ModelPattern(pattern string) string {
	var b strings.Builder
	inside := false
	for _, r := range strings.ToLower(pattern) {
		if r == '[' || r == ']' {
			inside = r == '['
		}
		if inside || !strings.ContainsRune("- _./", r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
