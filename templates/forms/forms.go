// Package forms writes what a platform's file has for programs: playbooks of Ansible,
// bodies of NETCONF, resources of Terraform.
//
// XML is written by encoding/xml. YAML and HCL are written here, for two reasons.
// Remarks stand between the items, each above the line whose confidence it tells. And
// every text of a playbook is quoted: Ansible reads YAML 1.1, in which 12:30:45 is a
// number, and goccy/go-yaml, which the platform files are read with, writes that
// without quotes. hclwrite would add 2.5 MB to a program of 15, and a fifth to the time
// in which it starts; the tests read what is written here with the package beside it.
package forms

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// FormInfo is what is known of one form of a platform.
type FormInfo struct {
	Form       platform.Form
	Uses       string // the module, the model or the provider
	Confidence platform.Confidence
	Doubt      string
	Note       string
	Source     []string
}

// Of returns the forms for programs that the platform has.
func Of(p *platform.Platform) []FormInfo {
	var all []FormInfo
	if a := p.Ansible; a != nil {
		modules := []string{a.Module}
		for _, t := range a.Tasks {
			if !slices.Contains(modules, t.Module) {
				modules = append(modules, t.Module)
			}
		}
		uses := strings.TrimPrefix(strings.Join(modules, ", "), ", ")
		all = append(all, FormInfo{platform.AnsibleForm, "the collection " + a.Collection + ", by " + uses, a.Confidence, "", a.Note, a.Source})
	}
	if f := p.IETF; f != nil {
		all = append(all, FormInfo{platform.IETFForm, "ietf-ip (RFC 8344) over NETCONF, interface " + render.Outline(p, f.Interface), f.Confidence, f.Doubt, f.Note, f.Source})
	}
	if t := p.Terraform; t != nil {
		all = append(all, FormInfo{platform.TerraformForm, "the provider " + t.Registry, t.Confidence, "", t.Note, t.Source})
	}
	return all
}

// FormError says that a platform does not have a form.
type FormError struct {
	Platform string
	Form     platform.Form
}

func (e *FormError) Error() string {
	return fmt.Sprintf("%s does not have the form %s", e.Platform, e.Form)
}

// NothingError says that a form has nothing for a role and mode.
type NothingError struct {
	Platform string
	Form     platform.Form
	Reason   string
}

func (e *NothingError) Error() string {
	return fmt.Sprintf("%s has nothing in the form %s here: %s; --format text says what to do", e.Platform, e.Form, e.Reason)
}

// Render renders one section in a form for programs. A program does not
// stop at a placeholder, so that a missing value is a *MissingError. The error
// is a *FormError where the platform does not have the form or section, a
// *NothingError where it has nothing for the role and mode, else as Render's. No value can leave its place: trees are filled leaf by leaf and
// written by an encoder.
func Render(p *platform.Platform, f platform.Form, v render.Values, role platform.Role, s platform.Section) (render.Config, error) {
	return renderForm(p, f, v, role, s, false)
}

func renderForm(p *platform.Platform, f platform.Form, v render.Values, role platform.Role, s platform.Section, trusting bool) (render.Config, error) {
	if !p.Has(f) || f == platform.TextForm || !slices.Contains(platform.FormSections(f), s) {
		return render.Config{}, &FormError{p.Name, f}
	}
	r, err := render.New(p, v, role)
	if err != nil {
		return render.Config{}, err
	}
	r.Trusting, r.ForProgram = trusting, true
	w := &formWriter{r: r, section: s}
	switch f {
	case platform.AnsibleForm:
		err = w.playbook()
	case platform.IETFForm:
		err = w.editConfig()
	case platform.TerraformForm:
		err = w.hcl()
	}
	if err != nil {
		return render.Config{}, err
	}
	if len(r.Missing) > 0 {
		return render.Config{}, &render.MissingError{Platform: p.Name, Names: r.Missing}
	}
	c := render.Config{Device: r.Values.Device, Platform: p.Name, File: p.UserFile(), Section: s, Form: f, Text: w.out.String(), Confidence: w.weakest, Comment: w.comment}
	if role != platform.Both {
		c.Role = role.String()
	}
	c = r.Settle(c)
	c.Used = r.UsedNames()
	return c, nil
}

// Join puts renderings of one form into one document.
func Join(f platform.Form, configs []render.Config) string {
	var b strings.Builder
	if f == platform.AnsibleForm {
		b.WriteString("---\n")
	}
	for i, c := range configs {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(c.Text)
	}
	return b.String()
}

// formWriter writes one section in one form.
type formWriter struct {
	r       *render.Rendering
	section platform.Section
	out     strings.Builder
	comment string // what starts a comment in this form
	weakest platform.Confidence
	trusted string // what the last comment on a line's confidence said
}

// say writes a remark.
func (w *formWriter) say(indent, text string) {
	render.Comment(&w.out, w.comment, indent, text)
}

// head writes what stands above everything: what it is, what an admin must
// know, and how sure it is.
func (w *formWriter) head(what string, c platform.Confidence, doubt string, source []string, note string) error {
	w.say("", fmt.Sprintf("%s, to %s the cluster %s", what, w.section, w.r.MAC))
	remarks, lines, err := w.r.Above(w.section)
	if err != nil {
		return err
	}
	// The first remark says where to paste, or that there is no line.
	for i, remark := range remarks {
		if i > 0 || !lines {
			w.say("", remark)
		}
	}
	if note != "" {
		w.say("", note)
	}
	w.trust("", "This form: ", c, doubt, source, "")
	return nil
}

// trust writes the confidence of what follows, where it is not that of what
// went before.
func (w *formWriter) trust(indent, what string, c platform.Confidence, doubt string, source []string, more string) {
	w.weakest = w.weakest.Weaker(c)
	text := what + string(c)
	if c == platform.Unverified && doubt != "" {
		text += ": " + doubt
	}
	text += " [" + strings.Join(source, ", ") + "]"
	if more != "" {
		text += "; " + more
	}
	if text != w.trusted {
		w.say(indent, text)
		w.trusted = text
	}
}

// fillTree fills the templates of a tree: of a map only what comes out not empty.
func fillTree(r *render.Rendering, n any, d *render.Data) (any, error) {
	switch n := n.(type) {
	case string:
		s, err := r.Fill(n, d)
		if err == nil {
			err = printable(s)
		}
		return s, err
	case yaml.MapSlice:
		if expr, ok := platform.JinjaOf(n); ok {
			return expr, nil
		}
		var out yaml.MapSlice
		for _, item := range n {
			v, err := fillTree(r, item.Value, d)
			if err != nil {
				return nil, err
			}
			if v != "" {
				out = append(out, yaml.MapItem{Key: item.Key, Value: v})
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(n))
		for i := range n {
			var err error
			if out[i], err = fillTree(r, n[i], d); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return n, nil // a number or a truth value
}

// printable refuses what no encoder should have to write. A line break is the
// file's own, since no value may have one.
func printable(s string) error {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' || r > '~' }) >= 0 {
		return fmt.Errorf("%+q holds a control character or one outside ASCII", platform.Clip(s))
	}
	return nil
}

// Try renders a form with values that no pattern judges. That a role or
// mode has nothing in it is no fault.
func Try(p *platform.Platform, f platform.Form, v render.Values, role platform.Role, s platform.Section) error {
	_, err := renderForm(p, f, v, role, s, true)
	if _, nothing := errors.AsType[*NothingError](err); nothing {
		return nil
	}
	if _, missing := errors.AsType[*render.MissingError](err); missing {
		return nil
	}
	return err
}
