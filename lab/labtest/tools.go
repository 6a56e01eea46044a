package labtest

import (
	"os"
	"os/exec"
	"testing"
)

// Tools skips the test where a program that it runs is not installed, and fails
// it in continuous integration (CI=true). A test that runs programs by a shell
// names them here, so that a test at the root of the module can hold them
// against scripts/test-deps.sh.
func Tools(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%v; scripts/test-deps.sh installs it", err)
			}
			t.Skipf("%v; scripts/test-deps.sh installs it", err)
		}
	}
}
