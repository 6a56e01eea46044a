package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestProbePortsFrom: a probe's report ends with a block for the router and one
// for each switch of the table, with the MAC that was heard; in JSON each says
// whose it is.
func TestProbePortsFrom(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "cisco-example")
	table := filepath.Join(t.TempDir(), "members.csv")
	if err := os.WriteFile(table, []byte("device,port,vlan\nacc1,Gi1/0/11,63\nacc1,Gi1/0/12,\nacc2,Gi1/0/1,63\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--platform", "cisco-nxos:l3", "--platform", "cisco-ios:l2", "--vlan", "63", "--ports-from", table}
	status, out, errs := nlbprobe(t, l, "prober", append(flags, labVIP)...)
	if status != exitCritical || errs != "" {
		t.Errorf("status %d, %s", status, errs)
	}
	for _, want := range []string{
		"PASTE     cisco-nxos:l3 for 172.16.63.241, section configure;", "\n  ip arp 172.16.63.241 0300.5e11.1111\n",
		"PASTE     acc1: cisco-ios:l2 for 172.16.63.241, section configure;", "\nmac address-table static 0300.5e11.1111 vlan 63 interface GigabitEthernet1/0/11 GigabitEthernet1/0/12\n",
		"PASTE     acc2: cisco-ios:l2 for 172.16.63.241, section configure;", "\nmac address-table static 0300.5e11.1111 vlan 63 interface GigabitEthernet1/0/1\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	_, out, _ = nlbprobe(t, l, "prober", append(flags, "-o", "json", labVIP)...)
	var devices []string
	for _, o := range objects(t, out) {
		for _, c := range o.Configs {
			devices = append(devices, c.Device+" "+c.Platform)
		}
	}
	if want := []string{" cisco-nxos", "acc1 cisco-ios", "acc2 cisco-ios"}; !slices.Equal(devices, want) {
		t.Errorf("the configs are of %q, want %q", devices, want)
	}
}
