package mac

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
)

var example = Addr{0x03, 0x00, 0x5e, 0xab, 0xcd, 0xef}

// spellings has the example in every style, as its devices print it.
func spellings() map[Style]string {
	return map[Style]string{
		Colon:      "03:00:5e:ab:cd:ef",
		ColonUpper: "03:00:5E:AB:CD:EF",
		Hyphen:     "03-00-5e-ab-cd-ef",
		Dotted:     "0300.5eab.cdef",
		HHH:        "0300-5eab-cdef",
		SixSix:     "03005e-abcdef",
		Bare:       "03005eabcdef",
	}
}

func TestSpellings(t *testing.T) {
	if got, want := len(spellings()), len(styleNames); got != want {
		t.Fatalf("%d styles tested of %d", got, want)
	}
	for style, want := range spellings() {
		t.Run(style.String(), func(t *testing.T) {
			if got := example.In(style); got != want {
				t.Errorf("In: got %q, want %q", got, want)
			}
			for _, s := range []string{want, strings.ToLower(want), strings.ToUpper(want)} {
				if got, err := Parse(s); err != nil || got != example {
					t.Errorf("Parse(%q): got %v, %v", s, got, err)
				}
			}
			var byName Style
			if err := byName.UnmarshalText([]byte(style.String())); err != nil || byName != style {
				t.Errorf("UnmarshalText(%q): got %v, %v", style, byName, err)
			}
		})
	}
}

// Every separator may part groups of every size, though no vendor prints some.
func TestSeparators(t *testing.T) {
	for _, s := range []string{
		"03 00 5e ab cd ef", "0300 5eab cdef", "03005e abcdef",
		"03.00.5e.ab.cd.ef", "0300:5eab:cdef", "03005e:abcdef", "03005e.abcdef", "03:00:5E:ab:Cd:eF",
	} {
		if got, err := Parse(s); err != nil || got != example {
			t.Errorf("Parse(%q): got %v, %v", s, got, err)
		}
	}
}

// What systems print that are no network device: without leading zeros, as a
// number, and with the spaces of the column that it was copied from.
func TestOtherSystems(t *testing.T) {
	for in, want := range map[string]Addr{
		"3:0:5e:ab:cd:ef":      example, // arp of BSD, Solaris, HP-UX
		"3-0-5e-ab-cd-ef":      example,
		"3.0.5E.AB.CD.EF":      example,
		"3 0 5e ab cd ef":      example,
		"0:0:0:0:0:1":          {5: 1},
		"0:0:c:7:ac:3":         {0, 0, 0x0c, 0x07, 0xac, 0x03},
		"0x03005eabcdef":       example, // lanscan of HP-UX
		"0X03005EABCDEF":       example,
		" 03:00:5e:ab:cd:ef":   example,
		"03:00:5e:ab:cd:ef  ":  example,
		"  0x03005eabcdef ":    example,
		"  3:0:5e:ab:cd:ef   ": example,
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q): got %v, %v, want %v", in, got, err, want)
		}
	}
}

