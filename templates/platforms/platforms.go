// Package platforms holds the platform files that are built in.
//
// One file a platform, named for it; README.md beside them says how one is written.
package platforms

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Names returns the names of the built-in platforms in order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // the folder is part of the program
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names) // a file's name is not in that order: linux-netplan.yaml comes before linux.yaml
	return names
}

// Has reports whether a built-in platform has this name.
func Has(name string) bool {
	_, err := fs.Stat(files, name+".yaml")
	return err == nil && !strings.ContainsAny(name, "/.")
}

// Read returns the file of a built-in platform.
func Read(name string) ([]byte, error) { return files.ReadFile(name + ".yaml") }
