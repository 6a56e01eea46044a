// Package labtest lets tests use package lab: it decides what happens where
// namespaces are not allowed, and takes labs down with the test.
package labtest

import (
	"errors"
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab"
)

// Require skips the test where no lab can be started, with the reason. In
// continuous integration (CI=true) it fails the test instead, so that a missing
// right cannot pass for success.
func Require(t testing.TB) {
	t.Helper()
	err := lab.Available()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%v; CI must allow it: run as root, or use labtest.Main where user namespaces are allowed", err)
	default:
		t.Skipf("%v; run as root, or allow user namespaces", err)
	}
}

// SideBySide lets six parallel tests run at a time, on however few processors,
// unless the flag -parallel says otherwise: tests of labs wait more than they
// compute. TestMain calls it before the tests.
func SideBySide() {
	const most = 6
	// It fails only where package testing has no such flag: then all is as ever.
	_ = flag.Set("test.parallel", strconv.Itoa(max(most, runtime.GOMAXPROCS(0))))
}

// Start starts a scenario by name, or by the path of its file, and closes the
// lab when the test ends. It does what Require does first.
func Start(t testing.TB, name string) *lab.Lab {
	t.Helper()
	s, err := lab.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return StartScenario(t, s)
}

// StartScenario is Start for a scenario that is loaded already. Where a program
// of another project is missing it skips the test with its name, and fails it in
// continuous integration.
func StartScenario(t testing.TB, s *lab.Scenario) *lab.Lab {
	t.Helper()
	Require(t)
	l, err := lab.Start(t.Context(), s)
	if errors.Is(err, lab.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	return l
}
