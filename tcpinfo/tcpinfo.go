// Package tcpinfo opens a TCP connection and asks this host's kernel what
// segment size the other end takes. It needs no right to raw frames: the kernel
// has read the answer to its SYN.
package tcpinfo

import (
	"context"
	"net"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// Dial connects to server, asks, and closes the connection without sending a
// byte on it. The error is the system's (refused, unreachable, the context's end),
// or errors.ErrUnsupported where the kernel does not tell.
func Dial(ctx context.Context, server netip.AddrPort) (evidence.Offer, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return evidence.Offer{}, err
	}
	defer conn.Close() // nothing was written
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return evidence.Offer{}, net.UnknownNetworkError("tcp")
	}
	o := evidence.Offer{Src: server, Dst: tcp.LocalAddr().(*net.TCPAddr).AddrPort()}
	o.Dst = netip.AddrPortFrom(o.Dst.Addr().Unmap(), o.Dst.Port())
	o.Interface, o.MTU = interfaceOf(o.Dst.Addr())
	raw, err := tcp.SyscallConn()
	if err != nil {
		return evidence.Offer{}, err
	}
	var askErr error
	if err := raw.Control(func(fd uintptr) { askErr = ask(int(fd), &o) }); err != nil {
		return evidence.Offer{}, err
	}
	if askErr != nil {
		return evidence.Offer{}, askErr
	}
	return o, nil
}

// interfaceOf finds the interface that has an address, with its MTU.
func interfaceOf(ip netip.Addr) (string, int) {
	all, err := net.Interfaces()
	if err != nil {
		return "", 0
	}
	for _, ifi := range all {
		addrs, err := ifi.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip.WithZone("") {
				return ifi.Name, ifi.MTU
			}
		}
	}
	return "", 0
}
