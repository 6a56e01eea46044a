package render

import (
	"regexp"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// What the tests of this package ask, which use the platforms and so stand outside
// of it.

const MaxVIPs = maxVIPs

// Bare is a rendering that judges values and has none.
func Bare(p *platform.Platform) *Rendering {
	return &Rendering{Platform: p, patterns: map[string]*regexp.Regexp{}}
}

func (v Values) Check() (Values, error)    { return v.check() }
func (v *Values) Given(name string) string { return v.given(name) }

func (r *Rendering) Mode() platform.Mode { return r.mode }

func (r *Rendering) ReadPorts(texts []string) ([]string, error)     { return r.readPorts(texts) }
func (r *Rendering) Judge(decl *platform.Value, given string) error { return r.judge(decl, given) }
