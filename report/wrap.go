package report

import (
	"slices"
	"strings"
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
		if !empty && Columns(line)+len(gap)+Columns(word) > width {
			b.WriteString(line + "\n")
			line, gap = indent, ""
		}
		line += gap + word
		empty = false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	return b.String()
}

// WrapCommand sets the words of a command in lines of at most width columns, as a
// shell takes them: a line that goes on ends in a backslash. Each word is quoted
// already; none is broken, and a flag stays with what follows it.
func WrapCommand(first, indent string, words []string, width int) string {
	const goesOn = ` \`
	words = slices.Clone(words)
	for i := 0; i+1 < len(words); i++ {
		if strings.HasPrefix(words[i], "-") && !strings.HasPrefix(words[i+1], "-") {
			words[i] += " " + words[i+1]
			words = slices.Delete(words, i+1, i+2)
		}
	}
	var b strings.Builder
	line, empty := first, true
	for i, word := range words {
		gap := " "
		if empty {
			gap = ""
		}
		room := width
		if i < len(words)-1 {
			room -= len(goesOn)
		}
		if !empty && Columns(line)+len(gap)+Columns(word) > room {
			b.WriteString(line + goesOn + "\n")
			line, gap = indent, ""
		}
		line += gap + word
		empty = false
	}
	b.WriteString(line + "\n")
	return b.String()
}

// QuoteWord returns s as one word of a POSIX shell.
func QuoteWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
