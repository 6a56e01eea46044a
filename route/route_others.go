//go:build !linux

package route

import (
	"errors"
	"fmt"
)

// Interfaces fails: only Linux can be probed from. The error is an
// errors.ErrUnsupported.
func Interfaces() ([]Interface, error) {
	return nil, fmt.Errorf("read this host's interfaces: probing needs Linux: %w", errors.ErrUnsupported)
}
