package templates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Form is a way to write a platform's configuration.
type Form string

// The forms. Each platform has the text; of the others it has those that its
// file describes.
const (
	TextForm      Form = "text"
	AnsibleForm   Form = "ansible"   // a playbook for the platform's own collection
	IETFForm      Form = "ietf"      // a NETCONF edit-config body of ietf-ip (RFC 8344)
	TerraformForm Form = "terraform" // resources of the platform's own provider
)

// MachineForms returns the forms for programs, in the order in which they are shown.
func MachineForms() []Form { return []Form{AnsibleForm, IETFForm, TerraformForm} }

// Has reports whether the platform's file describes a form.
func (p *Platform) Has(f Form) bool {
	switch f {
	case TextForm:
		return true
	case AnsibleForm:
		return p.Ansible != nil
	case IETFForm:
		return p.IETF != nil
	case TerraformForm:
		return p.Terraform != nil
	}
	return false
}

// FormInfo is what is known of one form of a platform.
type FormInfo struct {
	Form       Form
	Uses       string // the module, the model or the provider
	Confidence Confidence
	Doubt      string
	Note       string
	Source     []string
}

// Forms returns the forms for programs that the platform has.
func (p *Platform) Forms() []FormInfo {
	var all []FormInfo
	if a := p.Ansible; a != nil {
		modules := []string{a.Module}
		for _, t := range a.Tasks {
			if !slices.Contains(modules, t.Module) {
				modules = append(modules, t.Module)
			}
		}
		uses := strings.TrimPrefix(strings.Join(modules, ", "), ", ")
		all = append(all, FormInfo{AnsibleForm, "the collection " + a.Collection + ", by " + uses, a.Confidence, "", a.Note, a.Source})
	}
	if f := p.IETF; f != nil {
		all = append(all, FormInfo{IETFForm, "ietf-ip (RFC 8344) over NETCONF, interface " + p.Outline(f.Interface), f.Confidence, f.Doubt, f.Note, f.Source})
	}
	if t := p.Terraform; t != nil {
		all = append(all, FormInfo{TerraformForm, "the provider " + t.Registry, t.Confidence, "", t.Note, t.Source})
	}
	return all
}

// FormSections returns the sections that a form can be had in.
func FormSections(f Form) []Section {
	switch f {
	case TextForm:
		return Sections()
	case TerraformForm:
		return []Section{Configure} // what is no longer in the file, Terraform removes
	}
	return []Section{Configure, Remove}
}

// FormError says that a platform does not have a form.
type FormError struct {
	Platform string
	Form     Form
}

func (e *FormError) Error() string {
	return fmt.Sprintf("%s does not have the form %s", e.Platform, e.Form)
}

// NothingError says that a form has nothing for a role and mode.
type NothingError struct {
	Platform string
	Form     Form
	Reason   string
}

func (e *NothingError) Error() string {
	return fmt.Sprintf("%s has nothing in the form %s here: %s; --format text says what to do", e.Platform, e.Form, e.Reason)
}

// RenderForm renders one section in a form for programs. A program does not
// stop at a placeholder, so that a missing value is a *MissingError. The error
// is a *FormError where the platform does not have the form or section, a
// *NothingError where it has nothing for the role and mode, else as Render's. No value can leave its place: trees are filled leaf by leaf and
// written by an encoder.
func (p *Platform) RenderForm(f Form, v Values, role Role, s Section) (Config, error) {
	return p.renderForm(f, v, role, s, false)
}

func (p *Platform) renderForm(f Form, v Values, role Role, s Section, trusting bool) (Config, error) {
	if !p.Has(f) || f == TextForm || !slices.Contains(FormSections(f), s) {
		return Config{}, &FormError{p.Name, f}
	}
	r, err := newRender(p, v, role)
	if err != nil {
		return Config{}, err
	}
	r.trusting, r.program = trusting, true
	w := &formWriter{r: r, section: s}
	switch f {
	case AnsibleForm:
		err = w.playbook()
	case IETFForm:
		err = w.editConfig()
	case TerraformForm:
		err = w.hcl()
	}
	if err != nil {
		return Config{}, err
	}
	if len(r.missing) > 0 {
		return Config{}, &MissingError{Platform: p.Name, Names: r.missing}
	}
	c := Config{Device: r.v.Device, Platform: p.Name, File: p.userFile(), Section: s, Form: f, Text: w.out.String(), Confidence: w.weakest, Comment: w.comment}
	if role != Both {
		c.Role = role.String()
	}
	c = r.settle(c)
	c.Used = r.usedNames()
	return c, nil
}

// JoinForms puts renderings of one form into one document.
func JoinForms(f Form, configs []Config) string {
	var b strings.Builder
	if f == AnsibleForm {
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
	r       *render
	section Section
	out     strings.Builder
	comment string // what starts a comment in this form
	weakest Confidence
	trusted string // what the last comment on a line's confidence said
}

// say writes a remark.
func (w *formWriter) say(indent, text string) {
	comment(&w.out, w.comment, indent, text)
}

// head writes what stands above everything: what it is, what an admin must
// know, and how sure it is.
func (w *formWriter) head(what string, c Confidence, doubt string, source []string, note string) error {
	w.say("", fmt.Sprintf("%s, to %s the cluster %s", what, w.section, w.r.mac))
	remarks, any, err := w.r.above(w.section)
	if err != nil {
		return err
	}
	// The first remark says where to paste, or that there is no line.
	for i, remark := range remarks {
		if i > 0 || !any {
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
func (w *formWriter) trust(indent, what string, c Confidence, doubt string, source []string, more string) {
	w.weakest = w.weakest.weaker(c)
	text := what + string(c)
	if c == Unverified && doubt != "" {
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

// tree fills the templates of a tree: of a map only what comes out not empty.
func (r *render) tree(n any, d *lineData) (any, error) {
	switch n := n.(type) {
	case string:
		s, err := r.fill(n, d)
		if err == nil {
			err = printable(s)
		}
		return s, err
	case yaml.MapSlice:
		if expr, ok := jinjaOf(n); ok {
			return expr, nil
		}
		var out yaml.MapSlice
		for _, item := range n {
			v, err := r.tree(item.Value, d)
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
			if out[i], err = r.tree(n[i], d); err != nil {
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
		return fmt.Errorf("%+q holds a control character or one outside ASCII", clip(s))
	}
	return nil
}
