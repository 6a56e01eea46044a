package diagnose

import (
	"regexp"
	"strings"
	"testing"
)

func TestCatalogueIsWhole(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	seen := make(map[string]bool)
	all := Catalogue()
	if len(all) < 30 {
		t.Fatalf("only %d entries", len(all))
	}
	for _, e := range all {
		if !kebab.MatchString(e.ID) || len(e.ID) > 32 {
			t.Errorf("id %q", e.ID)
		}
		if seen[e.ID] {
			t.Errorf("%s stands twice", e.ID)
		}
		seen[e.ID] = true
		if e.Severity != Info && e.Severity != Warning && e.Severity != Critical {
			t.Errorf("%s has severity %v", e.ID, e.Severity)
		}
		if len(e.References) == 0 {
			t.Errorf("%s has no reference", e.ID)
		}
		for part, text := range map[string]string{"title": e.Title + ".", "meaning": e.Meaning, "detected": e.Detected, "disproof": e.Disproof, "cure": e.Cure} {
			switch {
			case len(text) < 12:
				t.Errorf("%s: no %s", e.ID, part)
			case !strings.HasSuffix(text, ".") || strings.Contains(text, "  ") || strings.ContainsAny(text, "!\n\t"):
				t.Errorf("%s: %s is not plain sentences: %q", e.ID, part, text)
			}
		}
		if len(e.Title) > 40 {
			t.Errorf("%s: a title of %d characters does not fit the list", e.ID, len(e.Title))
		}
		if got, ok := Explain(e.ID); !ok || got.Title != e.Title {
			t.Errorf("Explain(%q) = %v, %v", e.ID, got, ok)
		}
	}
	if _, ok := Explain("no-such-finding"); ok {
		t.Error("an unknown id is explained")
	}
}

// Who changes a copy does not change the catalogue.
func TestCatalogueIsACopy(t *testing.T) {
	all := Catalogue()
	want := all[0].References[0].Source
	all[0].References[0].Source = "changed"
	e, _ := Explain(all[0].ID)
	if e.References[0].Source != want {
		t.Error("the catalogue itself was changed")
	}
	e.References[0].Source = "changed"
	if Catalogue()[0].References[0].Source != want {
		t.Error("the catalogue itself was changed by Explain's copy")
	}
}

func TestNearest(t *testing.T) {
	for _, row := range [...]struct{ id, want string }{
		{"group-mac-anser", idGroupMAC},
		{"conflict", idConflict}, // a part of one id
		{"KB960916", ""},
		{"", ""},
	} {
		if got := Nearest(row.id); got != row.want {
			t.Errorf("Nearest(%q) = %q, want %q", row.id, got, row.want)
		}
	}
}
