package platform

import (
	"strings"
	"testing"
)

// TestTame: what the YAML package is slow at, or fails on, is refused before
// it is asked. Without that 65,000 brackets take it half a minute.
func TestTame(t *testing.T) {
	tests := []struct{ data, want string }{
		{strings.Repeat("[", 65000), "f:1:101: more than 100 brackets are open"},
		{"name: x\n" + strings.Repeat("{a: ", 16000), "f:2:401: more than 100 brackets are open"},
		{"families: &a [x]\naliases: *a\n", `f:1:11: "&": anchors, aliases and tags are not for platform files`},
		{"aliases: *a\n", `f:1:10: "*": anchors, aliases and tags are not for platform files`},
		{"aliases: !b [a]\n", `f:1:10: "!b": anchors, aliases and tags are not for platform files`},
		{"paste:\n  <<: {save: x}\n", `f:2:3: "<<": anchors, aliases and tags are not for platform files`},
	}
	for _, tt := range tests {
		if err := Tame("f", []byte(tt.data)); err == nil || err.Error() != tt.want {
			t.Errorf("%.30q: %v, want %s", tt.data, err, tt.want)
		}
	}
	if err := guard(func() error { panic("inside the YAML package") }); err == nil || err.Error() != "the YAML is malformed" {
		t.Errorf("a panic in the YAML package: %v", err)
	}
}
