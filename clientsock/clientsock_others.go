//go:build !linux

package clientsock

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// Client opens TCP connections. These systems do not tell which router said what.
type Client struct {
	ctx     context.Context
	stop    context.CancelFunc
	arrived chan arrival
	dials   sync.WaitGroup
}

// Open returns a Client.
func Open() (*Client, error) {
	ctx, stop := context.WithCancel(context.Background())
	return &Client{ctx: ctx, stop: stop, arrived: make(chan arrival)}, nil
}

// Way is how the VIP itself can be asked: by TCP alone.
func (c *Client) Way() evidence.Way { return evidence.ByTCP }

// LimitsHops reports whether an Ask's TTL is obeyed.
func (c *Client) LimitsHops() bool { return false }

// Close ends all connections under way.
func (c *Client) Close() {
	c.stop()
	c.dials.Wait()
}

// Interrupt ends a Receive at once, and every later one.
func (c *Client) Interrupt() { c.stop() }

// Send opens a connection. What keeps it from doing so comes by Receive.
func (c *Client) Send(a evidence.Ask) {
	c.dials.Go(func() {
		told := evidence.Told{Of: a, Word: evidence.Unsent}
		if a.By == evidence.ByTCP {
			var d net.Dialer
			conn, err := d.DialContext(c.ctx, "tcp4", netip.AddrPortFrom(a.Target, a.Port).String())
			if err == nil {
				told.Word = evidence.Accepted
				if tcp, ok := conn.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0) // it is reset at once: nothing is left at the other end
				}
				_ = conn.Close()
			} else if told = toldOf(a, err); told.Of != a {
				return // silence
			}
		}
		select {
		case c.arrived <- arrival{told, time.Now()}:
		case <-c.ctx.Done():
		}
	})
}

// Receive waits until something comes back, or until the deadline: then its error
// is os.ErrDeadlineExceeded.
func (c *Client) Receive(deadline time.Time) (evidence.Told, time.Time, error) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-c.ctx.Done():
	case <-timer.C:
	case a := <-c.arrived:
		return a.told, a.at, nil
	}
	return evidence.Told{}, time.Time{}, os.ErrDeadlineExceeded
}
