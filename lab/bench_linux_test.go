package lab_test

import (
	"testing"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// BenchmarkStart builds and takes down a cluster of two nodes.
func BenchmarkStart(b *testing.B) {
	labtest.Require(b)
	s, err := lab.Load("multicast")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l, err := lab.Start(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
