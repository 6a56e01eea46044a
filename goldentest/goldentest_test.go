package goldentest

import (
	"strings"
	"testing"
)

func TestDifference(t *testing.T) {
	long := strings.Repeat("x", 20000)
	for _, tt := range []struct{ got, want, diff string }{
		{"", "", ""},
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", "line 2, of 3 lines instead of 3\n got \"b\\n\"\nwant \"c\\n\""},
		{"a\n", "a\nb\n", "line 2, of 2 lines instead of 3\n got (the end)\nwant \"b\\n\""},
		{"", "a", "line 1, of 1 lines instead of 1\n got (the end)\nwant \"a\""},
		{long + "1", long + "2", "line 1, of 1 lines instead of 1\n got \"" + strings.Repeat("x", 40) + "1\"\nwant \"" + strings.Repeat("x", 40) + "2\""},
	} {
		if diff := Difference([]byte(tt.got), []byte(tt.want)); diff != tt.diff {
			t.Errorf("got\n%s\nwant\n%s", diff, tt.diff)
		}
	}
}
