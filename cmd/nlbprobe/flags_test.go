package main

import (
	"bytes"
	"strings"
	"testing"
)

// What was typed is escaped where it is said again.
func TestFlagErrorsAreClean(t *testing.T) {
	for arg, want := range map[string]string{
		"-x\x1b[31m":      `nlbprobe: unknown shorthand flag: 'x' in -x\x1b[31m`,
		"--x\x1b[31m\n":   `nlbprobe: there is no flag "--x\x1b[31m\n"`,
		"--vlan=\x1b[31m": `nlbprobe: --vlan "\x1b[31m": it is not a whole number`,
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