func TestUnknownStyle(t *testing.T) {
	for _, s := range []Style{Style(len(styleNames)), 99} {
		if got := example.In(s); got != example.In(Colon) {
			t.Errorf("In(%d): got %q", s, got)
		}
		if got, want := s.String(), fmt.Sprintf("Style(%d)", int(s)); got != want {
			t.Errorf("String: got %q, want %q", got, want)
		}
	}
	s := Dotted
	err := s.UnmarshalText([]byte("cisco"))
	const want = `mac: no spelling is called "cisco"; there are colon, colon-upper, hyphen, dotted, h-h-h, six-six, bare`
	if err == nil || err.Error() != want || s != Dotted {
		t.Errorf("got %v, style %v", err, s)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "0 of 12 hex digits"},
		{"03", 2, "2 of 12 hex digits"},
		{"03:00:5e:ab:cd:e", 16, "11 of 12 hex digits"}, // cut: where zeros lead one group they lead all
		{"00:0:c:7:ac:3", 4, "a group of 1 digits after one of 2"},
		{"3:0:5e:ab:cd", 1, "a group of 1 digits"},
		{"3:0:5e:ab:cd:ef:1", 1, "a group of 1 digits"},
		{"3:0:5e:ab:cd:ef:", 1, "a group of 1 digits"},
		{"3:0:5e-ab:cd:ef", 1, "a group of 1 digits"},
		{"3::0:5e:ab:cd:ef", 1, "a group of 1 digits"},
		{"3  0 5e ab cd ef", 1, "a group of 1 digits"},
		{"003:0:5e:ab:cd:ef", 3, "a group of 3 digits"},
		{"03:00:5e:ab:cd:ef\t", 17, "not a hex digit"},
		{"   ", 3, "0 of 12 hex digits"},
		{" 03:00:5e:ab:cd:eg", 17, "not a hex digit"},
		{"0x", 1, "not a hex digit"},
		{"0x3005eabcdef", 13, "11 of 12 hex digits"},
		{"0x03005eabcdef0", 14, "more than 12 hex digits"},
		{"0x03:00:5e:ab:cd:ef", 4, "not a hex digit"},
		{"0x0x03005eabcdef", 3, "not a hex digit"},
		{"03:00:5e:ab:cd", 14, "10 of 12 hex digits"},
		{"03:00:5e:ab:cd:", 15, "10 of 12 hex digits"},
		{"03005eabcde", 11, "11 of 12 hex digits"},
		{"03005eabcdef0", 12, "more than 12 hex digits"},
		{"03:00:5e:ab:cd:ef:01", 18, "more than 12 hex digits"},
		{"03:00:5e:ab:cd:ef:", 18, "a group of 0 digits after one of 2"},
		{"03:00:5e:ab:cd:eg", 16, "not a hex digit"},
		{"03:00:5e:ab:cd:ef\n", 17, "not a hex digit"},
		{"03:00:5e\x00ab:cd:ef", 8, "not a hex digit"},
		{"03/00/5e/ab/cd/ef", 2, "not a hex digit"},
		{"03:00:5e:ab:cd:éf", 15, "not a hex digit"},
		{":03:00:5e:ab:cd:ef", 0, "a separator before the first digit"},
		{"-", 0, "a separator before the first digit"},
		{"03:00:5e-ab:cd:ef", 8, "two kinds of separator"},
		{"0300.5eab-cdef", 9, "two kinds of separator"},
		{"030:05e:abc:def", 3, "a group of 3 digits"},
		{"03005eab-cdef", 8, "a group of 8 digits"},
		{"03::00:5e:ab:cd:ef", 3, "a group of 0 digits after one of 2"},
		{"03:00:5eab:cd:ef", 10, "a group of 4 digits after one of 2"},
		{"0300.5e.abcdef", 7, "a group of 2 digits after one of 4"},
		{"0300.5eabcdef", 13, "a group of 8 digits after one of 4"},
		{"03:00:5e:ab:cdef", 16, "a group of 4 digits after one of 2"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := Parse(tt.in)
			var pe *ParseError
			if !errors.As(err, &pe) {
				t.Fatalf("got %v, %v, want a ParseError", got, err)
			}
			if *pe != (ParseError{tt.in, tt.offset, tt.reason}) {
				t.Errorf("got %+v\nwant offset %d, reason %q", *pe, tt.offset, tt.reason)
			}
			if got != (Addr{}) {
				t.Errorf("an error with the address %v", got)
			}
			a := example
			if err := a.UnmarshalText([]byte(tt.in)); err == nil || a != example {
				t.Errorf("UnmarshalText: %v, and the address became %v", err, a)
			}
		})
	}
}

// The text of an error is one line, whatever the input.
func TestParseErrorText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"0300.5e1g.1111", `"0300.5e1g.1111" is not a MAC address: not a hex digit (at character 9); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
		{"03\n\x1b[31m", `"03\n\x1b[31m" is not a MAC address: not a hex digit (at character 3); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
		{strings.Repeat("z", 40), `"` + strings.Repeat("z", 40) + `" is not a MAC address: not a hex digit (at character 1); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
		{strings.Repeat("z", 1000), `"` + strings.Repeat("z", 40) + `..." is not a MAC address: not a hex digit (at character 1); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
	}
	for _, tt := range tests {
		_, err := Parse(tt.in)
		if err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%.20q...): got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

