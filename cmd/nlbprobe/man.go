//go:build man

// With the build tag man this program writes its manual pages into a folder and
// does nothing else. The tag keeps the generator's libraries out of what is
// shipped.

package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra/doc"
)

// manDate stands in every page, so that the pages of a version are the same
// wherever they are made: the month of its entry in CHANGELOG.md.
var manDate = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run -tags man ./cmd/nlbprobe DIR")
		os.Exit(exitUnknown)
	}
	if err := writeMan(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "writing the manual pages: %v\n", err)
		os.Exit(exitUnknown)
	}
}

// writeMan writes a page of section 8 for each command into dir.
func writeMan(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	none := stdio{in: bytes.NewReader(nil), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	root := newRootCmd(none)
	addCommands(root, none)
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Section: "8", Date: &manDate, Source: "nlbprobe", Manual: "nlbprobe manual"}, dir)
}
