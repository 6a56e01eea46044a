// Package templates gives the lines to paste for a cluster, by the name of a router
// or switch platform.
//
// It opens no socket and has seen no probe, and opens no file of the user's: those
// are handed to it. Load gives the platforms at hand, Lookup one of them; Render
// gives its lines, Diff what differs from those that the device has, RenderForm a
// document for a program. What is behind this door, each in a room of its own:
//
//	platform      what a platform file says
//	platforms     the files that are built in
//	render        lines from a platform and the values of a cluster
//	reading       the entries of a configuration, by those same lines
//	forms         documents for Ansible, NETCONF and Terraform
//	vet           the faults of a platform file
package templates

import (
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/forms"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/reading"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/vet"

	"net/netip"
)

type (
	// Platform is what a platform file says.
	Platform = platform.Platform
	// Line is one line of a platform file.
	Line = platform.Line
	// Value is what a line takes.
	Value = platform.Value
	// Confidence is how sure a line is.
	Confidence = platform.Confidence
	// Role is what the device does in the VLAN.
	Role = platform.Role
	// Section is one part of a platform's text.
	Section = platform.Section
	// Mode is the mode of the cluster that the lines are for.
	Mode = platform.Mode
	// Form is text, or a document for a program.
	Form = platform.Form
	// Values are what the lines are filled with.
	Values = render.Values
	// Options say how lines are rendered.
	Options = render.Options
	// Config is one section as lines.
	Config = render.Config
	// MissingError names the values that lines lack.
	MissingError = render.MissingError
	// Old is the configuration that a device has.
	Old = reading.Old
	// FormInfo says what a form is.
	FormInfo = forms.FormInfo
)

// The degrees of confidence, the sections, the modes, the role and the form that a
// caller names.
const (
	Vendor     = platform.Vendor
	Field      = platform.Field
	Unverified = platform.Unverified

	Configure = platform.Configure
	Verify    = platform.Verify
	Remove    = platform.Remove
	Save      = platform.Save

	Multicast = platform.Multicast
	IGMP      = platform.IGMP
	Unicast   = platform.Unicast

	Both = platform.Both
	L3   = platform.L3
	L2   = platform.L2

	AnsibleForm = platform.AnsibleForm
)

// The most bytes that are read of a platform file and of a configuration.
const (
	MaxFile = platform.MaxFile
	MaxOld  = reading.MaxOld
)

// MachineForms returns the forms for programs, in the order in which they are shown.
func MachineForms() []Form { return platform.MachineForms() }

// FormSections returns the sections that a form can be had in.
func FormSections(f Form) []Section { return platform.FormSections(f) }

// ModeOf is render.ModeOf: the mode that a cluster MAC belongs to.
func ModeOf(m mac.Addr, vips ...netip.Addr) (Mode, error) { return render.ModeOf(m, vips...) }

// Parse is vet.Parse: it reads and checks one platform file.
func Parse(file string, data []byte) (*Platform, error) { return vet.Parse(file, data) }

// Render is render.Sections: the wanted sections of a platform's lines.
func Render(p *Platform, v Values, role Role, sections []Section, o Options) ([]Config, error) {
	return render.Sections(p, v, role, sections, o)
}

// Diff is reading.Diff: the lines that make one configuration of another.
func Diff(p *Platform, v Values, role Role, old Old) (Config, error) {
	return reading.Diff(p, v, role, old)
}

// DecodeText is reading.DecodeText: a file's text in UTF-8.
func DecodeText(data []byte) []byte { return reading.DecodeText(data) }

// Forms is forms.Of: the forms for programs that a platform has.
func Forms(p *Platform) []FormInfo { return forms.Of(p) }

// RenderForm is forms.Render: one section in a form for programs.
func RenderForm(p *Platform, f Form, v Values, role Role, s Section) (Config, error) {
	return forms.Render(p, f, v, role, s)
}

// JoinForms is forms.Join: renderings of one form as one document.
func JoinForms(f Form, configs []Config) string { return forms.Join(f, configs) }

// Judge is render.Judge: what is wrong with a value by the platform's own spelling.
func Judge(p *Platform, name string, v Values) error { return render.Judge(p, name, v) }

// Outline is render.Outline: a template with a placeholder for every value.
func Outline(p *Platform, text string) string { return render.Outline(p, text) }
