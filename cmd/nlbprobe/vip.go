package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

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

// How long names are waited for: DNS is often dead when this tool is needed. After
// slowResolver a word is said, after resolverPatience all of a run's names together
// have had their time.
const (
	slowResolver     = time.Second
	resolverPatience = 4 * time.Second
)

// parseVIPs reads the arguments of a probe: IPv4 addresses, and names, which
// stand for all their IPv4 addresses. Nothing is returned twice. What is no name,
// by what around says, is refused before dns is asked; say is told when that takes
// long.
func parseVIPs(ctx context.Context, args []string, dns resolver, around surroundings, say func(string)) ([]named, error) {
	var vips []named
	add := func(n named) {
		if !slices.ContainsFunc(vips, func(o named) bool { return o.vip == n.vip }) {
			vips = append(vips, n)
		}
	}
	names := false
	for _, arg := range args {
		if ip, err := netip.ParseAddr(arg); err == nil {
			if err := checkVIP(ip); err != nil {
				return nil, err
			}
			continue
		}
		names = true
		if err := around.notVIP(arg, args); err != nil {
			return nil, err
		}
		if err := checkName(arg); err != nil {
			return nil, err
		}
	}
	if names {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, resolverPatience)
		defer cancel()
	}
	for _, arg := range args {
		if ip, err := netip.ParseAddr(arg); err == nil {
			add(named{vip: ip.Unmap()})
			continue
		}
		ips, err := addressesOf(ctx, arg, dns, say)
		if err != nil || len(ips) == 0 {
			return nil, lookupError(arg, err, around.commands)
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

// addressesOf asks for a name's addresses until ctx ends, whether dns heeds that or not.
func addressesOf(ctx context.Context, name string, dns resolver, say func(string)) ([]netip.Addr, error) {
	type answer struct {
		ips []netip.Addr
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		ips, err := dns.LookupNetIP(ctx, "ip4", name)
		answers <- answer{ips, err}
	}()
	slow := time.NewTimer(slowResolver)
	defer slow.Stop()
	for {
		select {
		case a := <-answers:
			return a.ips, a.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-slow.C:
			say(fmt.Sprintf("the resolver has not answered for %q yet; an address needs none", clip(name)))
		}
	}
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
	} else if errors.Is(err, context.DeadlineExceeded) {
		why = "the resolver did not answer in time"
	} else if errors.Is(err, context.Canceled) {
		why = "interrupted before the resolver answered"
	} else if err != nil {
		why = report.Clean(err.Error())
	}
	text := fmt.Sprintf("%q is no IPv4 address and was not found as a name: %s", clip(name), why)
	if c := nearest.Word(name, commands); c != "" {
		text += fmt.Sprintf("; did you mean the command %q?", c)
	}
	return errors.New(text)
}
