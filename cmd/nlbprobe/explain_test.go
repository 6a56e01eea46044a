package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/diagnose"
)

func runExplainArgs(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"explain"}, args...), stdio{in: strings.NewReader(""), out: &out, err: &errs})
	return status, out.String(), errs.String()
}

func TestExplain(t *testing.T) {
	tests := []struct {
		name string // of the golden file
		args []string
	}{
		{"list.txt", nil},
		{"group-mac-answer.txt", []string{"group-mac-answer"}},
		{"two.txt", []string{"arp-request-with-group-mac", "vip-silent"}},
		{"proxy-arp.json", []string{"proxy-arp", "-o", "json"}},
		{"local-only.txt", []string{"local-only"}},
		{"unicast.json", []string{"unicast", "-o", "json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := runExplainArgs(t, tt.args...)
			if status != exitOK || errs != "" {
				t.Fatalf("status %d, stderr %q", status, errs)
			}
			golden(t, "explain/"+tt.name, []byte(out))
		})
	}
}

// Every page fits 80 columns and has all its parts.
func TestExplainEveryFinding(t *testing.T) {
	_, list, _ := runExplainArgs(t)
	pages := []string{list}
	for _, e := range diagnose.Catalogue() {
		if !strings.Contains(list, "  "+e.ID+" ") {
			t.Errorf("%s is not in the list", e.ID)
		}
		status, page, errs := runExplainArgs(t, e.ID)
		if status != exitOK || errs != "" {
			t.Fatalf("%s: status %d, stderr %q", e.ID, status, errs)
		}
		for _, part := range []string{"Meaning", "Detected", "Disproof", "Cure", "Sources"} {
			if !strings.Contains(page, "\n  "+part+" ") {
				t.Errorf("%s: no %s", e.ID, part)
			}
		}
		pages = append(pages, page)
	}
	for _, page := range pages {
		for line := range strings.Lines(page) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 || strings.HasSuffix(line, " \n") {
				t.Errorf("%d columns: %q", n, line)
			}
		}
	}
}

func TestExplainJSONList(t *testing.T) {
	status, out, errs := runExplainArgs(t, "-o", "json")
	if status != exitOK || errs != "" {
		t.Fatalf("status %d, stderr %q", status, errs)
	}
	n := 0
	for line := range strings.Lines(out) {
		var f explainedFinding
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&f); err != nil || f.Schema != "nlbprobe/1" || f.ID == "" || f.Remedy == "" || len(f.Sources) == 0 {
			t.Errorf("%v: %q", err, line)
		}
		n++
	}
	if want := len(diagnose.Catalogue()); n != want {
		t.Errorf("%d objects for %d findings", n, want)
	}
}

func TestExplainBadUsage(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string // all of stderr
	}{
		{[]string{"conflicting-anser"}, "nlbprobe: there is no finding \"conflicting-anser\": the nearest is \"conflicting-answers\"\nnlbprobe: \"nlbprobe explain\" lists all\n"},
		{[]string{"proxy-arp", "\x1b[31m"}, "nlbprobe: there is no finding \"\\x1b[31m\"\nnlbprobe: \"nlbprobe explain\" lists all\n"},
		{[]string{"igmp-no"}, "nlbprobe: \"igmp-no\" is a part of 4 findings: igmp-no-querier, igmp-no-report, igmp-not-limited, igmp-not-proven\nnlbprobe: \"nlbprobe explain\" lists all\n"},
		{[]string{""}, "nlbprobe: there is no finding \"\"\nnlbprobe: \"nlbprobe explain\" lists all\n"},
		{[]string{"-o", "xml"}, "nlbprobe: no output is called \"xml\"; there are text and json\n"},
	} {
		status, out, errs := runExplainArgs(t, row.args...)
		if status != exitUnknown || out != "" || errs != row.want {
			t.Errorf("%q: status %d, stdout %q, stderr\n%swant\n%s", row.args, status, out, errs, row.want)
		}
	}
}

func TestExplainCompletes(t *testing.T) {
	cmd := newExplainCmd(stdio{})
	ids, directive := cmd.ValidArgsFunction(cmd, nil, "")
	if len(ids) != len(diagnose.Catalogue()) || directive != cobra.ShellCompDirectiveNoFileComp {
		t.Errorf("%d ids, directive %v", len(ids), directive)
	}
}

// A full disk is an error, not a page cut short.
func TestExplainCannotWrite(t *testing.T) {
	err := runExplain(stdio{out: failingWriter{}}, explainOptions{output: "text"}, nil)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
}

// A beginning that only one id has, capitals and other signs between the words are
// enough.
func TestExplainFindsWhatIsMeant(t *testing.T) {
	for word, want := range map[string]string{"router-ignores": "router-ignores-multicast-arp (", "Split_Cluster": "split-cluster (", "REACHABLE": "reachable (verdict)", "igmp-multicast": "igmp-multicast (mode)"} {
		status, out, errs := runExplainArgs(t, word)
		if status != exitOK || errs != "" || !strings.HasPrefix(out, want) {
			t.Errorf("%s: status %d, %q, %q", word, status, out, errs)
		}
	}
}
