package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/report"
)

// explainOptions are the flags of `nlbprobe explain`.
type explainOptions struct {
	output string // "text" or "json"
}

// newExplainCmd returns `nlbprobe explain`, which reads the catalogue and
// nothing else.
func newExplainCmd(io stdio) *cobra.Command {
	var opts explainOptions
	cmd := &cobra.Command{
		Use:   "explain [FINDING...]",
		Short: "What a finding means, how it is seen, how to cure it",
		Long: `Without an argument: every finding with its severity. With the ids of findings,
as a report prints them: what each means, how it is detected, what would show
that it is wrong, how to cure it, and the public sources with how far each
carries it: documented, inferred or unconfirmed.`,
		Example: "  nlbprobe explain\n  nlbprobe explain group-mac-answer -o json",
		RunE: func(_ *cobra.Command, args []string) error {
			return runExplain(io, opts, args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, e := range diagnose.Catalogue() {
				ids = append(ids, e.ID+"\t"+e.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().StringVarP(&opts.output, "output", "o", "text", "text or json (one object per finding)")
	return cmd
}

// runExplain explains all findings named, or none where one is unknown.
func runExplain(io stdio, opts explainOptions, ids []string) error {
	if err := checkOutput(opts.output); err != nil {
		return err
	}
	entries := make([]diagnose.Entry, 0, len(ids))
	for _, id := range ids {
		e, ok := diagnose.Explain(id)
		if !ok {
			return unknownFinding(id)
		}
		entries = append(entries, e)
	}
	var out bytes.Buffer
	switch {
	case opts.output == "json":
		if len(ids) == 0 {
			entries = diagnose.Catalogue()
		}
		if err := explainJSON(&out, entries); err != nil {
			return err
		}
	case len(ids) == 0:
		listFindings(&out, diagnose.Catalogue())
	default:
		for i, e := range entries {
			if i > 0 {
				out.WriteByte('\n')
			}
			explainPage(&out, e)
		}
	}
	if _, err := io.out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

func unknownFinding(id string) error {
	err := &statusError{
		status: exitUnknown,
		err:    fmt.Errorf("there is no finding %q", clip(id)),
		hint:   `"nlbprobe explain" lists all`,
	}
	if near := diagnose.Nearest(id); near != "" {
		err.err = fmt.Errorf("there is no finding %q: the nearest is %q", clip(id), near)
	}
	return err
}

// listFindings writes a line for each entry: severity, id, title.
func listFindings(out *bytes.Buffer, entries []diagnose.Entry) {
	for _, e := range entries {
		fmt.Fprintf(out, "%-8s  %-28s  %s\n", e.Severity, e.ID, e.Title)
	}
	out.WriteString("\nnlbprobe explain FINDING says more of each.\n")
}

// explainPage writes one entry with all its parts.
func explainPage(out *bytes.Buffer, e diagnose.Entry) {
	out.WriteString(report.Wrap("", "  ", fmt.Sprintf("%s (%v): %s", e.ID, e.Severity, e.Title), report.Width))
	part := func(title, text string) {
		const column = 12
		first := "  " + title
		first += strings.Repeat(" ", column-len(first))
		out.WriteString(report.Wrap(first, strings.Repeat(" ", column), text, report.Width))
	}
	for _, p := range [...]struct{ title, text string }{
		{"Meaning", e.Meaning}, {"Detected", e.Detected}, {"Disproof", e.Disproof}, {"Cure", e.Cure},
	} {
		out.WriteByte('\n')
		part(p.title, p.text)
	}
	out.WriteByte('\n')
	title := "Sources"
	for _, r := range e.References {
		part(title, fmt.Sprintf("%s [%v]", r.Source, r.Certainty))
		title = ""
	}
}

// explainedFinding is the JSON object of one entry. What a finding in a report
// has too is called the same there.
type explainedFinding struct {
	Schema    string            `json:"schema"`
	ID        string            `json:"id"`
	Severity  string            `json:"severity"`
	Certainty string            `json:"certainty"`
	Title     string            `json:"title"`
	Meaning   string            `json:"meaning"`
	Detected  string            `json:"detected"`
	Disproof  string            `json:"disproof"`
	Remedy    string            `json:"remedy"`
	Sources   []explainedSource `json:"sources"`
}

type explainedSource struct {
	Source    string `json:"source"`
	Certainty string `json:"certainty"`
}

func explainJSON(out *bytes.Buffer, entries []diagnose.Entry) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, e := range entries {
		f := explainedFinding{
			Schema: report.Schema, ID: e.ID, Severity: e.Severity.String(), Certainty: e.Certainty.String(), Title: e.Title,
			Meaning: e.Meaning, Detected: e.Detected, Disproof: e.Disproof, Remedy: e.Cure,
		}
		for _, r := range e.References {
			f.Sources = append(f.Sources, explainedSource{Source: r.Source, Certainty: r.Certainty.String()})
		}
		if err := enc.Encode(f); err != nil {
			return fmt.Errorf("writing %s as JSON: %w", e.ID, err)
		}
	}
	return nil
}
