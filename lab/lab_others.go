//go:build !linux

package lab

import (
	"context"
	"fmt"
	"os/exec"
)

// Lab is a running scenario. It needs Linux.
type Lab struct{}

// Cmd is a command to run in a host. It needs Linux.
type Cmd struct{ *exec.Cmd }

func unsupported() error { return fmt.Errorf("a lab needs Linux: %w", ErrUnsupported) }

// Available says why a lab cannot be started here.
func Available() error { return unsupported() }

// Start needs Linux.
func Start(context.Context, *Scenario) (*Lab, error) { return nil, unsupported() }

// Close does nothing.
func (*Lab) Close() error { return nil }

// Scenario returns nil.
func (*Lab) Scenario() *Scenario { return nil }

// Hosts returns nil.
func (*Lab) Hosts() []Host { return nil }

// Host finds none.
func (*Lab) Host(string) (Host, bool) { return Host{}, false }

// Interface returns "".
func (*Lab) Interface(string) string { return "" }

// Do needs Linux.
func (*Lab) Do(string, func() error) error { return unsupported() }

// Command returns a command that does not start.
func (*Lab) Command(context.Context, string, string, ...string) *Cmd {
	return &Cmd{&exec.Cmd{Err: unsupported()}}
}

// Isolate needs Linux.
func Isolate(*exec.Cmd, bool) error { return unsupported() }

// Settle needs Linux.
func Settle() error { return unsupported() }
