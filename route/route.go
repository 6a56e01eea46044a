// Package route knows this host's interfaces, their subnets and the routers on
// them, and which of them holds a VIP. Reading them works on Linux; elsewhere it
// fails with errors.ErrUnsupported. Choosing is a pure function.
package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Interface is a network interface of this host, as it was when it was read.
type Interface struct {
	Name     string
	Index    int      // of the kernel, more than 0
	MAC      mac.Addr // zero where it is not an Ethernet interface
	MTU      int      // bytes behind the Ethernet header
	Up       bool     // set up by the administrator
	Running  bool     // up, and the other end of the cable is there
	Loopback bool
	NoARP    bool // carries no ARP: a tunnel, or ARP was turned off

	// Prefixes are its IPv4 addresses, each with the length of its subnet's
	// prefix; secondary addresses stand last. A point-to-point address has 32
	// bits: its subnet is not on this link.
	Prefixes []netip.Prefix

	// Gateways are the routers that IPv4 routes of this host use on it, each
	// once; those of default routes first, the preferred route's before.
	Gateways []netip.Addr
}

// Errors that say why an interface cannot be probed; match them with errors.Is.
var (
	ErrDown     = errors.New("is down")
	ErrLoopback = errors.New("is the loopback interface, which carries no ARP")
	ErrNoARP    = errors.New("is not an Ethernet interface that carries ARP")
)

// Usable returns nil where i can be probed, and otherwise ErrDown, ErrLoopback
// or ErrNoARP, which read on from the interface's name.
func (i Interface) Usable() error {
	switch {
	case i.Loopback:
		return ErrLoopback
	case i.NoARP || i.MAC.IsZero():
		return ErrNoARP
	case !i.Up:
		return ErrDown
	}
	return nil
}

// Net returns i in the type of package net.
func (i Interface) Net() *net.Interface {
	n := &net.Interface{Index: i.Index, MTU: i.MTU, Name: i.Name}
	if !i.MAC.IsZero() {
		n.HardwareAddr = i.MAC.HardwareAddr()
	}
	for _, f := range []struct {
		set  bool
		flag net.Flags
	}{{i.Up, net.FlagUp}, {i.Running, net.FlagRunning}, {i.Loopback, net.FlagLoopback}} {
		if f.set {
			n.Flags |= f.flag
		}
	}
	return n
}

// Prefix returns the address of i in the smallest subnet of i that holds vip, or
// the zero Prefix where none does. A VIP that no other host can have is an error:
// an *OwnAddressError, or an *EdgeAddressError.
func (i Interface) Prefix(vip netip.Addr) (netip.Prefix, error) {
	p := i.longest(vip)
	switch {
	case slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == vip }):
		return netip.Prefix{}, &OwnAddressError{VIP: vip, Interface: i.Name}
	case !p.IsValid() || p.Bits() > 30: // RFC 3021: both of a /31 are hosts
		return p, nil
	case vip == p.Masked().Addr():
		return netip.Prefix{}, &EdgeAddressError{VIP: vip, Interface: i.Name, Prefix: p}
	case vip == broadcast(p):
		return netip.Prefix{}, &EdgeAddressError{VIP: vip, Interface: i.Name, Prefix: p, Broadcast: true}
	}
	return p, nil
}

// longest returns the first of i's longest prefixes that hold vip.
func (i Interface) longest(vip netip.Addr) (longest netip.Prefix) {
	for _, p := range i.Prefixes {
		if p.Contains(vip) && (!longest.IsValid() || p.Bits() > longest.Bits()) {
			longest = p
		}
	}
	return longest
}

// broadcast returns the last address of p.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// Choice is the interface to probe a VIP on.
type Choice struct {
	Interface Interface
	// Prefix is the interface's address in the subnet that holds the VIP. It
	// is the zero Prefix where the user named an interface that has none
	// there: a probe then asks with the sender address 0.0.0.0 (RFC 5227).
	Prefix netip.Prefix
	// Note says which others there were and why this one was chosen; empty
	// where there was no choice.
	Note string
}

