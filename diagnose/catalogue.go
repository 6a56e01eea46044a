package diagnose

import (
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/nearest"
)

// tables is the entries of each theme.
var tables = [...][]Entry{
	answerEntries[:], trafficEntries[:], clusterEntries[:], lookAlikeEntries[:], observerEntries[:], routerEntries[:], serviceEntries[:],
	switchEntries[:], memberEntries[:], igmpEntries[:], checklistEntries[:], mss.Entries[:], remoteEntries[:],
}

// Catalogue returns every kind of finding that VIP, Remote and mss.Judge can give, the worst first
// and then by id. The result is the caller's.
func Catalogue() []Entry {
	all := slices.Concat(tables[:]...)
	for i := range all {
		all[i].References = slices.Clone(all[i].References)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		if a.Severity != b.Severity {
			return b.Severity.Rank() - a.Severity.Rank()
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// Explain returns the entry with the given id.
func Explain(id string) (Entry, bool) {
	for _, table := range tables {
		for _, e := range table {
			if e.ID == id {
				e.References = slices.Clone(e.References)
				return e, true
			}
		}
	}
	return Entry{}, false
}

// Find returns the entries that somebody who wrote word most likely meant: the one
// of that id, in capitals or with other signs between its words too; else those
// whose ids begin so, if it is one; else all whose ids contain it. The second
// result tells whether it is certain: one entry, and no guess.
func Find(word string) ([]Entry, bool) {
	id := strings.Trim(strings.Map(func(r rune) rune {
		if r == '_' || r == ' ' {
			return '-'
		}
		return r
	}, strings.ToLower(word)), "-")
	if id == "" {
		return nil, false
	}
	var begin, contain []Entry
	for _, e := range Catalogue() {
		switch {
		case e.ID == id:
			return []Entry{e}, true
		case strings.HasPrefix(e.ID, id):
			begin = append(begin, e)
			contain = append(contain, e)
		case strings.Contains(e.ID, id):
			contain = append(contain, e)
		}
	}
	if len(begin) == 1 {
		return begin, true
	}
	return contain, false
}

// Nearest returns the id that somebody who wrote id most likely meant, or ""
// where none is alike.
func Nearest(id string) string {
	all := Catalogue()
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	return nearest.Word(id, ids)
}
