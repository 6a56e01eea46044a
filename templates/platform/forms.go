package platform

import (
	"github.com/goccy/go-yaml"
)

// Ansible is the platform's collection, and how its lines are put into it: by
// one module that takes lines, or by tasks of purpose-made modules.
type Ansible struct {
	Collection string `yaml:"collection"` // as ansible-galaxy installs it: cisco.ios
	Connection string `yaml:"connection"` // a connection plugin
	NetworkOS  string `yaml:"network-os"` // ansible_network_os
	Become     string `yaml:"become"`     // the method that gives the rights: enable, sudo; empty for none

	Module   string        `yaml:"module"`   // takes lines: cisco.ios.ios_config
	Argument string        `yaml:"argument"` // what it calls them; default lines
	Compare  string        `yaml:"compare"`  // how it knows what is there: running-config, commands, device, guarded, typed
	Args     yaml.MapSlice `yaml:"args"`     // what else each of its tasks has
	Save     yaml.MapSlice `yaml:"save"`     // the arguments of the task that saves

	Tasks   []Task   `yaml:"tasks"`
	Handler *Handler `yaml:"handler"` // what a change by a task calls for

	Note       string     `yaml:"note"`
	Confidence Confidence `yaml:"confidence"`
	Source     []string   `yaml:"source"`
}

// Task is one task of a module that was made for the purpose.
type Task struct {
	Name       string        `yaml:"name"` // a template
	Module     string        `yaml:"module"`
	Section    Section       `yaml:"section"` // default configure
	Each       string        `yaml:"each"`
	Role       string        `yaml:"role"`
	Mode       Mode          `yaml:"mode"`
	Args       yaml.MapSlice `yaml:"args"`
	Confidence Confidence    `yaml:"confidence"`
	Doubt      string        `yaml:"doubt"`
	Source     []string      `yaml:"source"`
}

// AsAnsible is one line as the module takes it, which compares it with what the
// device shows letter by letter.
type AsAnsible struct {
	Line    string   `yaml:"line"`    // where the device shows another than is typed
	Source  []string `yaml:"source"`  // who has seen the device show it so; empty where nobody has
	Parents []string `yaml:"parents"` // of a block that enters a mode by itself: the mode's lines
}

// Handler is what runs at the end of a play that has changed something.
type Handler struct {
	Name   string        `yaml:"name"`
	Module string        `yaml:"module"`
	Args   yaml.MapSlice `yaml:"args"`
}

// How a module that takes lines knows which of them the device has.
const (
	CompareRunning = "running-config" // it looks for the line's text in the running-config
	CompareCommand = "commands"       // the same, where the configuration is a list of set commands; it deletes only what is there
	CompareDevice  = "device"         // the device compares, as a candidate with what runs
	CompareGuarded = "guarded"        // it does not; the lines look before they add
	CompareTyped   = "typed"          // it does not, and neither do they: they are entered as a person does, modes and all
)

// Jinja is an expression of Ansible's own, which only a platform's file can
// give: what the inventory knows and nlbprobe does not, such as a password.
type Jinja string

// JinjaOf returns the expression where a tree has {jinja: EXPRESSION}.
func JinjaOf(n yaml.MapSlice) (Jinja, bool) {
	if len(n) != 1 || n[0].Key != "jinja" {
		return "", false
	}
	s, ok := n[0].Value.(string)
	return Jinja(s), ok
}

// IETF is how the platform takes static neighbours of ietf-ip (RFC 8344).
type IETF struct {
	Interface  string     `yaml:"interface"` // a template: what ietf-interfaces calls the SVI
	Role       string     `yaml:"role"`
	Mode       Mode       `yaml:"mode"`
	Note       string     `yaml:"note"`
	Confidence Confidence `yaml:"confidence"`
	Doubt      string     `yaml:"doubt"`
	Source     []string   `yaml:"source"`
}

// Terraform is the platform's provider and its resources.
type Terraform struct {
	Provider   string     `yaml:"provider"` // the local name: aci
	Registry   string     `yaml:"registry"` // where it comes from: CiscoDevNet/aci
	Version    string     `yaml:"version"`  // a version constraint
	Resources  []Resource `yaml:"resources"`
	Note       string     `yaml:"note"`
	Confidence Confidence `yaml:"confidence"`
	Source     []string   `yaml:"source"`
}

// Resource is one resource. In its body a map is a block.
type Resource struct {
	Type       string        `yaml:"type"`  // aci_subnet
	Label      string        `yaml:"label"` // a template; what cannot stand in a name becomes _
	Each       string        `yaml:"each"`
	Role       string        `yaml:"role"`
	Mode       Mode          `yaml:"mode"`
	Body       yaml.MapSlice `yaml:"body"`
	Confidence Confidence    `yaml:"confidence"`
	Doubt      string        `yaml:"doubt"`
	Source     []string      `yaml:"source"`
}

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
