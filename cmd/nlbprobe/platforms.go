package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/templates"
)

// platformsOptions are the flags of `nlbprobe platforms`.
type platformsOptions struct {
	files  platformFiles
	check  string
	output string // "text" or "json"
}

// newPlatformsCmd returns `nlbprobe platforms`.
func newPlatformsCmd(io stdio) *cobra.Command {
	o := platformsOptions{files: platformFiles{notes: io.err}}
	cmd := &cobra.Command{
		Use:   "platforms [NAME]",
		Short: "What each platform accepts, how sure that is, and why",
		Long: `Without a name a table: what each platform takes for a cluster with a group MAC,
and the weakest confidence among its lines. With a name everything that is known
of it: lines, values, limits, pitfalls, and the source of each. A family or a
model number will do for the name, as Aruba 2930F or WS-C3750G; one that stands
for several platforms gives the table of those.

Confidence is vendor (a document of the vendor says so), field (seen on devices)
or unverified (no page was found). A line that is not from a document of the
vendor is printed behind a comment.`,
		Example: "  nlbprobe platforms\n  nlbprobe platforms cisco-nxos\n  nlbprobe platforms Catalyst 3750\n  nlbprobe platforms --check my-switch.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPlatforms(cmd.Context(), io, &o, args)
		},
	}
	f := cmd.Flags()
	f.Var((*texts)(&o.files.named), "platform-dir", "folder with platform files of your own, which add to or replace the built-in ones; repeatable")
	f.StringVar(&o.check, "check", "", "check one platform file and name its faults with their lines")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	return cmd
}

func runPlatforms(ctx context.Context, io stdio, o *platformsOptions, args []string) error {
	if err := checkOutput(o.output); err != nil {
		return err
	}
	var out bytes.Buffer
	switch {
	case o.check != "" && len(args) > 0:
		return errors.New("--check reads a file; leave the platform's name out")
	case o.check != "":
		data, err := readNamed(ctx, "platform file", o.check, templates.MaxFile)
		if err != nil {
			return err
		}
		p, err := templates.Parse(o.check, data)
		if err != nil {
			return err
		}
		set, err := o.files.beside()
		if err != nil {
			return err
		}
		for _, r := range templates.Remarks(p, set) {
			fmt.Fprintf(io.err, "nlbprobe: %s: %s\n", o.check, r)
		}
		fmt.Fprintf(&out, "%s: platform %s, %d lines to configure, weakest confidence %s\n", o.check, p.Name, len(p.Configure), p.Confidence())
	default:
		set, err := o.files.load()
		if err != nil {
			return err
		}
		if err := describe(&out, set, args, o.output); err != nil {
			return err
		}
		o.files.noteFaulty()
	}
	if _, err := io.out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the platforms: %w", err)
	}
	return nil
}

// describe writes the table, or one platform in full.
func describe(out *bytes.Buffer, set *templates.Set, args []string, output string) error {
	all, err := set.All()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		p, err := set.Lookup(strings.Join(args, " ")) // as Aruba 2930F, without quotes
		e, unknown := errors.AsType[*templates.UnknownError](err)
		switch {
		case unknown && len(e.Several) > 0:
			all = slices.DeleteFunc(all, func(p *templates.Platform) bool { return !slices.Contains(e.Several, p.Name) })
		case err != nil:
			return withList(err)
		case output == "json":
			return encodePlatforms(out, []platformJSON{fullPlatform(p)})
		default:
			writePlatform(out, p)
			return nil
		}
	}
	if output == "json" {
		var list []platformJSON
		for _, p := range all {
			list = append(list, briefPlatform(p))
		}
		return encodePlatforms(out, list)
	}
	writePlatformTable(out, all)
	return nil
}

// writePlatformTable writes two lines for each platform, within 80 columns.
func writePlatformTable(out *bytes.Buffer, all []*templates.Platform) {
	const row = "%-22s %-10s %-10s %-10s %-10s %s\n"
	fmt.Fprintf(out, row, "PLATFORM", "STATIC ARP", "MAC ENTRY", "IGMP MODE", "KNOB", "CONFIDENCE")
	for _, p := range all {
		a := p.Accepts
		fmt.Fprintf(out, row, p.Name, a.StaticARP.Does, a.MultiPortMAC.Does, a.IGMPMode.Does, a.AcceptReply.Does, p.Confidence())
		writeWrapped(out, "    ", strings.Join(p.Families, ", "))
	}
	out.WriteString("\nSTATIC ARP with a group MAC; MAC ENTRY on several ports; IGMP MODE confined by\n" +
		"snooping; KNOB to learn the ARP reply; CONFIDENCE of the weakest line.\n")
}

