//go:build !linux

package route

import (
	"errors"
	"fmt"
	"net/netip"
)

// Interfaces fails: only Linux can be probed from. The error is an
// errors.ErrUnsupported.
func Interfaces() ([]Interface, error) {
	return nil, fmt.Errorf("read this host's interfaces: probing needs Linux: %w", errors.ErrUnsupported)
}

// Neighbours fails as Interfaces does.
func Neighbours(int) ([]netip.Addr, error) {
	return nil, fmt.Errorf("read this host's neighbours: probing needs Linux: %w", errors.ErrUnsupported)
}

// Forwards reports nothing here: it is not known on this system.
func Forwards(string) bool { return false }
