package guard_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/guard"
)

// A panic becomes one line that names the place, and what a terminal obeys in
// its value is not in it.
func TestSafely(t *testing.T) {
	var none []int
	for want, f := range map[string]func() error{
		"at guard_test.go:": func() error { _ = none[len(os.Args)]; return nil },
		"out of range":      func() error { _ = none[len(os.Args)]; return nil },
		"on purpose":        func() error { panic("on purpose") },
		`"\x1b[31m`:         func() error { panic(fmt.Errorf("name %q", "\x1b[31m"+strings.Repeat("x", 1000))) },
	} {
		err := guard.Safely(f)
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 250 || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%v, want %q in one line", err, want)
		}
	}
	wrong := errors.New("an ordinary error")
	if err := guard.Safely(func() error { return wrong }); !errors.Is(err, wrong) {
		t.Error(err)
	}
	if err := guard.Safely(func() error { return nil }); err != nil {
		t.Error(err)
	}
}
