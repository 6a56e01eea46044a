package finding_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/nlb"
)

func TestWorst(t *testing.T) {
	rising := []finding.Severity{finding.OK, finding.Info, finding.Unknown, finding.Warning, finding.Critical}
	for i, s := range rising {
		for k, other := range rising {
			if got := finding.Worst(s, other); got != rising[max(i, k)] {
				t.Errorf("worst of %v and %v: %v", s, other, got)
			}
			if got := s.Compare(other); (got > 0) != (i > k) || (got < 0) != (i < k) {
				t.Errorf("%v beside %v: %d", s, other, got)
			}
		}
	}
	if got := finding.Worst(); got != finding.Unknown {
		t.Errorf("of none: %v", got)
	}
}

func TestExitStatus(t *testing.T) {
	for s, want := range map[finding.Severity]int{finding.OK: 0, finding.Info: 0, finding.Warning: 1, finding.Critical: 2, finding.Unknown: 3, 99: 3} {
		if got := s.ExitStatus(); got != want {
			t.Errorf("%v: %d, want %d", s, got, want)
		}
	}
	if got := finding.Severity(99).String(); got != "unknown" {
		t.Errorf("no such severity: %q", got)
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0 ms", 1500 * time.Microsecond: "1.5 ms", 9960 * time.Microsecond: "10.0 ms", 10 * time.Millisecond: "10 ms", 999 * time.Millisecond: "999 ms",
		time.Second: "1.0 s", 59900 * time.Millisecond: "59.9 s", 61 * time.Second: "1m1s", -time.Second: "-1.0 s", -1 << 63: "-1281023h53m38s",
	} {
		if got := finding.Span(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 hosts", 1: "1 host", 2: "2 hosts"} {
		if got := finding.Many(n, "host"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if once, more := finding.Times(1), finding.Times(3); once != "once" || more != "3 times" {
		t.Errorf("%q, %q", once, more)
	}
	start := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	for at, want := range map[time.Time]string{start: "+0.0 ms", start.Add(2 * time.Second): "+2.0 s", start.Add(-1): "an unknown time", {}: "an unknown time"} {
		if got := finding.Since(start, at); got != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
	if got, want := finding.Quoted("e\x1b[31m\n"), `"e\x1b[31m\n"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := finding.Quoted(string(make([]byte, 300))); len(got) > 200 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestLines(t *testing.T) {
	var l finding.Lines
	if len(l.List()) != 0 {
		t.Error("no lines at first")
	}
	for n := range finding.MaxLines {
		l.Add("line %d", n)
	}
	if got := l.List(); len(got) != finding.MaxLines || got[0] != "line 0" {
		t.Errorf("%q", got)
	}
	l.Add("one more")
	l.Add("and one")
	if got := l.List(); len(got) != finding.MaxLines+1 || got[finding.MaxLines] != "and 2 more lines like these" {
		t.Errorf("%q", got)
	}
}

func TestSet(t *testing.T) {
	s := make(finding.Set)
	for id, severity := range map[string]finding.Severity{"b": finding.Warning, "a": finding.Warning, "c": finding.Critical, "d": finding.Warning} {
		s.Add(finding.Entry{ID: id, Severity: severity, Certainty: nlb.Inferred, Cure: "Mend it.", Disproof: "It works.", References: []finding.Reference{{Source: "RFC 1", Certainty: nlb.Documented}}},
			"Summary of "+id+".", []string{"seen"}, []int{3, 1, 3})
	}
	ids := func(all []finding.Finding) (got []string) {
		for _, f := range all {
			got = append(got, f.ID)
		}
		return got
	}
	if got := ids(s.Sorted(nil)); !slices.Equal(got, []string{"c", "a", "b", "d"}) {
		t.Errorf("%q", got)
	}
	if got := ids(s.Sorted(func(f finding.Finding) bool { return f.ID == "d" })); !slices.Equal(got, []string{"c", "d", "a", "b"}) {
		t.Errorf("d leads those of its severity: %q", got)
	}
	f := s["a"]
	if f.Certainty != nlb.Inferred || f.Remedy != "Mend it." || f.Disproof != "It works." || !slices.Equal(f.References, []string{"RFC 1"}) || !slices.Equal(f.Items, []int{3, 1}) {
		t.Errorf("%+v", f)
	}
	s.Lower("a", finding.Critical)
	if f.Severity != finding.Warning {
		t.Error("lowering never raises")
	}
	s.Lower("a", finding.Info)
	s.Lower("nothing", finding.Info)
	if f.Severity != finding.Info {
		t.Error("not lowered")
	}
}
