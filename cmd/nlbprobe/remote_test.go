package main

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// TestPlanElsewhere: what is tried on a system without raw packet sockets.
func TestPlanElsewhere(t *testing.T) {
	cidr := func(s string) net.Addr {
		ip, n, err := net.ParseCIDR(s)
		if err != nil {
			t.Fatal(err)
		}
		return &net.IPNet{IP: ip, Mask: n.Mask}
	}
	own := []net.Addr{cidr("127.0.0.1/8"), cidr("192.0.2.10/24"), cidr("fe80::1/64"), &net.IPAddr{IP: net.IPv4(1, 2, 3, 4)}}
	far, near := named{vip: netip.MustParseAddr("172.16.63.241")}, named{vip: netip.MustParseAddr("192.0.2.241")}
	unsupported := errors.New("probing needs Linux")
	for _, tt := range []struct {
		name string
		o    probeOptions
		vips []named
		own  []net.Addr
		err  string
	}{
		{"a service from another subnet", probeOptions{tcp: ports{443}}, []named{far}, own, ""},
		{"nothing that works here", probeOptions{}, []named{far}, own, "probing needs Linux"},
		{"an interface is named", probeOptions{tcp: ports{443}, iface: "en0"}, []named{far}, own, "probing needs Linux"},
		{"nothing to be sent", probeOptions{tcp: ports{443}, passive: true}, []named{far}, own, "probing needs Linux"},
		{"a VIP of our own subnet", probeOptions{tcp: ports{443}}, []named{far, near}, own, "192.0.2.241 is on a subnet of this host (192.0.2.10/24), where probing needs Linux"},
		{"no address is known", probeOptions{tcp: ports{443}}, []named{far}, nil, ""},
	} {
		jobs, err := planElsewhere(&tt.o, tt.vips, tt.own, unsupported)
		switch {
		case tt.err != "":
			if err == nil || !strings.Contains(err.Error(), tt.err) || jobs != nil {
				t.Errorf("%s: %v, %+v", tt.name, err, jobs)
			}
		case err != nil || len(jobs) != 1 || !jobs[0].remote || len(jobs[0].vips) != len(tt.vips):
			t.Errorf("%s: %v, %+v", tt.name, err, jobs)
		}
	}
}
