package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/nearest"
	"github.com/nlbprobe/nlbprobe/report"
)

// named is a VIP and the name that the user gave for it; the name is empty
// where an address was given.
type named struct {
	vip  netip.Addr
	name string
}

// resolver finds the IPv4 addresses of a name; net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// parseVIPs reads the arguments of a probe: IPv4 addresses, and names, which
// stand for all their IPv4 addresses. Nothing is returned twice. commands are
// the words that may have been meant where a name is not known.
func parseVIPs(ctx context.Context, args []string, dns resolver, commands []string) ([]named, error) {
	var vips []named
	add := func(n named) {
		if !slices.ContainsFunc(vips, func(o named) bool { return o.vip == n.vip }) {
			vips = append(vips, n)
		}
	}
	for _, arg := range args {
		if ip, err := netip.ParseAddr(arg); err == nil {
			if err := checkVIP(ip); err != nil {
				return nil, err
			}
			add(named{vip: ip.Unmap()})
			continue
		}
		if err := checkName(arg); err != nil {
			return nil, err
		}
		ips, err := dns.LookupNetIP(ctx, "ip4", arg)
		if err != nil || len(ips) == 0 {
			return nil, lookupError(arg, err, commands)
		}
		for _, ip := range ips {
			ip = ip.Unmap()
			if err := checkVIP(ip); err != nil {
				return nil, fmt.Errorf("%s: %w", arg, err)
			}
			add(named{vip: ip, name: arg})
		}
	}
	return vips, nil
}

// checkVIP refuses what cannot be the VIP of a cluster.
func checkVIP(ip netip.Addr) error {
	ip = ip.Unmap()
	switch {
	case !ip.Is4():
		return fmt.Errorf("%s is an IPv6 address: not yet, only IPv4 VIPs can be probed", ip)
	case ip.IsUnspecified() || ip.As4()[0] == 0:
		return fmt.Errorf("%s cannot be a VIP: it names no host", ip)
	case ip.IsLoopback():
		return fmt.Errorf("%s cannot be a VIP: loopback addresses stay inside a host", ip)
	case ip.IsMulticast():
		return fmt.Errorf("%s cannot be a VIP: it is a multicast group; give the unicast address that clients connect to", ip)
	case ip.As4()[0] >= 240:
		return fmt.Errorf("%s cannot be a VIP: it is a broadcast or reserved address", ip)
	}
	return nil
}

// checkName refuses what can be neither an address nor a host name, before a
// resolver is asked for it.
func checkName(s string) error {
	const most = 253 // RFC 1035 2.3.4, as text
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
	bad := func(r rune) bool { return !strings.ContainsRune(letters, r) }
	digits := strings.ContainsFunc(s, func(r rune) bool { return '0' <= r && r <= '9' }) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	_, prefixErr := netip.ParsePrefix(s)
	switch {
	case s == "":
		return errors.New("an empty argument is neither an IPv4 address nor a name")
	case digits:
		return fmt.Errorf("%q is not an IPv4 address: four numbers from 0 to 255 with dots", clip(s))
	case prefixErr == nil:
		return fmt.Errorf("%q is a prefix: give single VIPs", clip(s))
	case strings.ContainsFunc(s, bad) || len(s) > most:
		return fmt.Errorf("%q is neither an IPv4 address nor a host name", clip(s))
	}
	return nil
}

// clip bounds what an error quotes.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// lookupError says in one line why a name gave no address.
func lookupError(name string, err error, commands []string) error {
	why := "it has no IPv4 address"
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case e.IsNotFound:
			why = "no such name"
		case e.IsTimeout:
			why = "the resolver did not answer in time"
		default:
			why = report.Clean(e.Err)
		}
	} else if err != nil {
		why = report.Clean(err.Error())
	}
	text := fmt.Sprintf("%q is no IPv4 address and was not found as a name: %s", clip(name), why)
	if c := nearest.Word(name, commands); c != "" {
		text += fmt.Sprintf("; did you mean the command %q?", c)
	}
	return errors.New(text)
}
