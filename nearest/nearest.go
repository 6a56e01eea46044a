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

// Typos returns those of known that word most likely is with a letter wrong: all
// that are as near as the nearest, in the order of known. One edit in a word of
// four or five characters, two in a longer one; the first character and all
// digits must be the same, since another number is another thing. Case does not
// count, nor do hyphens and spaces.
func Typos(word string, known []string) []string {
	const most = 80
	if len(word) > most {
		word = word[:most]
	}
	plain := strings.NewReplacer("-", "", " ", "", "_", "")
	word = plain.Replace(strings.ToLower(word))
	limit := 2
	switch {
	case len(word) < 4:
		return nil
	case len(word) < 6:
		limit = 1
	}
	var best []string
	for _, k := range known {
		other := plain.Replace(strings.ToLower(k))
		if other == "" || other[0] != word[0] || numbers(other) != numbers(word) {
			continue
		}
		cost := edits(word, other)
		if cost > limit {
			continue
		}
		if cost < limit {
			limit, best = cost, nil
		}
		best = append(best, k)
	}
	return best
}

// numbers are the digits of s.
func numbers(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
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
