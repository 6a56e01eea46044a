// Package wire listens and sends on one Ethernet interface: a raw packet socket
// with a filter in the kernel, VLAN tags, the kernel's receive times and its
// count of lost frames. It knows no protocol beyond what the filter must
// recognise. It works on Linux; elsewhere Open fails with
// errors.ErrUnsupported.
package wire

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Errors that say why an interface cannot be probed; match them with errors.Is.
var (
	ErrDown        = errors.New("the interface is down")
	ErrLoopback    = errors.New("the loopback interface carries no ARP")
	ErrNotEthernet = errors.New("the interface has no Ethernet address, so it carries no ARP")
)

// ErrInterrupted is what Receive returns when Interrupt ended its wait. It is an
// os.ErrDeadlineExceeded too, for callers that know a Link only by its methods:
// the wait is over, and whether for good, their context says.
var ErrInterrupted error = interruptedError{}

type interruptedError struct{}

func (interruptedError) Error() string { return "the wait was interrupted" }

func (interruptedError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// check returns an error where ifi cannot carry ARP.
func check(ifi *net.Interface) error {
	switch {
	case ifi.Flags&net.FlagLoopback != 0:
		return ErrLoopback
	case len(ifi.HardwareAddr) != len(mac.Addr{}):
		return ErrNotEthernet
	case ifi.Flags&net.FlagUp == 0:
		return ErrDown
	}
	return nil
}

// linkError says what was attempted on which interface.
func linkError(attempt, name string, err error) error {
	return fmt.Errorf("%s %q: %w", attempt, name, err)
}
