package report

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// maxMarks is how many marks Clean leaves on one letter: Vietnamese and Hebrew
// need two, hardly anything more than three. More of them run over the lines
// above and below.
const maxMarks = 3

// Clean returns s so that a terminal shows it and obeys none of it: control
// characters, line breaks, marks that turn the direction of writing, bytes that
// are no UTF-8, what leaves no trace on a screen, and marks piled up on one
// letter stand as their Go escapes. Names of hosts, files and interfaces pass
// through it before they are printed.
func Clean(s string) string {
	if !strings.ContainsFunc(s, unplain) {
		return s
	}
	var b strings.Builder
	marks := maxMarks // at the begin there is no letter to stand on
	for i, r := range s {
		isMark := unicode.In(r, unicode.Mn, unicode.Me)
		switch {
		case r == unicode.ReplacementChar && s[i] != "\ufffd"[0]:
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(s[i])|0x100, 16)[1:])
			marks = maxMarks
		case hidden(r), isMark && marks == maxMarks:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			marks = maxMarks
		case isMark:
			b.WriteRune(r)
			marks++
		default:
			b.WriteRune(r)
			marks = 0
		}
	}
	return b.String()
}

// unplain reports whether r may need an escape.
func unplain(r rune) bool { return hidden(r) || unicode.In(r, unicode.Mn, unicode.Me) }

// brailleBlank is a letter of no dots: it is printed, and nothing is seen.
const brailleBlank = '\u2800'

// hidden reports whether r does something else than be seen: letters that no
// font draws, as the Hangul fillers, are among Other_Default_Ignorable.
func hidden(r rune) bool {
	return r == unicode.ReplacementChar || !unicode.IsPrint(r) || r == brailleBlank ||
		unicode.In(r, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Columns returns how many columns of a terminal s takes: two for a letter that
// is wide in East Asian writing (Unicode Standard Annex 11), none for a mark on
// a letter, one for any other. What Clean escapes is not expected in s.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

func columns(r rune) int {
	const firstMark = 0x300 // what comes before is plain
	switch {
	case r < firstMark:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// clipColumns cuts s to at most so many columns and says so by dots behind them.
func clipColumns(s string, most int) string {
	n := 0
	for i, r := range s {
		if n += columns(r); n > most {
			return s[:i] + "..."
		}
	}
	return s
}
