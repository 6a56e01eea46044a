// Package goldentest compares what a user sees with files in the repository. Only
// tests import it.
package goldentest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Update reports whether the golden files are to be rewritten: go test -update.
func Update() bool { return *update }

// Compare fails the test if got is not what the file at path holds, and names the
// first line that differs. With -update it writes got there instead.
func Compare(t testing.TB, path string, got []byte) {
	t.Helper()
	path = filepath.FromSlash(path)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := Difference(got, want); diff != "" {
		t.Errorf("%s differs (go test -update rewrites it)\n%s", path, diff)
	}
}

// Difference returns the first line in which got is not want, with its number and
// what stands around it, or "".
func Difference(got, want []byte) string {
	if bytes.Equal(got, want) {
		return ""
	}
	a, b := bytes.SplitAfter(got, []byte("\n")), bytes.SplitAfter(want, []byte("\n"))
	n := 0
	for n < min(len(a), len(b)) && bytes.Equal(a[n], b[n]) {
		n++
	}
	// A line may be an object of many kilobytes: show it from shortly before the
	// first byte that differs.
	line := func(lines [][]byte) string {
		if n >= len(lines) || len(lines[n]) == 0 {
			return "(the end)"
		}
		from := 0
		if n < len(a) && n < len(b) {
			for from < min(len(a[n]), len(b[n])) && a[n][from] == b[n][from] {
				from++
			}
		}
		const before, most = 40, 160
		from = max(0, from-before)
		shown := lines[n][from:]
		if len(shown) > most {
			shown = shown[:most]
		}
		return fmt.Sprintf("%q", shown)
	}
	return fmt.Sprintf("line %d, of %d lines instead of %d\n got %s\nwant %s", n+1, len(a), len(b), line(a), line(b))
}
