package templates

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// every calls f with each platform, case and section as they are rendered.
func every(t *testing.T, f func(p *platform.Platform, name string, v render.Values, role platform.Role, configs map[platform.Section]render.Config)) {
	t.Helper()
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for name, tt := range templatestest.Cases(p) {
			configs, err := render.Sections(p, tt.V, tt.Role, platform.Sections(), render.Options{})
			if err != nil {
				t.Fatalf("%s/%s: %v", p.Name, name, err)
			}
			by := map[platform.Section]render.Config{}
			for _, c := range configs {
				by[c.Section] = c
			}
			f(p, name, tt.V, tt.Role, by)
		}
	}
}

// TestEveryChangeIsVerified: whoever is told what to enter is told how to see
// that it works.
func TestEveryChangeIsVerified(t *testing.T) {
	every(t, func(p *platform.Platform, name string, _ render.Values, _ platform.Role, c map[platform.Section]render.Config) {
		if len(templatestest.Devices(c[platform.Configure])) > 0 && len(templatestest.Devices(c[platform.Verify])) == 0 {
			t.Errorf("%s/%s: lines to configure, and none to verify:\n%s", p.Name, name, c[platform.Configure].Text)
		}
	})
}

// setting reports whether a line changes how the device, a VLAN or a port
// behaves, and makes no entry of the cluster's own: then it may have been there
// before, and others may live by it.
func setting(p *platform.Platform, l platform.Line) bool {
	text := render.Outline(p, l.Line)
	for _, of := range []string{"<VIP>", "<VIP-NUMBER>", "<MAC>", "<GROUP>"} {
		if strings.Contains(text, of) {
			return false
		}
	}
	return true
}

// TestEverySettingIsBounded: a setting either stays, and the line says why, or
// remove says what to think of before it is taken back. One that holds for the
// whole device - it names neither a VLAN nor a port nor anything else, and stands
// in no mode of theirs - is said to do so.
func TestEverySettingIsBounded(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range all {
		for _, l := range p.Configure {
			if !setting(p, l) {
				continue
			}
			seen++
			// A folder that is taken away only while it is empty is nobody else's.
			if l.Undo != "" && l.UndoNote == "" && !strings.Contains(l.Undo, "--ignore-fail-on-non-empty") {
				t.Errorf("%s: %q may have been set before; its undo-note does not say what to think of", p.Name, l.Line)
			}
			if strings.Contains(render.Outline(p, l.Line), "<") || strings.TrimSpace(p.Contexts[l.In].Open) != "" {
				continue
			}
			if says := l.Keep + l.UndoNote; !strings.Contains(says, "holds for the whole device") {
				t.Errorf("%s: %q names no VLAN and no port, and nothing says that it holds for the whole device: %q", p.Name, l.Line, says)
			}
		}
	}
	if seen < 30 {
		t.Errorf("%d settings: the test looks past them", seen)
	}
}

// TestSeenOnADevice: a line that no document of the vendor has, but that devices
// were seen to take, stands behind a comment that says so, as an unverified one
// does behind its own.
func TestSeenOnADevice(t *testing.T) {
	seen := 0
	every(t, func(p *platform.Platform, name string, _ render.Values, _ platform.Role, c map[platform.Section]render.Config) {
		for _, s := range []platform.Section{platform.Configure, platform.Remove} {
			field, other := templatestest.LinesOf(p, s, platform.Field), append(templatestest.LinesOf(p, s, platform.Vendor), templatestest.LinesOf(p, s, platform.Unverified)...)
			match := func(res []*regexp.Regexp, line string) bool {
				return slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(strings.TrimSpace(line)) })
			}
			marked := false
			for line := range strings.Lines(c[s].Text) {
				line = strings.TrimSuffix(line, "\n")
				switch {
				case strings.Contains(line, "seen on a device, not in a document"):
					marked = true
				case templatestest.IsComment(c[s], line):
				case match(field, line) && !match(other, line):
					seen++
					if !marked {
						t.Errorf("%s/%s, %s: %q is in no document of the vendor, and nothing says so:\n%s", p.Name, name, s, line, c[s].Text)
					}
				case match(other, line):
					marked = false
				}
			}
		}
	})
	if seen == 0 {
		t.Error("no line of the kind was seen")
	}
}

