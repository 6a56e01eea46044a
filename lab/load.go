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

	"github.com/nlbprobe/nlbprobe/nearest"
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
		if near := nearest.Word(name, List()); near != "" {
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
