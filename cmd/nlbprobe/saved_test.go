package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/schematest"
)

// saidOf are the lines of a report that say what is the matter, in order.
func saidOf(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		for _, head := range []string{"VERDICT", "MSS", "critical  ", "warning   ", "info      "} {
			if strings.HasPrefix(line, head) {
				all = append(all, line)
			}
		}
	}
	return all
}

// runReportOn gives nlbprobe report an input.
func runReportOn(t *testing.T, input string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"report"}, args...), stdio{in: strings.NewReader(input), out: &out, err: &errs})
	return status, out.String(), errs.String()
}

// TestReport: what analyze says of each capture of the field and of each hostile one
// is what report makes of the same in JSON.
func TestReport(t *testing.T) {
	captures := make(map[string][]byte)
	for _, pattern := range []string{"testdata/field/*.*cap", "testdata/hostile/*.hex"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 20 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			if base, isHex := strings.CutSuffix(filepath.Base(name), ".hex"); isHex {
				captures[base] = unhex(t, base)
				continue
			}
			if captures[name], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	whole, several := 0, 0
	for name, data := range captures {
		// A platform makes a difference where unicast needs lines of its own.
		for _, flags := range [][]string{nil, {"--verbose", "--platform", "cisco-nxos,extreme-voss", "--vlan", "20"}} {
			analyze := func(more ...string) (int, string) {
				var out, errs bytes.Buffer
				status := run(t.Context(), slices.Concat([]string{"analyze", "-"}, flags, more), stdio{in: bytes.NewReader(data), out: &out, err: &errs})
				return status, out.String()
			}
			status, text := analyze()
			_, objects := analyze("-o", "json")
			if objects == "" {
				continue
			}
			schematest.Lines(t, objects, schemaOf)
			args := []string{"-"}
			if flags != nil {
				args = append(args, "--verbose")
			}
			got, again, stderr := runReportOn(t, objects, args...)
			if stderr != "" || got != status && status != exitUnknown { // which says that there may be more than was read
				t.Errorf("%s: status %d, of analyze %d; stderr %q", name, got, status, stderr)
			}
			if strings.Count(objects, "\n") > 1 {
				several++
				if !slices.Equal(saidOf(again), saidOf(text)) {
					t.Errorf("%s: %q, of analyze %q", name, saidOf(again), saidOf(text))
				}
				continue
			}
			if whole++; again != text {
				t.Errorf("%s:\n%s\nof analyze:\n%s", name, again, text)
			}
		}
	}
	if whole < 60 || several < 4 {
		t.Errorf("compared %d reports as a whole, and %d of several", whole, several)
	}
}

// What was read before a fault is printed, the fault is one line, and other files are
// read all the same.
func TestReportFaults(t *testing.T) {
	dir := t.TempDir()
	_, object, _ := runArgs(t, "analyze", captureOf(t, answerFrame(t, 1)), "-o", "json")
	write := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := write("good.json", object)
	for _, tt := range []struct {
		args, says string
		verdicts   int
	}{
		{good + " -", "", 2},
		{write("cut.json", object+object[:100]), ": object 2, from byte ", 1},
		{write("other.json", `{"schema":"nlbprobe/1","configs":[]}`) + " " + good, "it has no verdict: no object of a probe or of analyze", 1},
		{write("empty.json", "\n") + " " + good, "holds no object", 1},
		{filepath.Join(dir, "missing.json"), "no such file or directory", 0},
		{good + " - -", "can be read only once", 0},
		{"", "no file was given", 0},
	} {
		status, out, errs := runReportOn(t, object, strings.Fields(tt.args)...)
		want, lines := exitWarning, 0
		if tt.says != "" {
			want, lines = exitUnknown, 1
		}
		if status != want || strings.Count(errs, "\n") != lines || !strings.Contains(errs, tt.says) || strings.Count(out, "VERDICT ") != tt.verdicts {
			t.Errorf("%s: status %d, stderr %q, stdout %q", tt.args, status, errs, out)
		}
	}
}

// Ctrl-C ends a read that waits: what came until then is printed.
func TestReportInterrupted(t *testing.T) {
	_, object, _ := runArgs(t, "analyze", captureOf(t, answerFrame(t, 1)), "-o", "json")
	r, w := io.Pipe()
	defer w.Close()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	var errs bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"report", "-"}, stdio{in: r, out: outW, err: &errs})
		outW.Close()
	}()
	if _, err := io.WriteString(w, object); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := outR.Read(first); err != nil {
		t.Fatal(err)
	}
	cancel()
	rest, err := io.ReadAll(outR)
	if err != nil || !strings.Contains(string(rest), "VERDICT") {
		t.Errorf("%v: %q", err, rest)
	}
	if got := <-status; got != exitUnknown || errs.String() != "nlbprobe: interrupted while \"standard input\" was read\n" {
		t.Errorf("status %d, %q", got, errs.String())
	}
}
