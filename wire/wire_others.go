//go:build !linux

package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

var errLinux = fmt.Errorf("probing needs Linux: %w", errors.ErrUnsupported)

// Link is one interface, opened for probing. On this system there is none.
type Link struct{}

// Open fails: raw packet sockets are a matter of Linux. The error is an
// errors.ErrUnsupported.
func Open(ifi *net.Interface, _ Filter) (*Link, error) {
	if err := check(ifi); err != nil {
		return nil, linkError("open", ifi.Name, err)
	}
	return nil, linkError("open", ifi.Name, errLinux)
}

// Name returns the empty string.
func (*Link) Name() string { return "" }

// MAC returns the zero address.
func (*Link) MAC() mac.Addr { return mac.Addr{} }

// Send fails as Open does.
func (*Link) Send([]byte) error { return errLinux }

// Receive fails as Open does.
func (*Link) Receive(time.Time) (evidence.Frame, error) { return evidence.Frame{}, errLinux }

// Interrupt does nothing.
func (*Link) Interrupt() {}

// SetFilter fails as Open does.
func (*Link) SetFilter(Filter) error { return errLinux }

// Hear fails as Open does.
func (*Link) Hear(netip.Addr) error { return errLinux }

// HearMAC fails.
func (*Link) HearMAC(mac.Addr) error { return errLinux }

// Join fails as Open does.
func (*Link) Join(mac.Addr) error { return errLinux }

// JoinAll fails as Open does.
func (*Link) JoinAll() error { return errLinux }

// Promiscuous fails as Open does.
func (*Link) Promiscuous(bool) error { return errLinux }

// Drops fails as Open does.
func (*Link) Drops() (int, error) { return 0, errLinux }

// Close fails as Open does.
func (*Link) Close() error { return errLinux }
