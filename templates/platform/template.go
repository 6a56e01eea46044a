package platform

import (
	"errors"
	"strings"
	"text/template"
)

// ParseLine parses the template of one line.
func ParseLine(text string) (*template.Template, error) {
	t, err := template.New("line").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return t, nil
}

// Template returns the template of one of the platform's lines, which is parsed once.
func (p *Platform) Template(text string) (*template.Template, error) {
	if t, ok := p.parsed.Load(text); ok {
		return t.(*template.Template), nil
	}
	t, err := ParseLine(text)
	if err == nil {
		p.parsed.Store(text, t)
	}
	return t, err
}
