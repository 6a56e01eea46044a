package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ServicePort is the TCP port on which every node serves a one-line web page
// with its name, on its VIPs and on its own address.
const ServicePort = 80

// discardPort is where packets go that nobody needs to read (RFC 863).
const discardPort = 9

// animate starts what the hosts do of themselves until background ends. All
// sockets are open, the first packets sent but for heartbeats that come later,
// masters elected and queriers heard when it returns; ctx ends only the waiting
// for that.
func (l *Lab) animate(ctx, background context.Context) error {
	// What takes longest first.
	err := each(l.scenario.Routers, func(r Router) error { return l.startFRR(ctx, background, &r) })
	if err != nil {
		return err
	}
	for i := range l.scenario.Nodes {
		if err := l.animateNode(background, &l.scenario.Nodes[i]); err != nil {
			return err
		}
	}
	for i := range l.scenario.Routers {
		r := &l.scenario.Routers[i]
		if l.scenario.Master(r) && !r.VRRP.Elected {
			b := beacon{what: "advertisements", frame: advertisement(r), every: time.Second}
			if err := l.repeat(background, r.Name, b); err != nil {
				return fmt.Errorf("sending %s from %s: %w", b.what, r.Name, err)
			}
		}
	}
	for _, w := range l.scenario.Flows {
		if err := l.flow(background, w, netip.Addr{}); err != nil {
			return err
		}
	}
	return l.settle(ctx)
}

func (l *Lab) animateNode(ctx context.Context, n *Node) error {
	if err := l.serve(ctx, n.Name); err != nil {
		return fmt.Errorf("starting the service of %s: %w", n.Name, err)
	}
	if n.AnswersQueries {
		if err := l.join(ctx, n); err != nil {
			return fmt.Errorf("joining %s on %s: %w", n.Join, n.Name, err)
		}
	}
	all, err := beacons(n)
	if err != nil {
		return err
	}
	for _, b := range all {
		if err := l.repeat(ctx, n.Name, b); err != nil {
			return fmt.Errorf("sending %s from %s: %w", b.what, n.Name, err)
		}
	}
	if n.AsksAsVIP {
		// Datagrams to the client need the gateway's MAC five times a second, so
		// the question is asked as long as nobody answers it.
		w := Flow{From: n.Name, To: l.scenario.Client, Port: discardPort, PerSecond: 5}
		if err := l.flow(ctx, w, n.VIPs[0]); err != nil {
			return err
		}
	}
	if n.DiesAfter > 0 {
		l.running.Go(func() { l.pullCable(ctx, n) })
	}
	return nil
}

// settle waits for elections, and for the switch to act by what queriers hear.
func (l *Lab) settle(ctx context.Context) error {
	if err := l.elect(ctx); err != nil {
		return fmt.Errorf("electing masters: %w", err)
	}
	if l.scenario.Switch.Querier != nil {
		if err := l.ask(ctx); err != nil {
			return fmt.Errorf("making the switch a querier: %w", err)
		}
	}
	return nil
}

// pullCable takes a node's port of the switch down when its time has come.
func (l *Lab) pullCable(ctx context.Context, n *Node) {
	if pause(ctx, n.DiesAfter) != nil {
		return
	}
	// It fails only if the port is gone, with the switch.
	_ = l.hosts[Switch].onThread(func() error {
		port, err := netlink.LinkByName(n.Name)
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(port)
	})
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

// join holds a group membership in the node's kernel, which answers queries for
// it.
func (l *Lab) join(ctx context.Context, n *Node) error {
	fd := -1
	err := l.Do(n.Name, func() error {
		dev, err := net.InterfaceByName(l.Interface(n.Name))
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: n.Join.As4(), Ifindex: int32(dev.Index)})
	})
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return err
	}
	l.running.Go(func() {
		<-ctx.Done()
		unix.Close(fd)
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
