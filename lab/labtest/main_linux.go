package labtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab"
)

// insideVariable tells a test binary that it was started by Main.
const insideVariable = "NLBPROBE_LABTEST_INSIDE"

// Main runs the tests of a package that uses labs:
//
//	func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }
//
// They run [SideBySide]. Root runs them at once. For anybody else it starts the test binary again as
// root of a user namespace, where the kernel allows that; where it does not,
// the tests run without and [Require] has the last word.
func Main(m *testing.M) int {
	SideBySide()
	if os.Getenv(insideVariable) != "" {
		if err := lab.Settle(); err != nil {
			fmt.Fprintf(os.Stderr, "labtest: %v\n", err)
			return 1
		}
		return m.Run()
	}
	if lab.Available() == nil {
		return m.Run()
	}
	// The kernel kills the tests together with this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.Env = append(os.Environ(), insideVariable+"=1")
	if err := lab.Isolate(again, true); err != nil {
		return m.Run()
	}
	if err := again.Start(); err != nil {
		return m.Run()
	}
	err := again.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "labtest: %v\n", err)
		return 1
	}
	return 0
}
