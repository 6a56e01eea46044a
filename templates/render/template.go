package render

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// Fill executes one template. The text has as many lines as the template.
func (r *Rendering) Fill(text string, d *Data) (string, error) {
	t, err := r.Platform.Template(text)
	if err != nil {
		return "", fmt.Errorf("platform %s: %w", r.Platform.Name, err)
	}
	var out strings.Builder
	if err := t.Execute(&out, d); err != nil {
		return "", r.cause(err)
	}
	if strings.Count(out.String(), "\n") != strings.Count(text, "\n") {
		return "", fmt.Errorf("platform %s: a value would add a line", r.Platform.Name)
	}
	return out.String(), nil
}

// cause takes the template's position off an error of ours: it stands inside
// an ExecError and the text that the package puts before it.
func (r *Rendering) cause(err error) error {
	if e, ok := errors.AsType[template.ExecError](err); ok {
		if inner := errors.Unwrap(e.Err); inner != nil {
			return inner
		}
	}
	_, reason, found := strings.Cut(err.Error(), " at <")
	if !found {
		return fmt.Errorf("platform %s: %w", r.Platform.Name, err)
	}
	return fmt.Errorf("platform %s: <%s", r.Platform.Name, strings.TrimSuffix(reason, " in type *render.Data"))
}

// Outline returns a template of the platform with a placeholder for every
// value, for people to read.
func Outline(p *platform.Platform, text string) string {
	r := Blank(p, mac.Addr{}, map[string]string{"vrf": "<VRF>", "group": "<GROUP>"})
	r.MAC = "<MAC>"
	out, err := r.Fill(text, &Data{r: r, Last: true})
	if err != nil {
		return text // as the file has it: a built-in one is tested, a user's was checked
	}
	return out
}
