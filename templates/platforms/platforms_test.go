package platforms_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platforms"
)

// TestNames: each file is found by its name, which is the platform's, and by nothing
// that is no name.
func TestNames(t *testing.T) {
	names := platforms.Names()
	if len(names) < 50 || !slices.IsSorted(names) {
		t.Fatalf("%q", names)
	}
	for _, name := range names {
		data, err := platforms.Read(name)
		if err != nil || !platforms.Has(name) || !strings.Contains("\n"+string(data), "\nname: "+name+"\n") {
			t.Errorf("%s: %v; its file does not have the name", name, err)
		}
	}
	for _, no := range []string{"", ".", "..", "../platforms/cisco-ios", "platforms/cisco-ios", "cisco-ios.yaml", "README", "no-such"} {
		if platforms.Has(no) {
			t.Errorf("%q is taken for a platform", no)
		}
	}
}
