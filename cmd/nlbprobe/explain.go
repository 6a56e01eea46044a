package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
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
carries it: documented, inferred or unconfirmed. The beginning of an id is
enough if no other begins so. The verdicts and modes of a report are explained
too.`,
		Example: "  nlbprobe explain\n  nlbprobe explain group-mac-answer -o json\n  nlbprobe explain local-only",
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

// explained is one thing to explain: a finding, or else a term.
type explained struct {
	entry diagnose.Entry
	term  *diagnose.Term
}

// runExplain explains all that are named, or none if one is unknown.
func runExplain(io stdio, opts explainOptions, words []string) error {
	if err := checkOutput(opts.output); err != nil {
		return err
	}
	all := make([]explained, 0, len(words))
	for _, word := range words {
		e, err := meant(word)
		if err != nil {
			return err
		}
		all = append(all, e...)
	}
	var out bytes.Buffer
	switch {
	case opts.output == "json":
		if len(words) == 0 {
			for _, e := range diagnose.Catalogue() {
				all = append(all, explained{entry: e})
			}
		}
		if err := explainJSON(&out, all); err != nil {
			return err
		}
	case len(words) == 0:
		listFindings(&out, diagnose.Catalogue())
	default:
		for i, e := range all {
			if i > 0 {
				out.WriteByte('\n')
			}
			if e.term != nil {
				termPage(&out, *e.term)
			} else {
				explainPage(&out, e.entry)
			}
		}
	}
	if _, err := io.out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

// meant finds what a word of the user's stands for: "unknown" is a verdict and a mode.
func meant(word string) ([]explained, error) {
	found, certain := diagnose.Find(word)
	if certain {
		return []explained{{entry: found[0]}}, nil
	}
	terms := diagnose.Terms()
	var both []explained
	for i := range terms {
		if strings.EqualFold(terms[i].Word, strings.TrimSpace(word)) {
			both = append(both, explained{term: &terms[i]})
		}
	}
	if len(both) > 0 {
		return both, nil
	}
	err := &statusError{
		status: exitUnknown,
		err:    fmt.Errorf("there is no finding %q", clip(word)),
		hint:   `"nlbprobe explain" lists all`,
	}
	near := diagnose.Nearest(word)
	switch {
	case len(found) > 1:
		ids := make([]string, len(found))
		for i, e := range found {
			ids[i] = e.ID
		}
		slices.Sort(ids)
		err.err = fmt.Errorf("%q is a part of %d findings: %s", clip(word), len(found), strings.Join(ids, ", "))
	case near != "":
		err.err = fmt.Errorf("there is no finding %q: the nearest is %q", clip(word), near)
	}
	return nil, err
}

// listFindings writes a line for each entry: severity, id, title.
func listFindings(out *bytes.Buffer, entries []diagnose.Entry) {
	for _, e := range entries {
		fmt.Fprintf(out, "%-8s  %-28s  %s\n", e.Severity, e.ID, e.Title)
	}
	out.WriteString("\nnlbprobe explain FINDING says more of each.\n")
}

// explainPart writes one part of a page: a title at the left, its text beside it.
func explainPart(out *bytes.Buffer, title, text string) {
	const column = 12
	first := "  " + title
	first += strings.Repeat(" ", column-len(first))
	out.WriteString(report.Wrap(first, strings.Repeat(" ", column), text, report.Width))
}

// termPage writes what a verdict or a mode means.
func termPage(out *bytes.Buffer, term diagnose.Term) {
	fmt.Fprintf(out, "%s (%s)\n\n", term.Word, term.Kind)
	explainPart(out, "Meaning", term.Meaning)
	out.WriteByte('\n')
	explainPart(out, "Next", term.Next)
	if len(term.See) > 0 {
		out.WriteByte('\n')
		explainPart(out, "See", "nlbprobe explain "+strings.Join(term.See, " "))
	}
}

// explainPage writes one entry with all its parts.
func explainPage(out *bytes.Buffer, e diagnose.Entry) {
	out.WriteString(report.Wrap("", "  ", fmt.Sprintf("%s (%v): %s", e.ID, e.Severity, e.Title), report.Width))
	for _, p := range [...]struct{ title, text string }{
		{"Meaning", e.Meaning}, {"Detected", e.Detected}, {"Disproof", e.Disproof}, {"Cure", e.Cure},
	} {
		out.WriteByte('\n')
		explainPart(out, p.title, p.text)
	}
	out.WriteByte('\n')
	title := "Sources"
	for _, r := range e.References {
		explainPart(out, title, fmt.Sprintf("%s [%v]", r.Source, r.Certainty))
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

// explainedTerm is the JSON object of a verdict or a mode.
type explainedTerm struct {
	Schema  string   `json:"schema"`
	Word    string   `json:"word"`
	Kind    string   `json:"kind"`
	Meaning string   `json:"meaning"`
	Next    string   `json:"next"`
	See     []string `json:"see"`
}

func explainJSON(out *bytes.Buffer, all []explained) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, x := range all {
		var object any
		if t := x.term; t != nil {
			object = explainedTerm{report.Schema, t.Word, t.Kind, t.Meaning, t.Next, append([]string{}, t.See...)}
		} else {
			object = findingObject(x.entry)
		}
		if err := enc.Encode(object); err != nil {
			return fmt.Errorf("writing an explanation as JSON: %w", err)
		}
	}
	return nil
}

func findingObject(e diagnose.Entry) explainedFinding {
	f := explainedFinding{
		Schema: report.Schema, ID: e.ID, Severity: e.Severity.String(), Certainty: e.Certainty.String(), Title: e.Title,
		Meaning: e.Meaning, Detected: e.Detected, Disproof: e.Disproof, Remedy: e.Cure,
	}
	for _, r := range e.References {
		f.Sources = append(f.Sources, explainedSource{Source: r.Source, Certainty: r.Certainty.String()})
	}
	return f
}
