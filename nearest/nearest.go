// Package nearest finds which known word somebody most likely meant. It knows
// spelling only; whose words they are does not matter to it.
package nearest

import "strings"

// Word returns the one of known that is spelt most like word, by the number of
// single-character edits, or "" where none is alike: where more than a third of
// the longer one would have to change and word, of three characters at least,
// is no part of it. The first of equals wins. Case does not count.
func Word(word string, known []string) string {
	const most = 80 // no name is half as long; keeps a hostile argument cheap
	if len(word) > most {
		word = word[:most]
	}
	word = strings.ToLower(word)
	best, bestCost := "", 0
	for _, k := range known {
		lower := strings.ToLower(k)
		cost := edits(word, lower)
		switch {
		case len(word) >= 3 && strings.Contains(lower, word):
			cost = min(cost, 1)
		case cost*3 > max(len(word), len(lower)):
			continue
		}
		if best == "" || cost < bestCost {
			best, bestCost = k, cost
		}
	}
	return best
}

// edits is the number of bytes to put in, take out or change, and of neighbours
// to exchange, that make b of a; no byte is edited twice (the distance of
// Damerau in its restricted form).
func edits(a, b string) int {
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		two, one, row = one, row, two
		row[0] = i + 1
		for j := range len(b) {
			change := one[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, one[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], two[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
