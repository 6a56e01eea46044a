package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// ServicePort is the TCP port on which every node serves a one-line web page
// with its name, on its VIPs and on its own address.
const ServicePort = 80

// discardPort is where packets go that nobody needs to read (RFC 863).
const discardPort = 9

// animate starts what the hosts do of themselves. All sockets are open, and
// the first packets sent, when it returns.
func (l *Lab) animate(ctx context.Context) error {
	for i := range l.scenario.Nodes {
		n := &l.scenario.Nodes[i]
		if err := l.serve(ctx, n.Name); err != nil {
			return fmt.Errorf("starting the service of %s: %w", n.Name, err)
		}
		if n.Join.IsValid() {
			if err := l.join(ctx, n); err != nil {
				return fmt.Errorf("joining %s on %s: %w", n.Join, n.Name, err)
			}
		}
		if n.AsksAsVIP {
			// Datagrams to the client need the gateway's MAC five times a
			// second, so the question is asked as long as nobody answers it.
			w := Flow{From: n.Name, To: l.scenario.Client, Port: discardPort, PerSecond: 5}
			if err := l.flow(ctx, w, n.VIPs[0]); err != nil {
				return err
			}
		}
	}
	for i := range l.scenario.Routers {
		if r := &l.scenario.Routers[i]; l.scenario.Master(r) {
			if err := l.advertise(ctx, r); err != nil {
				return fmt.Errorf("advertising virtual router %d: %w", r.VRRP.ID, err)
			}
		}
	}
	for _, w := range l.scenario.Flows {
		if err := l.flow(ctx, w, netip.Addr{}); err != nil {
			return err
		}
	}
	return nil
}

// serve answers on the service port of all addresses of a host.
func (l *Lab) serve(ctx context.Context, name string) error {
	var listener net.Listener
	err := l.Do(name, func() (err error) {
		listener, err = net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", ServicePort))
		return err
	})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	l.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // the caller hung up before it was served
				continue
			}
			l.running.Go(func() { greet(ctx, conn, name) })
		}
	})
	return nil
}

// greet says the host's name in a form that both a web client and a terminal
// can show.
func greet(ctx context.Context, conn net.Conn, name string) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	// A web client speaks first, a person at a terminal may not.
	conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	request := make([]byte, 4096)
	_, _ = conn.Read(request)
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	body := name + "\n"
	fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if c, ok := conn.(*net.TCPConn); ok {
		c.CloseWrite()
	}
	// Reading to the end lets the connection close without a reset.
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, 1<<16))
}

// join reports a group membership again and again, as NLB does without being
// asked: leaving and joining makes the kernel send a report, and in IGMPv1
// nobody announces that he leaves.
func (l *Lab) join(ctx context.Context, n *Node) error {
	fd := -1
	request := &unix.IPMreqn{Multiaddr: n.Join.As4()}
	err := l.Do(n.Name, func() error {
		dev, err := net.InterfaceByName(l.Interface(n.Name))
		if err != nil {
			return err
		}
		request.Ifindex = int32(dev.Index)
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, request)
	})
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return err
	}
	l.running.Go(func() {
		defer unix.Close(fd)
		every(ctx, n.JoinEvery, func() {
			// Either fails only when the other did: the next turn tries again.
			_ = unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_DROP_MEMBERSHIP, request)
			_ = unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, request)
		})
	})
	return nil
}

// flow sends datagrams until ctx ends, from a certain address if one is given.
func (l *Lab) flow(ctx context.Context, w Flow, from netip.Addr) error {
	var conn *net.UDPConn
	err := l.Do(w.From, func() (err error) {
		var local *net.UDPAddr
		if from.IsValid() {
			local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		}
		conn, err = net.DialUDP("udp4", local, net.UDPAddrFromAddrPort(netip.AddrPortFrom(w.To, w.Port)))
		return err
	})
	if err != nil {
		return fmt.Errorf("sending from %s to %s: %w", w.From, w.To, err)
	}
	payload := make([]byte, w.Bytes)
	// Errors are the far end's unreachables: part of what the scenario shows.
	send := func() { _, _ = conn.Write(payload) }
	send()
	l.running.Go(func() {
		defer conn.Close()
		every(ctx, time.Second/time.Duration(w.PerSecond), send)
	})
	return nil
}

// every calls f at intervals until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}
