// Package finding is what the judges of every theme have in common: findings and
// how much they matter, the entries that say what a kind of finding means, and the
// words for times and counts. It knows no theme.
package finding

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/nlb"
)

// Finding is a statement about a VIP or a connection, with what it rests on.
type Finding struct {
	ID         string // of an Entry
	Severity   Severity
	Certainty  nlb.Certainty
	Summary    string   // one or two lines of 78 columns
	Evidence   []string // what was seen, with times from the first item on
	Items      []int    // indexes into the items that were judged
	Remedy     string
	Disproof   string // what would show that the finding is wrong
	References []string
	Subject    // what the evidence is about, as data
}

// Set is the findings of one subject, by id. At most one is made of a kind.
type Set map[string]*Finding

// Add makes a finding of a kind. What does not depend on the case comes from the
// entry. items are indexes into the items that are judged.
func (s Set) Add(e Entry, summary string, evidence []string, items []int) {
	refs := make([]string, len(e.References))
	for i, r := range e.References {
		refs[i] = r.Source
	}
	s[e.ID] = &Finding{
		ID: e.ID, Severity: e.Severity, Certainty: e.Certainty, Summary: summary, Evidence: evidence, Items: Unique(items),
		Remedy: e.Cure, Disproof: e.Disproof, References: refs,
	}
}

// Lower sets a finding's severity if the situation makes it less than usual.
func (s Set) Lower(id string, to Severity) {
	if f := s[id]; f != nil && f.Severity.Compare(to) > 0 {
		f.Severity = to
	}
}

// Sorted returns the findings, the worst first, then those that lead, then by id.
// leads may be nil.
func (s Set) Sorted(leads func(Finding) bool) []Finding {
	all := make([]Finding, 0, len(s))
	for _, f := range s {
		all = append(all, *f)
	}
	rank := func(f Finding) int {
		if leads != nil && leads(f) {
			return 0
		}
		return 1
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(b.Severity.Compare(a.Severity), rank(a)-rank(b), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Unique returns the indexes in their order, each once.
func Unique(items []int) []int {
	seen := make(map[int]bool, len(items))
	var out []int
	for _, i := range items {
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	return out
}
