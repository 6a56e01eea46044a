package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/nearest"
	"github.com/nlbprobe/nlbprobe/templates"
)

// formatNames are the values of --format: text, JSON, and the forms for
// programs.
func formatNames() []string {
	names := []string{"text", "json"}
	for _, f := range templates.MachineForms() {
		names = append(names, string(f))
	}
	return names
}

// checkFormat reads --format beside --output, which knows text and json only.
func (o *renderOptions) checkFormat() error {
	if !slices.Contains(formatNames(), o.format) {
		err := fmt.Errorf("no format is called %q; there are %s", clip(o.format), strings.Join(formatNames(), ", "))
		if near := nearest.Word(o.format, formatNames()); near != "" {
			err = fmt.Errorf("no format is called %q; did you mean %q?", clip(o.format), near)
		}
		return err
	}
	if o.output == "text" {
		return nil
	}
	if o.format != "text" && o.format != o.output {
		return fmt.Errorf("--output %s and --format %s exclude each other", o.output, o.format)
	}
	o.format = o.output
	return nil
}

// runForm prints a form for programs.
func (o *renderOptions) runForm(io stdio, targets []target, v templates.Values) error {
	form := templates.Form(o.format)
	section, err := o.oneSection(form)
	if err != nil {
		return err
	}
	if form != templates.AnsibleForm && len(targets) > 1 {
		return fmt.Errorf("--format %s makes one document: one platform at a time, and %d are given", form, len(targets))
	}
	configs, err := o.device.eachTarget(targets, v, "a program cannot guess", func(t target, v templates.Values) ([]templates.Config, error) {
		if !t.platform.Has(form) {
			return nil, o.without(form, t.platform.Name)
		}
		c, err := templates.RenderForm(t.platform, form, v, t.role, section)
		return []templates.Config{c}, err
	})
	if err != nil {
		return err
	}
	o.device.files.noteOrigins(configs)
	if _, err := io.out.Write([]byte(templates.JoinForms(form, configs))); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return nil
}

// oneSection reads --section for a form: one document cannot both configure
// and remove.
func (o *renderOptions) oneSection(form templates.Form) (templates.Section, error) {
	sections, err := o.wanted()
	if err != nil {
		return "", err
	}
	has := templates.FormSections(form)
	if len(sections) == 1 && slices.Contains(has, sections[0]) {
		return sections[0], nil
	}
	names := make([]string, len(has))
	for i, s := range has {
		names[i] = string(s)
	}
	return "", fmt.Errorf("--format %s takes one --section of: %s; the others are for people, in the format text", form, strings.Join(names, ", "))
}

// without says which platforms have a form that another lacks.
func (o *renderOptions) without(form templates.Form, name string) error {
	set, err := o.device.files.load()
	if err != nil {
		return err
	}
	all, err := set.All()
	if err != nil {
		return err
	}
	var have []string
	for _, p := range all {
		if p.Has(form) {
			have = append(have, p.Name)
		}
	}
	return fmt.Errorf("%s has no form %s; these have: %s", name, form, strings.Join(have, ", "))
}
