package forms

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
)

// hcl writes the provider's requirement and the resources.
func (w *formWriter) hcl() error {
	t := w.r.Platform.Terraform
	w.comment = "# "
	if err := w.head("Terraform, "+w.r.Platform.Name, t.Confidence, "", t.Source, t.Note); err != nil {
		return err
	}
	fmt.Fprintf(&w.out, "terraform {\n  required_providers {\n    %s = {\n      source  = %s\n      version = %s\n    }\n  }\n}\n",
		t.Provider, quoteHCL(t.Registry), quoteHCL(t.Version))
	for _, res := range t.Resources {
		if !w.r.Wants(w.section, platform.Scope{Role: res.Role, Mode: res.Mode}) {
			continue
		}
		err := w.r.Each(res.Each, func(d *render.Data) error {
			label, err := w.r.Fill(res.Label, d)
			if err != nil {
				return err
			}
			body, err := fillTree(w.r, res.Body, d)
			if err != nil {
				return err
			}
			w.out.WriteByte('\n')
			w.trust("", "", res.Confidence, res.Doubt, res.Source, "")
			fmt.Fprintf(&w.out, "resource %s %s {\n", quoteHCL(res.Type), quoteHCL(hclName(label)))
			w.block("  ", body.(yaml.MapSlice))
			w.out.WriteString("}\n")
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// block writes the attributes and blocks of a body, the equals signs of
// neighbouring attributes one below another as terraform fmt has them.
func (w *formWriter) block(indent string, body yaml.MapSlice) {
	width := 0
	for _, item := range body {
		if _, inner := item.Value.(yaml.MapSlice); !inner {
			width = max(width, len(fmt.Sprint(item.Key)))
		}
	}
	for i, item := range body {
		if inner, ok := item.Value.(yaml.MapSlice); ok {
			if i > 0 {
				w.out.WriteByte('\n')
			}
			fmt.Fprintf(&w.out, "%s%v {\n", indent, item.Key)
			w.block(indent+"  ", inner)
			w.out.WriteString(indent + "}\n")
			continue
		}
		fmt.Fprintf(&w.out, "%s%-*v = %s\n", indent, width, item.Key, hclValue(item.Value))
	}
}

func hclValue(v any) string {
	switch v := v.(type) {
	case string:
		return quoteHCL(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = hclValue(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// quoteHCL writes a string that holds no template: ${ and %{ would open one.
func quoteHCL(s string) string {
	s = strconv.QuoteToASCII(s)
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
}

// hclName makes a name of a text: letters, digits and underscores, a letter first.
func hclName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}