// reference reads an address slowly and plainly: the allowed layouts are tried
// one after another.
func reference(s string) (Addr, bool) {
	s = strings.Trim(strings.ToLower(s), " ")
	if rest, is := strings.CutPrefix(s, "0x"); is && !strings.ContainsAny(rest, ":-. ") {
		s = rest
	}
	for _, sep := range []string{":", "-", ".", " "} {
		parts := strings.Split(s, sep)
		leads := func(p string) bool { return len(p) == 2 && p[0] == '0' }
		if len(parts) != 6 || slices.ContainsFunc(parts, leads) {
			continue
		}
		for i, p := range parts {
			if len(p) == 1 {
				parts[i] = "0" + p
			}
		}
		s = strings.Join(parts, sep)
	}
	for _, size := range []int{2, 4, 6, 12} {
		for _, sep := range []string{":", "-", ".", " "} {
			parts := strings.Split(s, sep)
			if len(parts) != 12/size {
				continue
			}
			if slices.ContainsFunc(parts, func(p string) bool { return len(p) != size }) {
				continue
			}
			digits := strings.Join(parts, "")
			var a Addr
			ok := true
			for i := range digits {
				d := strings.IndexByte("0123456789abcdef", digits[i])
				if d < 0 {
					ok = false
					break
				}
				a[i/2] = a[i/2]*16 + byte(d)
			}
			if ok {
				return a, true
			}
		}
	}
	return Addr{}, false
}

// checkParse holds Parse against both references, and what it accepts against
// its own spellings.
func checkParse(t *testing.T, s string) {
	t.Helper()
	got, err := Parse(s)
	want, ok := reference(s)
	// ToLower maps a few letters that are no ASCII to ASCII (the Kelvin sign),
	// none of them a hex digit, so the reference is exact.
	if ok != (err == nil) || got != want {
		t.Fatalf("Parse(%q): %v, %v; the reference says %v, %v", s, got, err, want, ok)
	}
	if hw, err2 := net.ParseMAC(s); err2 == nil && len(hw) == 6 {
		if err != nil || got != From(hw) {
			t.Fatalf("Parse(%q): %v, %v; net.ParseMAC says %v", s, got, err, hw)
		}
	}
	if err != nil {
		var pe *ParseError
		if !errors.As(err, &pe) || pe.Input != s || pe.Offset < 0 || pe.Offset > len(s) || pe.Reason == "" {
			t.Fatalf("Parse(%q): error %#v", s, err)
		}
		if text := err.Error(); strings.ContainsAny(text, "\n\r\x1b") || len(text) > 400 {
			t.Fatalf("Parse(%q): the error is not one short line: %q", s, text)
		}
		return
	}
	for style := range styleNames {
		spelt := got.In(Style(style))
		if again, err := Parse(spelt); err != nil || again != got {
			t.Fatalf("%q reads as %v, which as %q reads as %v, %v", s, got, spelt, again, err)
		}
	}
	text, err := got.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var again Addr
	if err := again.UnmarshalText(text); err != nil || again != got {
		t.Fatalf("%v as text is %q, which reads as %v, %v", got, text, again, err)
	}
}

func TestAgainstReferences(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 20000 {
		var a Addr
		for i := range a {
			a[i] = byte(r.Uint32())
		}
		s := []byte(a.In(Style(r.IntN(len(styleNames)))))
		checkParse(t, string(s))
		accepted++
		// One step off: a character changed, taken out or put in.
		const alphabet = "0123456789abcdefABCDEF:-.g /\n\x00\xff"
		at, c := r.IntN(len(s)), alphabet[r.IntN(len(alphabet))]
		switch r.IntN(3) {
		case 0:
			s[at] = c
		case 1:
			s = slices.Delete(s, at, at+1)
		case 2:
			s = slices.Insert(s, at, c)
		}
		checkParse(t, string(s))
	}
	if accepted == 0 {
		t.Fatal("nothing was tried")
	}
}

