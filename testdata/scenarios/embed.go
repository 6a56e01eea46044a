// Package scenarios carries the practice networks that package lab builds, one
// YAML file each, inside the program.
package scenarios

import "embed"

// Files holds every *.yaml of this folder. A file's name without .yaml is the
// scenario's name.
//
//go:embed *.yaml
var Files embed.FS
