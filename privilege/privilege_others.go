//go:build !linux

package privilege

// Drop does nothing: on this system nothing needs a right beyond the user's own.
func Drop(Identity) error { return nil }
