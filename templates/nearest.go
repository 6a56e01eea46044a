package templates

import (
	"cmp"
	"slices"
	"strings"
)

// nearest returns the candidates that a mistyped name may have meant, at
// most three of those that are equally near. A name that a candidate contains
// is near; else one edit in three characters is.
func nearest(name string, candidates []string) []string {
	type near struct {
		name string
		far  int
	}
	name = strings.ToLower(name)
	if len(name) > 64 {
		return nil
	}
	var found []near
	for _, c := range candidates {
		far := edits(name, c)
		if len(name) >= 3 && strings.Contains(c, name) {
			far = 1
		}
		if far*3 <= max(len(name), len(c)) {
			found = append(found, near{c, far})
		}
	}
	slices.SortFunc(found, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, n := range found[:min(3, len(found))] {
		if n.far == found[0].far {
			names = append(names, n.name)
		}
	}
	return names
}

// edits counts what makes one string of another: insertions, deletions,
// replacements, and swaps of neighbours.
func edits(a, b string) int {
	var before, last []int // rows i-1 and i of the table
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
