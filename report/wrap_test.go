package report_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/nlbprobe/nlbprobe/report"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		name, first, indent, text string
		width                     int
		want                      string
	}{
		{"fits", "- ", "  ", "one two", 9, "- one two\n"},
		{"breaks", "- ", "  ", "one two three", 9, "- one two\n  three\n"},
		{"long word stays whole", "- ", "  ", "a 0123456789abcdef b", 9, "- a\n  0123456789abcdef\n  b\n"},
		{"spaces and breaks are one", "", "", "  one \n two\t", 80, "one two\n"},
		{"nothing", "- ", "  ", "", 9, "-\n"},
		{"runes count, not bytes", "", "", "äöü äöü", 7, "äöü äöü\n"},
		{"a wide letter takes two columns", "", "", "日本 日本 a", 9, "日本 日本\na\n"},
		{"a mark takes none", "", "", "a\u0301e\u0301 a\u0301e\u0301", 5, "a\u0301e\u0301 a\u0301e\u0301\n"},
	}
	for _, tt := range tests {
		if got := report.Wrap(tt.first, tt.indent, tt.text, tt.width); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ in, want string }{
		{"eth0", "eth0"},
		{"grüße 日本", "grüße 日本"},
		{"a\x1b[31mred", `a\x1b[31mred`},
		{"a\nb\r\t", `a\nb\r\t`},
		{"\u202egnp.exe", `\u202egnp.exe`}, // right-to-left override
		{"\u2067x\u2069", `\u2067x\u2069`}, // isolates
		{"\xff\xfe", `\xff\xfe`},           // no UTF-8
		{"a\u200bb", `a\u200bb`},           // zero-width space
		{"\u009b31m", `\u009b31m`},         // the one-character CSI
		{"\ufffd", `\ufffd`},
		{"\x7f", `\x7f`},
		{"a\u3164b\uffa0\u115f\u1160", `a\u3164b\uffa0\u115f\u1160`}, // Hangul fillers
		{"a\u2800", `a\u2800`},                                       // Braille without dots
		{"a\ufe0f", `a\ufe0f`},                                       // a variation selector
		{"\u0301a", `\u0301a`},                                       // a mark on nothing
		{"Tie\u0302\u0301n", "Tie\u0302\u0301n"},
		{"a\u0301\u0302\u0303\u0304\u0305b\u0301", "a\u0301\u0302\u0303" + `\u0304\u0305` + "b\u0301"},
		{"a\u3164\u0301", `a\u3164\u0301`}, // a mark on what is not seen
		{"한국 ｆｗ", "한국 ｆｗ"},
	}
	for _, tt := range tests {
		if got := report.Clean(tt.in); got != tt.want {
			t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"a" + strings.Repeat("\u0301", 56), "\u3164\u1160", strings.Repeat("漢", 56), "eth0", "\x1b]0;x\x07", "\u202e", "\xff", "a\nb", "\u009b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := report.Clean(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		for _, r := range got {
			if unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) || r == '\n' {
				t.Errorf("%q holds %U", got, r)
			}
		}
		if report.Columns(got) > 10*len(s) {
			t.Errorf("%q takes %d columns", got, report.Columns(got))
		}
		if again := report.Clean(got); again != got {
			t.Errorf("Clean(%q) = %q", got, again)
		}
		if strings.IndexFunc(s, func(r rune) bool { return r > 126 || r < 32 }) < 0 && got != s {
			t.Errorf("plain %q became %q", s, got)
		}
	})
}