// Choose returns the interface of all whose subnet holds vip. The longest prefix
// wins, then an interface that is running, then the lowest index; interfaces
// that cannot be probed are left out. The error is a *NoSubnetError,
// *OwnAddressError or *EdgeAddressError.
func Choose(all []Interface, vip netip.Addr) (Choice, error) {
	vip = vip.Unmap()
	if !vip.Is4() {
		return Choice{}, fmt.Errorf("%s is not an IPv4 address", vip)
	}
	var (
		best   Choice
		others []string
	)
	for _, i := range all {
		for _, p := range i.Prefixes {
			if p.Addr() == vip {
				return Choice{}, &OwnAddressError{VIP: vip, Interface: i.Name}
			}
		}
	}
	for _, i := range all {
		p := i.longest(vip)
		if p.IsValid() && i.Usable() == nil && (!best.Prefix.IsValid() || better(i, p, best)) {
			best = Choice{Interface: i, Prefix: p}
		}
	}
	if !best.Prefix.IsValid() {
		return Choice{}, &NoSubnetError{VIP: vip, Interfaces: all}
	}
	for _, i := range all {
		p := i.longest(vip)
		if !p.IsValid() || i.Index == best.Interface.Index {
			continue
		}
		others = append(others, quote(i.Name)+" "+worse(i, p, best))
	}
	if len(others) > 0 {
		best.Note = fmt.Sprintf("%s is probed on %s (%s); %s", vip, quote(best.Interface.Name), best.Prefix, list(others, "; "))
	}
	_, err := best.Interface.Prefix(vip)
	if err != nil {
		return Choice{}, err
	}
	return best, nil
}

// better reports whether i, by its prefix p, is to be preferred to best.
func better(i Interface, p netip.Prefix, best Choice) bool {
	switch b := best.Interface; {
	case p.Bits() != best.Prefix.Bits():
		return p.Bits() > best.Prefix.Bits()
	case i.Running != b.Running:
		return i.Running
	default:
		return i.Index < b.Index
	}
}

// worse says why i, which holds the VIP in p, was not chosen.
func worse(i Interface, p netip.Prefix, best Choice) string {
	holds := fmt.Sprintf("(%s) ", p)
	switch err := i.Usable(); {
	case err != nil:
		return holds + err.Error()
	case p.Bits() != best.Prefix.Bits():
		return holds + "holds it in a larger subnet"
	case i.Running != best.Interface.Running:
		return holds + "has no carrier"
	default:
		return holds + "has a higher index"
	}
}

// On returns the interface of all that is called name, for probing vip. The
// error is a *NotFoundError, *UnusableError, *OwnAddressError or
// *EdgeAddressError.
func On(all []Interface, name string, vip netip.Addr) (Choice, error) {
	i, err := Find(all, name)
	if err != nil {
		return Choice{}, err
	}
	if err := i.Usable(); err != nil {
		return Choice{}, &UnusableError{Interface: name, Reason: err}
	}
	p, err := i.Prefix(vip.Unmap())
	if err != nil {
		return Choice{}, err
	}
	return Choice{Interface: i, Prefix: p}, nil
}

// Find returns the interface of all that is called name. The error is a
// *NotFoundError.
func Find(all []Interface, name string) (Interface, error) {
	for _, i := range all {
		if i.Name == name {
			return i, nil
		}
	}
	err := &NotFoundError{Name: name}
	for _, i := range all {
		err.Names = append(err.Names, i.Name)
	}
	return Interface{}, err
}

// For reads this host's interfaces and chooses the one whose subnet holds vip.
func For(vip netip.Addr) (Choice, error) {
	all, err := Interfaces()
	if err != nil {
		return Choice{}, err
	}
	return Choose(all, vip)
}

// ByName reads this host's interfaces and returns the one called name.
func ByName(name string) (Interface, error) {
	all, err := Interfaces()
	if err != nil {
		return Interface{}, err
	}
	return Find(all, name)
}

// quote returns an interface's name as it may be printed: the kernel allows
// control characters in it.
func quote(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}
