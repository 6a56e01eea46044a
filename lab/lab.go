package lab

import (
	"errors"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// ErrUnsupported is wrapped by the error of [Start] and [Available] where
// network namespaces are not to be had: another system, or no permission.
var ErrUnsupported = errors.New("no network namespaces here")

// A Host is one machine of a running lab.
type Host struct {
	Name      string
	Interface string       // "" for the switch
	Prefix    netip.Prefix // address and length on that interface
	MAC       mac.Addr     // of that interface
	Gateway   netip.Addr   // not valid for routers and the switch
}

// Addr returns the host's address on its LAN or remote interface, not a VIP.
func (h Host) Addr() netip.Addr { return h.Prefix.Addr() }
