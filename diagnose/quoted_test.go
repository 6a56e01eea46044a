package diagnose

import (
	"strings"
	"testing"
)

// A name from the wire takes no more room in a finding than a plain one may.
func TestQuotedASCII(t *testing.T) {
	for in, want := range map[string]string{
		"node1.example.net":                 `"node1.example.net"`,
		strings.Repeat("x", 40):             `"` + strings.Repeat("x", 40) + `"`,
		strings.Repeat("x", 41):             `"` + strings.Repeat("x", 40) + `"...`,
		strings.Repeat("\u6f22", 56):        `"` + strings.Repeat(`\u6f22`, 6) + `"...`,
		"e" + strings.Repeat("\u0301", 56):  `"e` + strings.Repeat(`\u0301`, 6) + `"...`,
		strings.Repeat("\U000e0041", 100):   `"` + strings.Repeat(`\U000e0041`, 4) + `"...`,
		"\x1b]0;x\a":                        `"\x1b]0;x\a"`,
		"":                                  `""`,
		strings.Repeat("x", 39) + "\u3164":  `"` + strings.Repeat("x", 39) + `"...`,
		strings.Repeat("\"", 30) + "\u202e": `"` + strings.Repeat(`\"`, 20) + `"...`,
	} {
		if got := quotedASCII(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
