package nearest_test

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/nearest"
)

func TestWord(t *testing.T) {
	known := []string{"cisco-ios", "cisco-nxos", "cisco-catalyst-9000", "hpe-comware", "vyos"}
	tests := []struct{ word, want string }{
		{"cisco-ios", "cisco-ios"},
		{"cisco-oi", "cisco-ios"},
		{"Cisco-IOS", "cisco-ios"},
		{"ciscoios", "cisco-ios"},
		{"nxos", "cisco-nxos"}, // a part of the name
		{"9000", "cisco-catalyst-9000"},
		{"comware", "hpe-comware"},
		{"vyso", "vyos"}, // neighbours exchanged: the commonest slip
		{"vosy", ""},     // half of four letters would have to change
		{"windows", ""},
		{"os", ""}, // too short to be a part that means anything
		{"", ""},
		{strings.Repeat("x", 1<<20), ""},
	}
	for _, tt := range tests {
		if got := nearest.Word(tt.word, known); got != tt.want {
			t.Errorf("Word(%.20q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := nearest.Word("x", nil); got != "" {
		t.Errorf("with nothing known: %q", got)
	}
}

func TestTypos(t *testing.T) {
	known := []string{"cisco-ios", "enos", "ex4300", "ex4600", "voss", "vyos", "d-link", "mlnx-os", "fortigate"}
	for word, want := range map[string]string{
		"cisco-ois": "cisco-ios", "cisco ios": "cisco-ios", "CISCOIOS": "cisco-ios", "fortigat": "fortigate", "fortgaet": "fortigate",
		"vos": "", "vyoss": "voss vyos", "vyosx": "vyos", // of three letters every word is near
		"nos": "", "tp-link": "", "nx-os": "", // another word, however few letters differ
		"ex4700": "", "ey4300": "ex4300", // another number is another thing
		"fortiswitch": "", "": "", "-": "", "f": "",
	} {
		if got := strings.Join(nearest.Typos(word, known), " "); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := nearest.Typos(strings.Repeat("x", 1<<20), known); got != nil {
		t.Errorf("a long word: %q", got)
	}
}