// writeWrapped writes text within 80 columns, every line behind indent.
func writeWrapped(out *bytes.Buffer, indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(indent) && len(line)+1+len(word) > 80 {
			out.WriteString(line + "\n")
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	out.WriteString(line + "\n")
}

// writePlatform writes everything that is known of one platform.
func writePlatform(out *bytes.Buffer, p *templates.Platform) {
	writeWrapped(out, "", p.Name+": "+p.Title)
	writeWrapped(out, "  ", "Families: "+strings.Join(p.Families, ", "))
	if len(p.Aliases) > 0 {
		writeWrapped(out, "  ", "Also called: "+strings.Join(p.Aliases, ", "))
	}
	if len(p.Models) > 0 {
		writeWrapped(out, "  ", "Model numbers: "+strings.Join(p.Models, ", "))
	}
	writeWrapped(out, "  ", "File: "+p.File)
	out.WriteString("\nAccepts\n")
	for _, a := range p.Accepts.List() {
		text := fmt.Sprintf("%s: %s (%s)", a.Name, a.Does, a.Confidence)
		if a.Note != "" {
			text += "; " + a.Note
		}
		writeWrapped(out, "  ", text+" ["+strings.Join(a.Source, ", ")+"]")
	}
	out.WriteString("\nNeeds\n")
	for _, v := range p.Values {
		text := v.Name
		switch {
		case v.Unused != "":
			text += ": " + v.Unused
		case v.Find != "":
			text += ": " + v.Find
		}
		if len(v.Examples) > 0 && v.Unused == "" {
			text += " (as " + strings.Join(v.Examples, ", ") + ")"
		}
		writeWrapped(out, "  ", text)
	}
	if p.Spelling.Line > 0 {
		fmt.Fprintf(out, "  A line holds at most %d characters.\n", p.Spelling.Line)
	}
	writeLines(out, "Configure", p.Paste.Configure, p, p.Configure)
	writeLines(out, "Verify", p.Paste.Verify, p, p.Verify)
	writeLines(out, "Save", p.Paste.Save, p, p.Save)
	if forms := templates.Forms(p); len(forms) > 0 {
		out.WriteString("\nFor programs (nlbprobe render --format)\n")
		for _, f := range forms {
			text := fmt.Sprintf("%s: %s (%s)", f.Form, f.Uses, f.Confidence)
			if f.Doubt != "" {
				text += "; in doubt: " + f.Doubt
			}
			if f.Note != "" {
				text += "; " + f.Note
			}
			writeWrapped(out, "  ", text+" ["+strings.Join(f.Source, ", ")+"]")
		}
	}
	out.WriteString("\nCompared by --diff\n")
	switch run := p.Running; {
	case len(p.Configure) == 0 || slices.Contains(p.Spelling.Bare, templates.Configure):
		writeWrapped(out, "  ", "Nothing: there are no lines to compare")
	case run.Show != "":
		writeWrapped(out, "  ", fmt.Sprintf("What %s prints (%s) [%s], or an earlier run", run.Show, run.Confidence, strings.Join(run.Source, ", ")))
	default:
		writeWrapped(out, "  ", "What an earlier run printed; how the device shows its configuration is not established")
	}
	if len(p.Notes) > 0 {
		out.WriteString("\nLimits and pitfalls\n")
	}
	for _, n := range p.Notes {
		writeWrapped(out, "  ", fmt.Sprintf("%s (%s) [%s]", n.Text, scope(n.Confidence, n.Role, n.Mode, n.IPMACs, ""), strings.Join(n.Source, ", ")))
	}
	out.WriteString("\nSources\n")
	for _, key := range slices.Sorted(maps.Keys(p.Sources)) {
		writeWrapped(out, "  ", key+": "+p.Sources[key])
	}
}

// writeLines writes the lines of one section with what each rests on.
func writeLines(out *bytes.Buffer, title, where string, p *templates.Platform, lines []templates.Line) {
	if len(lines) == 0 {
		return
	}
	if where != "" {
		title += ", in " + where
	}
	out.WriteByte('\n')
	writeWrapped(out, "", title)
	for _, l := range lines {
		for s := range strings.SplitSeq(templates.Outline(p, l.Line), "\n") {
			fmt.Fprintf(out, "  %s\n", s)
		}
		text := scope(l.Confidence, l.Role, l.Mode, l.IPMACs, l.Each)
		if l.In != "" {
			if open := templates.Outline(p, p.Contexts[l.In].Open); open != "" && !strings.ContainsAny(open, "\n{") {
				text += "; under " + open
			}
		}
		if l.Doubt != "" {
			text += "; in doubt: " + l.Doubt
		}
		writeWrapped(out, "      ", text+" ["+strings.Join(l.Source, ", ")+"]")
		for _, more := range []struct{ what, text string }{{"removed by", l.Undo}, {"stays", l.Keep}, {"shows", l.Expect}} {
			if more.text != "" {
				writeWrapped(out, "      ", more.what+": "+strings.Join(strings.Fields(templates.Outline(p, more.text)), " "))
			}
		}
	}
}

// scope says for what a line holds.
func scope(c templates.Confidence, role string, mode templates.Mode, ipMACs, each string) string {
	parts := []string{string(c)}
	if role != "" {
		parts = append(parts, role)
	}
	if mode != "" {
		parts = append(parts, string(mode)+" mode")
	}
	switch ipMACs {
	case "no":
		parts = append(parts, "not for MACs of 01-00-5e")
	case "only":
		parts = append(parts, "for MACs of 01-00-5e")
	case "also":
		parts = append(parts, "and for any MAC of 01-00-5e")
	}
	if each != "" {
		parts = append(parts, "one for each "+each)
	}
	return strings.Join(parts, ", ")
}

// platformJSON is one platform in JSON output.
type platformJSON struct {
	Name       string                    `json:"name"`
	Title      string                    `json:"title"`
	Families   []string                  `json:"families"`
	Aliases    []string                  `json:"aliases"`
	Models     []string                  `json:"models"`
	Accepts    map[string]capabilityJSON `json:"accepts"`
	Confidence templates.Confidence      `json:"confidence"`
	File       string                    `json:"file"`
	Forms      []formJSON                `json:"forms"` // for programs; in brief without what they use

	// In full only:
	Lines   []lineJSON        `json:"lines,omitempty"`
	Running *runningJSON      `json:"running,omitempty"` // what --diff can be given
	Notes   []noteJSON        `json:"notes,omitempty"`
	Sources map[string]string `json:"sources,omitempty"`
}

type capabilityJSON struct {
	Does       string               `json:"does"`
	Confidence templates.Confidence `json:"confidence"`
	Note       string               `json:"note,omitempty"`
}

type formJSON struct {
	Form       templates.Form       `json:"form"`
	Uses       string               `json:"uses,omitempty"`
	Confidence templates.Confidence `json:"confidence"`
	Doubt      string               `json:"doubt,omitempty"`
	Note       string               `json:"note,omitempty"`
	Source     []string             `json:"source,omitempty"`
}

type runningJSON struct {
	Show       string               `json:"show"`
	Confidence templates.Confidence `json:"confidence"`
	Source     []string             `json:"source"`
}

type lineJSON struct {
	Section    templates.Section    `json:"section"`
	Line       string               `json:"line"`
	Undo       string               `json:"undo,omitempty"`
	Role       string               `json:"role,omitempty"`
	Mode       templates.Mode       `json:"mode,omitempty"`
	IPMACs     string               `json:"ip_macs,omitempty"` // "no", "only" or "also": for MACs of 01-00-5e
	Each       string               `json:"each,omitempty"`
	Keep       string               `json:"keep,omitempty"`   // why it is not undone
	Expect     string               `json:"expect,omitempty"` // what the device shows when right
	Confidence templates.Confidence `json:"confidence"`
	Doubt      string               `json:"doubt,omitempty"`
	Source     []string             `json:"source"`
}

type noteJSON struct {
	Text       string               `json:"text"`
	Role       string               `json:"role,omitempty"`
	Mode       templates.Mode       `json:"mode,omitempty"`
	IPMACs     string               `json:"ip_macs,omitempty"`
	Confidence templates.Confidence `json:"confidence"`
	Source     []string             `json:"source"`
}

func briefPlatform(p *templates.Platform) platformJSON {
	j := platformJSON{
		Name: p.Name, Title: p.Title, Families: p.Families, Aliases: append([]string{}, p.Aliases...),
		Models:  append([]string{}, p.Models...),
		Accepts: map[string]capabilityJSON{}, Confidence: p.Confidence(), File: p.File,
		Forms: []formJSON{},
	}
	for _, f := range templates.Forms(p) {
		j.Forms = append(j.Forms, formJSON{Form: f.Form, Confidence: f.Confidence})
	}
	for _, a := range p.Accepts.List() {
		j.Accepts[a.Name] = capabilityJSON{a.Does, a.Confidence, a.Note}
	}
	return j
}

func fullPlatform(p *templates.Platform) platformJSON {
	j := briefPlatform(p)
	j.Sources = p.Sources
	j.Forms = []formJSON{}
	for _, f := range templates.Forms(p) {
		j.Forms = append(j.Forms, formJSON(f))
	}
	if run := p.Running; run.Show != "" {
		j.Running = &runningJSON{run.Show, run.Confidence, run.Source}
	}
	add := func(s templates.Section, lines []templates.Line) {
		for _, l := range lines {
			j.Lines = append(j.Lines, lineJSON{
				Section: s, Line: templates.Outline(p, l.Line), Undo: templates.Outline(p, l.Undo), Role: l.Role, Mode: l.Mode, IPMACs: l.IPMACs, Each: l.Each,
				Keep: l.Keep, Expect: templates.Outline(p, l.Expect),
				Confidence: l.Confidence, Doubt: l.Doubt, Source: l.Source,
			})
		}
	}
	add(templates.Configure, p.Configure)
	add(templates.Verify, p.Verify)
	add(templates.Save, p.Save)
	for _, n := range p.Notes {
		j.Notes = append(j.Notes, noteJSON{n.Text, n.Role, n.Mode, n.IPMACs, n.Confidence, n.Source})
	}
	return j
}

func encodePlatforms(out *bytes.Buffer, list []platformJSON) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Schema    string         `json:"schema"`
		Platforms []platformJSON `json:"platforms"`
	}{report.Schema, list})
	if err != nil {
		return fmt.Errorf("writing the platforms as JSON: %w", err)
	}
	return nil
}
