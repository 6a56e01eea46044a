package lab

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/testdata/scenarios"
)

// List returns the names of the scenarios in the program, in order.
func List() []string {
	entries, err := fs.Glob(scenarios.Files, "*.yaml")
	if err != nil { // only for a malformed pattern
		return nil
	}
	for i, e := range entries {
		entries[i] = strings.TrimSuffix(e, ".yaml")
	}
	slices.Sort(entries)
	return entries
}

// Load returns the scenario of that name, or reads a scenario from the file
// that name leads to: one with a slash in it or one ending in .yaml or .yml.
func Load(name string) (*Scenario, error) {
	text, err := Source(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, text)
}

// Source returns the text behind a name that [Load] takes.
func Source(name string) ([]byte, error) {
	if strings.ContainsRune(name, '/') || path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" {
		return readFile(name)
	}
	text, err := scenarios.Files.ReadFile(name + ".yaml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		if near := nearest(name, List()); near != "" {
			return nil, fmt.Errorf("no scenario is called %q; the nearest is %q", clip(name), near)
		}
		return nil, fmt.Errorf("no scenario is called %q; a file is given by its path", clip(name))
	}
	return text, err
}

// readFile reads a file up to the size that Parse refuses.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading a scenario: %w", err)
	}
	return text, nil
}

// nearest returns the name that differs least from what was written, "" when
// none is near.
func nearest(written string, names []string) string {
	if len(written) > 64 {
		return ""
	}
	best, least := "", max(2, len(written)/3)+1
	for _, n := range names {
		if d := distance(written, n); d < least {
			best, least = n, d
		}
	}
	if best == "" && len(written) >= 3 {
		for _, n := range names {
			if strings.Contains(n, written) {
				return n
			}
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
