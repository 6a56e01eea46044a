package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/clientsock"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/remoteprobe"
	"github.com/nlbprobe/nlbprobe/route"
)

// errUnheard refuses --passive for a VIP of another subnet.
func errUnheard(err error) error {
	return fmt.Errorf("%w: --passive hears nothing of it here; run nlbprobe on a host of that subnet that is no cluster node", err)
}

// addRemote puts a VIP that is on none of this host's subnets to the job that asks
// for it by way of the routers.
func addRemote(jobs []job, v named, all []route.Interface) []job {
	ifi := route.Interface{}
	if src, err := clientsock.Source(v.vip); err == nil {
		i := slices.IndexFunc(all, func(i route.Interface) bool {
			return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == src })
		})
		if i >= 0 {
			ifi = all[i]
		}
	} // else there is no route, which the asking shows
	i := slices.IndexFunc(jobs, func(j job) bool { return j.remote && j.ifi.Index == ifi.Index })
	if i < 0 {
		i = len(jobs)
		jobs = append(jobs, job{ifi: ifi, remote: true})
	}
	jobs[i].vips = append(jobs[i].vips, v)
	return jobs
}

// remoteNote says what is done with the VIPs that are asked from here, and why.
func remoteNote(reason *route.NoSubnetError, more int) string {
	also := ""
	if more > 0 {
		also = fmt.Sprintf(", nor on that of %d more", more)
	}
	return fmt.Sprintf("%s%s: asking by way of the routers, as a client of another subnet does", reason, also)
}

// planElsewhere plans on a system whose raw frames and routes this program does not
// know: connections to VIPs of other subnets can be tried.
func planElsewhere(o *probeOptions, vips []named, own []net.Addr, unsupported error) ([]job, error) {
	if len(o.tcp) == 0 || o.iface != "" || o.passive {
		return nil, unsupported
	}
	ifi := route.Interface{}
	for _, a := range own {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, _ := netip.AddrFromSlice(n.IP)
		bits, _ := n.Mask.Size()
		ip = ip.Unmap()
		if !ip.Is4() || ip.IsLoopback() || bits > 32 {
			continue
		}
		p := netip.PrefixFrom(ip, bits)
		for _, v := range vips {
			if p.Contains(v.vip) {
				return nil, fmt.Errorf("%v is on a subnet of this host (%v), where probing needs Linux; on a host of another subnet --tcp works on this system too", v.vip, p)
			}
		}
		ifi.Prefixes = append(ifi.Prefixes, p)
	}
	return []job{{ifi: ifi, vips: vips, remote: true}}, nil
}

// ask asks for the VIPs of a job by way of the routers.
func (s *session) ask(ctx context.Context, j job, to event.Listener) error {
	c, err := clientsock.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	cfg := remoteprobe.Config{
		Interface: j.ifi.Name, Addresses: s.own, Way: c.Way(), NoEcho: c.Way() == evidence.ByUDP, Trace: c.LimitsHops(),
		Ports: s.o.tcp, Controls: s.controls, Timing: remoteprobe.DefaultTiming(),
	}
	cfg.Timing.Wait = s.o.wait
	return remoteprobe.Run(ctx, c, cfg, j.addrs(), naming{to, j})
}

// unused names the flags that were given and are of no use for VIPs of other
// subnets.
func (o *probeOptions) unused() string {
	var words []string
	for _, f := range []struct {
		given bool
		name  string
	}{
		{len(o.routers) > 0, "--router"}, {o.affin, "--affinity"}, {o.igmp, "--igmp-query"}, {o.listen > 0, "--listen"},
		{o.config.given, "what names a platform"},
	} {
		if f.given {
			words = append(words, f.name)
		}
	}
	return strings.Join(words, ", ")
}

// checkRemote refuses what does not go together with VIPs of other subnets, and
// returns a note on what is not used for them.
func (s *session) checkRemote() (note string, err error) {
	far := 0
	for _, j := range s.jobs {
		if j.remote {
			far++
		}
	}
	switch unused := s.o.unused(); {
	case far == 0:
	case s.o.write != "" && far == len(s.jobs):
		return "", errors.New("--write keeps frames, and none are read from another subnet than the VIP's; run it on a host of that subnet")
	case unused != "":
		note = "not used from another subnet: " + unused
	}
	return note, nil
}
