package main

import (
	"bytes"
	"strings"
	"testing"
)

// What was typed is escaped where it is said again.
func TestFlagErrorsAreClean(t *testing.T) {
	for arg, want := range map[string]string{
		"-x\x1b[31m":      `nlbprobe: there is no flag "-x"` + "\nnlbprobe: nlbprobe --help lists the flags",
		"-\x1b[31m":       `nlbprobe: there is no flag "-\x1b"` + "\nnlbprobe: nlbprobe --help lists the flags",
		"--x\x1b[31m\n":   `nlbprobe: there is no flag "--x\x1b[31m\n"` + "\nnlbprobe: nlbprobe --help lists the flags",
		"--vlan=\x1b[31m": `nlbprobe: "\x1b[31m" is no VLAN: decimal digits, 1 to 4094`,
	} {
		var out, errs bytes.Buffer
		status := run(t.Context(), []string{arg, "172.16.63.241"}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if status != exitUnknown || errs.String() != want+"\n" || out.Len() > 0 {
			t.Errorf("%q: status %d, %q, want %q; stdout %q", arg, status, errs.String(), want, out.String())
		}
	}
}

func TestPorts(t *testing.T) {
	for text, want := range map[string]string{"80": "80", "80,443": "80,443", " 1, 65535": "1,65535", "": "", "0": "", "65536": "", "80,": "", "80,http": "", "-1": ""} {
		var p ports
		if err := p.Set(text); (err == nil) != (want != "") || p.String() != want {
			t.Errorf("%q: %v, %q", text, err, p.String())
		}
	}
}

// What other tools call a flag is told, and so is whose flag it is; a flag that is
// near keeps its near one.
func TestFlagsOfOthers(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string // the first line
	}{
		{[]string{"--json", "192.0.2.1"}, `there is no flag "--json"; write -o json or -o text`},
		{[]string{"--timeout", "2", "192.0.2.1"}, `there is no flag "--timeout"; --wait TIME bounds how long it takes`},
		{[]string{"-t", "2", "192.0.2.1"}, `there is no flag "-t"; --wait TIME bounds how long it takes`},
		{[]string{"-I", "eth0", "192.0.2.1"}, `there is no flag "-I"; the interface is -i IFACE`},
		{[]string{"--gateway", "192.0.2.2", "192.0.2.1"}, `there is no flag "--gateway"; the router is --router IP`},
		{[]string{"--vip", "192.0.2.1"}, `there is no flag "--vip"; the VIP needs no flag: nlbprobe VIP`},
		{[]string{"-V"}, `there is no flag "-V"; nlbprobe version`},
		{[]string{"--section", "remove", "192.0.2.1"}, `there is no flag "--section" here; it is a flag of nlbprobe render`},
		{[]string{"mac", "--vlan", "3"}, `there is no flag "--vlan" here; it is a flag of nlbprobe VIP, nlbprobe analyze and nlbprobe render`},
		{[]string{"--platfrom", "x", "192.0.2.1"}, `there is no flag "--platfrom"; did you mean --platform?`},
		{[]string{"-i"}, "--interface needs a value: --interface IFACE"},
		{[]string{"192.0.2.1", "--wait"}, "--wait needs a value: --wait TIME"},
	} {
		var out, errs bytes.Buffer
		status := run(t.Context(), row.args, stdio{in: strings.NewReader(""), out: &out, err: &errs})
		first, _, _ := strings.Cut(errs.String(), "\n")
		if status != exitUnknown || first != "nlbprobe: "+row.want || out.Len() > 0 {
			t.Errorf("%q: status %d, %q, want %q", row.args, status, first, row.want)
		}
	}
}

// No word of another tool hides a flag of ours, of whatever command.
func TestOtherWordsAreNoFlags(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range otherWords {
		for _, name := range w.names {
			if seen[name] {
				t.Errorf("%q stands twice", name)
			}
			seen[name] = true
			for _, c := range append(commandsOf(stdio{}), newRootCmd(stdio{})) {
				if len(name) == 1 && c.Flags().ShorthandLookup(name) != nil || len(name) > 1 && c.Flags().Lookup(name) != nil && name != "format" && name != "vip" {
					t.Errorf("%q is a flag of %s", name, c.Name())
				}
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]string{"2": "2s", "0": "", "500ms": "500ms", "2m": "2m0s", "-1s": "-1s", "": "!", "2x": "!", "1e9": "!", "99999999999": "!", "-2": "!"} {
		var s seconds
		err := s.Set(text)
		if (err != nil) != (want == "!") || err == nil && s.String() != want {
			t.Errorf("%q: %v, %q", text, err, s.String())
		}
	}
}