func TestJSON(t *testing.T) {
	type doc struct {
		MAC  Addr
		Seen map[Addr]int
	}
	in := doc{example, map[Addr]int{example: 3}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"MAC":"03:00:5e:ab:cd:ef","Seen":{"03:00:5e:ab:cd:ef":3}}`
	if string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	var out doc
	if err := json.Unmarshal([]byte(`{"MAC":"0300.5EAB.CDEF","Seen":{"03005e-abcdef":3}}`), &out); err != nil {
		t.Fatal(err)
	}
	if out.MAC != example || out.Seen[example] != 3 {
		t.Errorf("got %+v", out)
	}
}

func TestBits(t *testing.T) {
	tests := []struct {
		addr                       string
		group, local, broad, isNil bool
	}{
		{"00:00:00:00:00:00", false, false, false, true},
		{"00:1b:21:00:00:01", false, false, false, false},
		{"02:bf:0a:00:00:01", false, true, false, false},
		{"03:bf:0a:00:00:01", true, true, false, false},
		{"01:00:5e:7f:00:01", true, false, false, false},
		{"ff:ff:ff:ff:ff:ff", true, true, true, false},
		{"ff:ff:ff:ff:ff:fe", true, true, false, false},
		{"00:01:00:00:00:00", false, false, false, false}, // the bits are the first byte's
		{"00:00:00:00:00:01", false, false, false, false},
	}
	for _, tt := range tests {
		a, err := Parse(tt.addr)
		if err != nil {
			t.Fatal(err)
		}
		if a.IsGroup() != tt.group || a.IsLocal() != tt.local || a.IsBroadcast() != tt.broad || a.IsZero() != tt.isNil {
			t.Errorf("%v: group %v, local %v, broadcast %v, zero %v", a, a.IsGroup(), a.IsLocal(), a.IsBroadcast(), a.IsZero())
		}
	}
}

func TestCompare(t *testing.T) {
	// In order, each differing from the next in another byte.
	ordered := []Addr{
		{}, {0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 1, 0, 0xff},
		{0, 0, 1}, {0, 1}, {1}, {0x7f, 0xff}, {0x80}, Broadcast,
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := a.Compare(b), cmp.Compare(i, j); got != want {
				t.Errorf("%v.Compare(%v): got %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestHardwareAddr(t *testing.T) {
	h := example.HardwareAddr()
	if h.String() != example.String() || From(h) != example {
		t.Errorf("got %v", h)
	}
	h[0] = 0xaa // a copy: the address stays as it is
	if example[0] != 0x03 {
		t.Error("HardwareAddr shares memory with the address")
	}
	frame := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	if got := From(frame); got != (Addr{1, 2, 3, 4, 5, 6}) {
		t.Errorf("From: got %v", got)
	}
}

// Addresses are compared for every frame.
func TestAllocations(t *testing.T) {
	a, b := example, Broadcast
	seen := map[Addr]int{a: 1}
	var sink int
	for name, f := range map[string]func(){
		"Compare": func() { sink += a.Compare(b) },
		"bits": func() {
			if a == b || !a.IsGroup() || a.IsBroadcast() || a.IsZero() || !a.IsLocal() {
				t.Error("wrong bits")
			}
		},
		"map key": func() { sink += seen[a] },
		"Parse": func() {
			if _, err := Parse("0300.5eab.cdef"); err != nil {
				t.Error(err)
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	seeds := 0
	for _, s := range spellings() {
		f.Add(s)
		f.Add(strings.ToUpper(s))
		seeds += 2
	}
	for _, s := range []string{
		"", "03", "03:00:5e:ab:cd:ef:01", "03:00:5e-ab:cd:ef", "0300.5e.abcdef", "3:0:5e:ab:cd:ef", "03::00:5e:ab:cd:ef",
		"0x03005eabcdef", " 3 0 5e ab cd ef ", "03:00:5e:ab:cd:e", "03:00:5e:ab:cd:ef\n", "\xff\xfe", "02-00-5e-10-00-00-00-01",
	} {
		f.Add(s)
		seeds++
	}
	if seeds < 2*len(styleNames) {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(checkParse)
}
