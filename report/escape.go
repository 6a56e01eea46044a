package report

import (
	"strconv"
	"strings"
	"unicode"
)

// Clean returns s so that a terminal shows it and obeys none of it: control
// characters, line breaks, marks that turn the direction of writing, and bytes
// that are no UTF-8 stand as their Go escapes. Names of hosts, files and
// interfaces pass through it before they are printed.
func Clean(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == unicode.ReplacementChar && s[i] != "\ufffd"[0]:
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(s[i])|0x100, 16)[1:])
		case hidden(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether r does something else than stand there.
func hidden(r rune) bool {
	return r == unicode.ReplacementChar || !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r)
}