// TestRemoveHasNothingElse: every line of the remove section undoes a line of
// the configure section, or enters or leaves the mode that it stands in.
func TestRemoveHasNothingElse(t *testing.T) {
	every(t, func(p *platform.Platform, name string, v render.Values, role platform.Role, c map[platform.Section]render.Config) {
		var known []*regexp.Regexp
		add := func(text string) {
			for line := range strings.Lines(render.Outline(p, text)) {
				known = append(known, regexp.MustCompile("^"+templatestest.LineForm(strings.TrimSpace(line))+",?$"))
			}
		}
		for _, l := range p.Configure {
			if templatestest.Wanted(t, p, l, v, role) {
				add(l.Undo)
				add(p.Contexts[l.In].Open)
				add(p.Contexts[l.In].Close)
			}
		}
		for _, line := range templatestest.Devices(c[platform.Remove]) {
			if !slices.ContainsFunc(known, func(re *regexp.Regexp) bool { return re.MatchString(line) }) &&
				!strings.HasPrefix(line, "vrf ") && line != "address-family ipv4" && line != "exit" {
				t.Errorf("%s/%s: remove has %q, which undoes nothing:\n%s", p.Name, name, line, c[platform.Remove].Text)
			}
		}
	})
}

// TestLinesAreNoComments: what the device is to read does not begin as a comment
// of this or another device does.
func TestLinesAreNoComments(t *testing.T) {
	every(t, func(p *platform.Platform, name string, _ render.Values, _ platform.Role, c map[platform.Section]render.Config) {
		for s, config := range c {
			for _, line := range templatestest.Devices(config) {
				if strings.ContainsAny(line[:1], "!#;") || strings.HasPrefix(line, "//") {
					t.Errorf("%s/%s, %s: the device is given %q to read", p.Name, name, s, line)
				}
			}
		}
	})
}

// TestShells: what is to be pasted into a shell is such that a shell can read it,
// its comments too.
func TestShells(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	every(t, func(p *platform.Platform, name string, _ render.Values, _ platform.Role, c map[platform.Section]render.Config) {
		for s, config := range c {
			if !strings.Contains(p.Paste.In(s), "shell") || len(config.Missing) > 0 || config.Comment == "" {
				continue
			}
			for line := range strings.Lines(config.Text) { // each by itself: two quotes that do not close would close each other
				if read[line] {
					continue
				}
				read[line] = true
				cmd := exec.Command(sh, "-n")
				cmd.Stdin = strings.NewReader(line)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s/%s, %s: %v: %s%s", p.Name, name, s, err, out, line)
				}
			}
		}
	})
	if len(read) < 100 {
		t.Errorf("%d lines were read", len(read))
	}
}

// TestEverySourceIsCited: a source that nothing cites is a leftover, or its line
// was forgotten.
func TestEverySourceIsCited(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.File != "built-in" {
			t.Errorf("%s is from %s", p.Name, filepath.Base(p.File))
		}
		cited := map[string]bool{}
		cite := func(keys ...string) {
			for _, k := range keys {
				cited[k] = true
			}
		}
		for _, a := range p.Accepts.List() {
			cite(a.Source...)
		}
		for _, c := range p.Contexts {
			cite(c.Source...)
		}
		cite(p.Running.Source...)
		for _, lines := range [][]platform.Line{p.Configure, p.Verify, p.Save} {
			for _, l := range lines {
				cite(l.Source...)
				cite(l.Ansible.Source...)
			}
		}
		for _, n := range p.Notes {
			cite(n.Source...)
		}
		if f := p.Ansible; f != nil {
			cite(f.Source...)
			for _, task := range f.Tasks {
				cite(task.Source...)
			}
		}
		if f := p.IETF; f != nil {
			cite(f.Source...)
		}
		if f := p.Terraform; f != nil {
			cite(f.Source...)
			for _, r := range f.Resources {
				cite(r.Source...)
			}
		}
		for key := range p.Sources {
			if !cited[key] && key != "none" {
				t.Errorf("%s: nothing cites the source %s", p.Name, key)
			}
		}
	}
}
