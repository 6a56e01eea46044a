package templates

import (
	"cmp"
	"slices"
	"strings"
)

// nearest returns the candidates that a mistyped name may have meant, best
// first and at most three. A name that a candidate contains is near; else one
// edit in three characters is.
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
		if n.far <= found[0].far+1 {
			names = append(names, n.name)
		}
	}
	return names
}

// edits counts the insertions, deletions and replacements between two strings.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
