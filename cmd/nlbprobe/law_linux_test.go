package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	saved "github.com/nlbprobe/nlbprobe/object"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/schematest"
)

// sameFromFile holds the law of captures: the file that --write left gives the
// same object as the run that wrote it, and the same exit status. Only what is
// not the frames' to say may differ: when it began, how long it took and since when
// an answer is told, what was sent, the flags of the command, and where it was read
// from.
func sameFromFile(t *testing.T, file, live string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	got := run(t.Context(), []string{"analyze", file, "-o", "json"}, stdio{in: &bytes.Buffer{}, out: &out, err: &errs})
	if got != status || errs.Len() > 0 {
		t.Errorf("from the file: exit status %d, live %d; stderr %q", got, status, errs.String())
	}
	for _, line := range []string{live, out.String()} {
		toldAgain(t, line)
	}
	strip := func(line string) map[string]any {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		for _, field := range []string{"started", "elapsed_seconds", "sent_frames", "capture", "answers", "check_command"} {
			if _, ok := o[field]; !ok {
				t.Fatalf("no %s in %q", field, line)
			}
			delete(o, field)
		}
		return o
	}
	a, b := strip(live), strip(out.String())
	for field := range a {
		if !reflect.DeepEqual(a[field], b[field]) {
			la, _ := json.MarshalIndent(a[field], "", " ")
			lb, _ := json.MarshalIndent(b[field], "", " ")
			t.Errorf("%s differs\nlive %s\nfile %s", field, la, lb)
		}
	}
	if len(a) != len(b) {
		t.Errorf("live %d fields, from the file %d", len(a), len(b))
	}
}

// toldAgain holds that an object is as the published schema says, and that what is
// read back of it is all of it: it makes the same object again.
func toldAgain(t *testing.T, line string) {
	t.Helper()
	schematest.Validate(t, schemaOf(line), []byte(line))
	o, err := saved.NewDecoder(strings.NewReader(line)).Next()
	if err != nil {
		t.Error(err)
		return
	}
	var again bytes.Buffer
	if _, err := report.Again(report.NewJSON(&again), o); err != nil || again.String() != line {
		t.Errorf("%v; told again:\n%s\nwas:\n%s", err, again.String(), line)
	}
}
