package templates

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// TestNames: what people type is found, as one platform or as all that it stands
// for, and nothing is guessed across vendors.
func TestNames(t *testing.T) {
	f, err := os.Open("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := load(t)
	rows, found := 0, 0
	for in := bufio.NewScanner(f); in.Scan(); {
		name, platforms, isRow := strings.Cut(in.Text(), " ->")
		if !isRow || strings.HasPrefix(name, "#") {
			continue
		}
		rows++
		want := strings.Fields(platforms)
		got := s.Find(name)
		if p, err := s.Lookup(name); err == nil {
			got = []string{p.Name}
		} else if e, ok := errors.AsType[*UnknownError](err); !ok {
			t.Errorf("%s: %v", name, err)
		} else if got = e.Several; len(got) == 0 && e.Nearest != "" {
			t.Errorf("%s: %v", name, e)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s -> %s; want %s", name, strings.Join(got, " "), strings.Join(want, " "))
		} else if len(want) > 0 {
			found++
		}
	}
	if rows < 200 || found < 180 {
		t.Errorf("%d names, %d of them found", rows, found)
	}
}

// TestUnknown has what is said of names that stand for no platform: the same
// word with a letter wrong, the platforms of the vendor that it names, or nothing.
func TestUnknown(t *testing.T) {
	s := load(t)
	for name, want := range map[string]string{
		"cisco-ois":        `no platform is called "cisco-ois"; did you mean "cisco-ios"?`,
		"cisco foobar":     `no platform is called "cisco foobar"; of cisco there are: cisco-aci, cisco-asa, `,
		"juniper-qfz":      `no platform is called "juniper-qfz"; did you mean "juniper-qfx"?`,
		"juniper screenos": `no platform is called "juniper screenos"; of juniper there are: juniper-ex, juniper-junos, juniper-srx`,
		"fortigaet":        `no platform is called "fortigaet"; did you mean "fortigate"?`,
		"mikrotic":         `no platform is called "mikrotic"; did you mean "mikrotik"?`,
		"omniswitch 6860":  `no platform is called "omniswitch 6860"; of omniswitch there are: alcatel-aos6`,
		"tp-link":          `no platform is called "tp-link"`,
		"X461":             `no platform is called "X461"`,
		"ex4700":           `no platform is called "ex4700"`, // ex4600 is another switch
		"nos":              `no platform is called "nos"`,    // and not enos
		"vos":              `no platform is called "vos"`,    // voss and vyos are as near
		"vyosx":            `no platform is called "vyosx"; did you mean "vyos"?`,
		"\x1b[31m":         "no platform is called \"\\x1b[31m\"",
		"cisco":            `"cisco" stands for 14 platforms: cisco-aci, cisco-asa, `,
	} {
		_, err := s.Lookup(name)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.HasSuffix(want, `"`) && err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	long := strings.Repeat("cisco ", 1000)
	if _, err := s.Lookup(long); err == nil || len(err.Error()) > 2000 {
		t.Errorf("a long name: %.100v", err)
	}
}

// TestUserModels: a user's file is found by its families and models too, and goes
// before the built-in one that it stands for.
func TestUserModels(t *testing.T) {
	s := load(t, folder(map[string]string{"acme.yaml": templatestest.AcmeFile(t, "families: [Acme 1]", "families: [Roadrunner 9]\nmodels: [\"RR9*\", \"TNT-[0-9]*\"]")}))
	for name, want := range map[string]string{"roadrunner": "acme-os", "RR9000-X": "acme-os", "TNT-48": "acme-os", "Acme RR9": "acme-os", "tntx": "", "rr8": ""} {
		if got := strings.Join(s.Find(name), " "); got != want {
			t.Errorf("%s -> %s, want %s", name, got, want)
		}
	}
}

// TestModels: a pattern that fits nearly everything, or none, is a fault.
func TestModels(t *testing.T) {
	for pattern, bad := range map[string]bool{"RR9*": false, "R*": true, "*": true, "-_*": true, "RR[0-9": true, "RR[0-9]*": false, "RR?9": true, strings.Repeat("R", 80): true} {
		_, err := vet.Parse("f", []byte(templatestest.AcmeFile(t, "families: [Acme 1]", "families: [Acme 1]\nmodels: [\""+pattern+"\"]")))
		if (err != nil) != bad {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"cisco", "Catalyst 3750-X 48P", "10.0.0.1", "a b c d e f g h i", "[0-9]*", "\xff\x00", strings.Repeat("ios ", 40)} {
		f.Add(s)
	}
	s := load(f)
	f.Fuzz(func(t *testing.T, name string) {
		found := s.Find(name)
		if !slices.IsSorted(found) {
			t.Errorf("%q: %q", name, found)
		}
		if _, err := s.Lookup(name); err != nil && (strings.ContainsAny(err.Error(), "\n\r\x1b\x00") || len(err.Error()) > 2000) {
			t.Errorf("%q: %q", name, err)
		}
	})
}
