package main

import (
	"testing"

	"github.com/nlbprobe/nlbprobe/goldentest"
)

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	goldentest.Compare(t, "testdata/"+name, got)
}
