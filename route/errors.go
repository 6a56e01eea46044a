package route

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/nearest"
)

// NoSubnetError says that no interface that can be probed has an address in a
// subnet that holds VIP.
type NoSubnetError struct {
	VIP        netip.Addr
	Interfaces []Interface // all that were looked at
}

// Elsewhere reports whether the VIP is on another subnet than this host's, so that
// it can be asked by way of routers: this host has an address, and no prefix of
// its own holds the VIP.
func (e *NoSubnetError) Elsewhere() bool {
	has := false
	for _, i := range e.Interfaces {
		if i.longest(e.VIP).IsValid() {
			return false
		}
		has = has || !i.Loopback && len(i.Prefixes) > 0
	}
	return has
}

func (e *NoSubnetError) Error() string {
	var held, looked []string
	for _, i := range e.Interfaces {
		unusable := i.Usable()
		if p := i.longest(e.VIP); p.IsValid() && unusable != nil {
			held = append(held, fmt.Sprintf("%s (%s) %v", quote(i.Name), p, unusable))
			continue
		}
		switch {
		case i.Loopback:
		case unusable != nil:
			looked = append(looked, fmt.Sprintf("%s %v", quote(i.Name), unusable))
		case len(i.Prefixes) == 0:
			looked = append(looked, quote(i.Name)+" has no IPv4 address")
		default:
			var own []string
			for _, p := range i.Prefixes {
				own = append(own, p.String())
			}
			looked = append(looked, quote(i.Name)+" has "+list(own, " and "))
		}
	}
	switch {
	case len(held) > 0:
		return fmt.Sprintf("%s is on a subnet of this host, but %s", e.VIP, list(held, "; "))
	case len(looked) > 0:
		return fmt.Sprintf("this host is not on the subnet of %s (%s), and ARP does not cross routers", e.VIP, list(looked, "; "))
	}
	return fmt.Sprintf("%s is on no subnet of this host: it has no interface but the loopback", e.VIP)
}

// OwnAddressError says that VIP is this host's own address: it answers to that
// without asking the wire.
type OwnAddressError struct {
	VIP       netip.Addr
	Interface string
}

func (e *OwnAddressError) Error() string {
	return fmt.Sprintf("%s is an address of this host, on %s: probe it from another host of the subnet", e.VIP, quote(e.Interface))
}

// EdgeAddressError says that VIP is the network or the broadcast address of the
// subnet that holds it, which no host can have.
type EdgeAddressError struct {
	VIP       netip.Addr
	Interface string
	Prefix    netip.Prefix // this host's address there
	Broadcast bool         // else it is the network address
}

func (e *EdgeAddressError) Error() string {
	which := "network"
	if e.Broadcast {
		which = "broadcast"
	}
	return fmt.Sprintf("%s is the %s address of %s on %s, not a host's", e.VIP, which, e.Prefix.Masked(), quote(e.Interface))
}

// UnusableError says that the interface that the user named cannot be probed.
type UnusableError struct {
	Interface string
	Reason    error // ErrDown, ErrLoopback or ErrNoARP
}

func (e *UnusableError) Error() string { return fmt.Sprintf("%s %v", quote(e.Interface), e.Reason) }

func (e *UnusableError) Unwrap() error { return e.Reason }

// NotFoundError says that no interface has the name that the user gave.
type NotFoundError struct {
	Name  string
	Names []string // of the interfaces that there are
}

func (e *NotFoundError) Error() string {
	names := make([]string, len(e.Names))
	for i, n := range e.Names {
		names[i] = quote(n)
	}
	said := fmt.Sprintf("no interface is called %q: there ", clip(e.Name))
	if len(names) == 0 {
		return said + "is none"
	}
	said += "are " + list(names, ", ")
	if near := nearest.Word(e.Name, e.Names); near != "" {
		said += fmt.Sprintf("; did you mean %s?", quote(near))
	}
	return said
}

// clip bounds what a user's name adds to an error.
func clip(name string) string { return name[:min(len(name), 40)] }

// list joins what, at most eight of them.
func list(what []string, sep string) string {
	const most = 8
	if n := len(what) - most; n > 0 {
		what = append(slices.Clone(what[:most]), fmt.Sprintf("%d more", n))
	}
	return strings.Join(what, sep)
}
