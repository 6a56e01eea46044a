package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// forwarding is BR_STATE_FORWARDING of linux/if_bridge.h.
const forwarding = 3

// connected returns when all ports of the switch forward. A port does so a
// moment after both ends of its cable are up: the kernel looks at what has a
// carrier in its own time, and on a busy machine that is late.
func (l *Lab) connected(ctx context.Context) error {
	return l.await(ctx, func() (all bool, err error) {
		err = l.hosts[Switch].onThread(func() error {
			states, err := portStates()
			all = err == nil && len(states) > 0
			for _, state := range states {
				all = all && state == forwarding
			}
			return err
		})
		return all, err
	})
}

// portStates returns the states of all ports of the bridges in the calling
// thread's network.
func portStates() ([]uint8, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_BRIDGE))
	links, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil {
		return nil, err
	}
	var states []uint8
	for _, link := range links {
		attributes, err := nl.ParseRouteAttr(link[unix.SizeofIfInfomsg:])
		if err != nil {
			return nil, err
		}
		for _, a := range attributes {
			if a.Attr.Type != unix.IFLA_PROTINFO|unix.NLA_F_NESTED {
				continue
			}
			port, err := nl.ParseRouteAttr(a.Value)
			if err != nil {
				return nil, err
			}
			for _, p := range port {
				if p.Attr.Type == nl.IFLA_BRPORT_STATE && len(p.Value) == 1 {
					states = append(states, p.Value[0])
				}
			}
		}
	}
	return states, nil
}

// patience is how long anything may take to be ready.
const patience = 30 * time.Second

// await calls f until it says that what was waited for is there.
func (l *Lab) await(ctx context.Context, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not ready within %v", patience))
	defer cancel()
	for {
		if done, err := f(); done || err != nil {
			return err
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
