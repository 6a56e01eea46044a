package render

import (
	"fmt"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// Options change how Render works.
type Options struct {
	// Strict makes a value that is missing an error instead of a placeholder.
	Strict bool
}

// Config is one rendered section: the object of "configs" in JSON output.
type Config struct {
	Device     string              `json:"device,omitempty"` // as in Values
	Platform   string              `json:"platform"`
	Section    platform.Section    `json:"section"`
	Text       string              `json:"text"` // complete lines, the last one ended too
	Confidence platform.Confidence `json:"confidence"`
	Role       string              `json:"role,omitempty"`    // "l3" or "l2"; empty for both
	Form       platform.Form       `json:"form,omitempty"`    // what Text is written in; empty for the device's own lines
	Missing    []string            `json:"missing,omitempty"` // names of the values that are placeholders in Text
	Notes      []string            `json:"notes,omitempty"`   // what a section says that cannot hold comments
	File       string              `json:"file,omitempty"`    // the user's file that the platform is from; empty for a built-in one

	// Used names the values that the platform's lines for this role and mode ask for,
	// in any section.
	Used []string `json:"-"`

	// Comment starts a line that the device ignores; empty where none does.
	Comment string `json:"-"`

	// Advice says that Text holds no line of the device, only remarks.
	Advice bool `json:"-"`
}

// Title names the device that a section is for: its own name, its platform and
// its role.
func (c Config) Title() string {
	title := c.Platform
	if c.Role != "" {
		title += ":" + c.Role
	}
	if c.Device != "" {
		title = c.Device + ": " + title
	}
	return title
}

// MissingError names every value that Strict found missing.
type MissingError struct {
	Platform string
	Names    []string // as in the platform file: vlan, port, svi, ...
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s needs what was not given: %s", e.Platform, strings.Join(e.Names, ", "))
}
