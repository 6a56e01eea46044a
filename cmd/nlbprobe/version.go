package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// version is set by the linker to what git describes.
var version = "unknown"

// newVersionCmd returns `nlbprobe version`.
func newVersionCmd(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "The version of nlbprobe",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(io.out, versionLine())
			return err
		},
	}
}

// versionLine is what `nlbprobe version` and --version print.
func versionLine() string {
	return fmt.Sprintf("nlbprobe %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
