package report

import (
	"strings"
	"unicode/utf8"
)

// Width is the width that text is set to, in columns: every terminal has it,
// and a ticket too.
const Width = 80

// Wrap sets text in lines of at most width columns: the first one after first,
// the others after indent, each ended by a line break. A word that is longer
// than a line stands alone and is not broken: it may be an address to copy.
func Wrap(first, indent, text string, width int) string {
	var b strings.Builder
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		gap := " "
		if empty {
			gap = ""
		}
		if !empty && utf8.RuneCountInString(line)+len(gap)+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line, gap = indent, ""
		}
		line += gap + word
		empty = false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	return b.String()
}
