package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates"
)

// runArgs is a whole run of the program in process.
func runArgs(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &errs})
	return status, out.String(), errs.String()
}

func TestRender(t *testing.T) {
	const cluster = "--vip 192.0.2.100 --mac 03bf.c000.0264"
	tests := []struct {
		name, why string
		args      string
		errs      string
	}{
		{"full.txt", "everything is given: nothing but the lines, and comments", cluster + " --platform cisco-ios --vlan 20 --port Gi1/0/11 --port Gi1/0/12", ""},
		{"placeholders.txt", "nothing else is given", cluster + " --platform cisco-ios", "nlbprobe: placeholders are left; fill them with --vlan, --port\n"},
		{"all.txt", "four sections, two VIPs, the second as an argument", cluster + " --platform cisco-nxos --vlan 20 --port Ethernet1/5 --section all 192.0.2.101", ""},
		{"two_devices.txt", "a core and an access switch, each in its role", cluster + " --platform cisco-nxos:l3 --platform cisco-ios:l2 --vlan 20 --port Gi1/0/11", ""},
		{"igmp.txt", "the MAC tells the mode", "--vip 192.0.2.100 --mac 01-00-5e-7f-02-64 --platform cisco-nxos --vlan 20 --port Ethernet1/5 --set querier=192.0.2.2", ""},
		{"object.json", "ACI takes an object; stdout is that and nothing else", cluster + " --platform cisco-aci --set tenant=Prod --set app=Web --set epg=Front --section configure",
			"nlbprobe: cisco-aci: configure, in one POST to /api/mo/uni.json on the APIC\n" +
				"nlbprobe: cisco-aci: The VIP stands as a /32 subnet with no-default-gateway under the EPG, not under the bridge domain. The static MAC must be a group MAC.\n" +
				"nlbprobe: cisco-aci: The member ports are the EPG's static paths; they are not named here.\n"},
		{"playbook.yml", "a playbook of a core and an access switch", cluster + " --platform cisco-nxos:l3 --platform cisco-ios:l2 --vlan 20 --port Gi1/0/11 --format ansible", ""},
		{"remove.xml", "what a NETCONF server takes back", cluster + " --platform linux:l3 --svi eth0 --format ietf --section remove", ""},
		{"aci.tf", "ACI as Terraform", cluster + " --platform cisco-aci --set tenant=Prod --set app=Web --set epg=Front --format terraform 192.0.2.101", ""},
		{"output.json", "the contract's configs", cluster + " --platform cisco-ios:l3 --platform cisco-asa --section configure --section save -o json", ""},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			status, out, errs := runArgs(t, append([]string{"render"}, strings.Fields(tt.args)...)...)
			if status != exitOK || errs != tt.errs {
				t.Fatalf("status %d, stderr\n%s", status, errs)
			}
			if strings.HasSuffix(tt.name, ".json") && !json.Valid([]byte(out)) {
				t.Errorf("not JSON: %s", out)
			}
			golden(t, "render/"+tt.name, []byte(out))
		})
	}
}

// TestRenderJSON reads the fields that scripts depend on.
func TestRenderJSON(t *testing.T) {
	_, out, _ := runArgs(t, "render", "--platform", "cisco-ios", "--vip", "192.0.2.100", "--mac", "03bfc0000264", "-o", "json")
	var got struct {
		Schema  string
		Configs []struct {
			Platform, Section, Text, Confidence string
			Missing                             []string
		}
	}
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "nlbprobe/1" || len(got.Configs) != 1 {
		t.Fatalf("%+v", got)
	}
	c := got.Configs[0]
	if c.Platform != "cisco-ios" || c.Section != "configure" || c.Confidence != "vendor" || strings.Join(c.Missing, " ") != "vlan port" {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(c.Text, "\narp 192.0.2.100 03bf.c000.0264 arpa\n") || !strings.Contains(out, "vlan <VLAN> interface") {
		t.Errorf("the text: %s", out)
	}
}

// Arguments without a flag are what they look like, in any order; VIPs may stand
// behind one flag with commas.
func TestRenderArguments(t *testing.T) {
	_, want, _ := runArgs(t, "render", "--platform", "cisco-ios:l3", "--vip", "192.0.2.100", "--vip", "192.0.2.101", "--mac", "03bf.c000.0264")
	for _, args := range [][]string{
		{"cisco-ios:l3", "192.0.2.100", "192.0.2.101", "03bf.c000.0264"},
		{"192.0.2.100,192.0.2.101", "3:bf:c0:0:2:64", "Cisco-IOS:l3"},
		{"3:bf:c0:0:2:64", "cisco-ios:l3", "--vip", "192.0.2.100, 192.0.2.101"},
		{"--platform", "cisco-ios:l3", "--vip", "192.0.2.100", "0x03bfc0000264", "192.0.2.101"},
		{"--platform", "Catalyst 3750:l3", "--vip", "192.0.2.100", "03bf.c000.0264", "192.0.2.101"},
		{"--mac", "03 bf c0 00 02 64", "cisco-ios:l3", "--vip", "192.0.2.100", "192.0.2.101"},
	} {
		if status, out, errs := runArgs(t, append([]string{"render"}, args...)...); status != exitOK || out != want || errs != "" {
			t.Errorf("%q: status %d, stderr %q, stdout\n%s", args, status, errs, out)
		}
	}
}

// A table says the same as flags, in the same spellings; numbers are decimal in
// both.
func TestRenderTableAsFlags(t *testing.T) {
	table := filepath.Join(t.TempDir(), "t.csv")
	text := "device,platform,vlan,svi,port\nsw,Catalyst 6500,064,vlan 64,gi2/1-2\nsw,,64,,\"Te5/4, po10\"\n"
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := []string{"render", "192.0.2.100", "0100.5e7f.0264"}
	status, got, errs := runArgs(t, append(cluster, "--ports-from", table)...)
	_, got, _ = strings.Cut(got, "\n") // the title, which names the device
	_, want, _ := runArgs(t, append(cluster, "cisco-catalyst-6500", "--vlan", "064", "--svi", "Vlan64", "--port", "GigabitEthernet2/1",
		"--port", "GigabitEthernet2/2", "--port", "TenGigabitEthernet5/4", "--port", "Port-channel10")...)
	if status != exitOK || errs != "" || got != want || !strings.Contains(want, "interface Vlan64\n") {
		t.Errorf("status %d, %s got\n%s\nwant\n%s", status, errs, got, want)
	}
}

// A MAC that NLB derives from no VIP of the call is said above the lines; the
// VIP's own, one set by hand and one of another kind are not.
func TestRenderForeignMAC(t *testing.T) {
	for m, want := range map[string]string{
		"03bf.c000.0265": "NLB derives this MAC from 192.0.2.101, which is no VIP of this call",
		"02bf.c000.0265": "NLB derives this MAC from 192.0.2.101, which is no VIP of this call",
		"0100.5e7f.0265": "NLB derives this MAC from an address that ends in .2.101, which is no VIP of",
		"03bf.c000.0264": "", "02bf.c000.0264": "", "0100.5e7f.0264": "",
		"03bf.c000.0263": "", // of the second VIP
		"0300.5e11.1111": "", "0100.5e10.0265": "",
	} {
		status, out, errs := runArgs(t, "render", "cisco-nxos", "192.0.2.100", "192.0.2.99", m)
		comments := ""
		for line := range strings.Lines(out) {
			if rest, is := strings.CutPrefix(line, "! "); is {
				comments += strings.TrimSpace(rest) + " "
			}
		}
		if status != exitOK || strings.Contains(comments, "NLB derives this MAC") != (want != "") || !strings.Contains(comments, want) {
			t.Errorf("%s: status %d, want %q in %s%s", m, status, want, out, errs)
		}
		if m[1] == '2' {
			continue // the platforms below have no lines for unicast mode
		}
		for _, args := range [][]string{{"ansible", "cisco-ios:l3"}, {"ietf", "linux:l3", "--svi", "eth0"}} {
			status, out, errs = runArgs(t, append([]string{"render", "192.0.2.100", "192.0.2.99", m, "--format"}, args...)...)
			if status != exitOK || errs != "" || strings.Contains(out, "NLB derives this MAC") != (want != "") {
				t.Errorf("%s, %s: status %d, %s%s", m, args, status, out, errs)
			}
		}
		status, _, errs = runArgs(t, "render", "cisco-ios:l3", "192.0.2.100", "192.0.2.99", m, "--diff", os.DevNull)
		if status != exitOK || !strings.Contains(errs, want) || (want == "") != (errs == "") {
			t.Errorf("%s, diff: status %d, %s", m, status, errs)
		}
	}
}

// TestRenderBad has the exact line of every kind of wrong usage: status 3,
// nothing on stdout.
func TestRenderBad(t *testing.T) {
	cluster := []string{"--vip", "192.0.2.100", "--mac", "03bf.c000.0264"}
	ios := append([]string{"--platform", "cisco-ios"}, cluster...)
	const example = "; as nlbprobe render --platform cisco-ios --vip 172.16.63.241 --mac 03bf.ac10.3ff1"
	with := func(args ...string) []string { return append(args, ios...) }
	tests := []struct {
		args []string
		want string
	}{
		{nil, `no platform: --platform NAME ("nlbprobe platforms" lists them); no VIP: --vip IP; no MAC: --mac MAC, the one that answers for the VIP ("nlbprobe mac IP" derives it)` + example},
		{ios[:2], `no VIP: --vip IP; no MAC: --mac MAC, the one that answers for the VIP ("nlbprobe mac IP" derives it)` + example},
		{[]string{"--vip", "192.0.2.100", "cisco-ios"}, `no MAC: --mac MAC, the one that answers for the VIP ("nlbprobe mac IP" derives it)` + example},
		{cluster, `no platform: --platform NAME ("nlbprobe platforms" lists them)` + example},
		{append(ios, "03bf.c000.0265"), `two MACs, "03bf.c000.0264" and "03bf.c000.0265": one answers for all VIPs of a call`},
		{append(cluster[:2:2], "03:bf:c0:00:02:6g"), `"03:bf:c0:00:02:6g" is not a MAC address: not a hex digit (at character 17); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
		{append(ios, "3750"), `"3750": a VLAN is --vlan N, a platform --platform NAME; a number alone could be either`},
		{append(cluster, "cisco-oi"), `no platform is called "cisco-oi"; did you mean "cisco-ios"?`},
		{append(cluster, "cisco-ios:l1"), `no role is called "l1" in "cisco-ios:l1"; there are l3 (routes the VLAN) and l2 (bridges it), without one both`},
		{append([]string{"--platform", "cisco-oi"}, cluster...), `no platform is called "cisco-oi"; did you mean "cisco-ios"?`},
		{append([]string{"--platform", "zzz"}, cluster...), `no platform is called "zzz" ("nlbprobe platforms" lists them)`},
		{append([]string{"--platform", "cisco-ios:l1"}, cluster...), `no role is called "l1" in "cisco-ios:l1"; there are l3 (routes the VLAN) and l2 (bridges it), without one both`},
		{with("--vip", "web.example"), `--vip "web.example" is not an IPv4 address`},
		{append(ios, "Gi1/0/2"), `"Gi1/0/2" is no IPv4 address, no MAC and no platform's name; give each port with --port IF`},
		{with("--vip", "2001:db8::1"), "VIP 2001:db8::1 is not IPv4; IPv6 is not rendered yet"},
		{with("--vip", "239.255.2.100"), "VIP 239.255.2.100 is not an IPv4 unicast address"},
		{with("--vlan", "0"), "VLAN 0 does not exist; VLANs are 1 to 4094"},
		{with("--vlan", "4095"), "VLAN 4095 does not exist; VLANs are 1 to 4094"},
		{with("--vlan", "0x64"), `"0x64" is no VLAN: decimal digits, 1 to 4094`},
		{with("--vlan", "1_00"), `"1_00" is no VLAN: decimal digits, 1 to 4094`},
		{with("--vlan", "+100"), `"+100" is no VLAN: decimal digits, 1 to 4094`},
		{with("--port", "Gi1/0/1\nreload"), `port "Gi1/0/1\nreload" holds a line break, a control character or one outside ASCII; no name does`},
		{with("--port", "Eth1/1"), `"Eth1/1" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{with("--vrf", "a b"), `"a b" is no vrf name on cisco-ios; write it like blue`},
		{with("--prefix", "192.0.2.1"), `--prefix "192.0.2.1" is not an address with a prefix length, as 172.16.63.1/24`},
		{with("--prefix", "198.51.100.1/24"), "VIP 192.0.2.100 is not in the prefix 198.51.100.1/24: the interface that routes the cluster's VLAN must hold it"},
		{with("--set", "tenant"), `--set "tenant" is not NAME=VALUE, as tenant=Prod`},
		{with("--set", "tenant=a"), "--set tenant: no platform asked for has a value of that name"},
		{with("--section", "undo"), `no section is called "undo"; there are configure, verify, remove, save and all`},
		{with("-o", "yaml"), `no output is called "yaml"; there are text and json`},
		{with("--format", "ansibel"), `no format is called "ansibel"; did you mean "ansible"?`},
		{with("--format", "pdf"), `no format is called "pdf"; there are text, json, ansible, ietf, terraform`},
		{with("--format", "ansible", "-o", "json"), "--output json and --format ansible exclude each other"},
		{with("--format", "ansible"), "cisco-ios lacks what a program cannot guess: give --vlan, --port"},
		{with("--format", "ansible", "--section", "all"), "--format ansible takes one --section of: configure, remove; the others are for people, in the format text"},
		{with("--format", "ansible", "--section", "verify"), "--format ansible takes one --section of: configure, remove; the others are for people, in the format text"},
		{with("--format", "ietf"), "cisco-ios has no form ietf; these have: cisco-catalyst-9000, huawei-vrp, linux"},
		{with("--format", "terraform"), "cisco-ios has no form terraform; these have: cisco-aci"},
		{append([]string{"--platform", "linux", "--platform", "linux", "--format", "ietf"}, cluster...), "--format ietf makes one document: one platform at a time, and 2 are given"},
		{append([]string{"--platform", "linux:l2", "--format", "ietf"}, cluster...), "linux has nothing in the form ietf here: it holds ARP entries, which only a device needs that routes the VLAN of a cluster with a group MAC; --format text says what to do"},
		{append([]string{"--platform", "cisco-catos", "--format", "ansible"}, cluster...), "cisco-catos has no form ansible; these have: " + strings.Join(havingForm(t, templates.AnsibleForm), ", ")},
		{with("--strict"), "cisco-ios lacks what --strict demands: give --vlan, --port"},
		{with("--strict", "--platform", "cisco-aci", "--vlan", "20"), "cisco-aci and cisco-ios lack what --strict demands: give --set tenant=VALUE, --set app=VALUE, --set epg=VALUE, --port"},
		{with("--platform-dir", "testdata/no-such"), `platform folder "testdata/no-such" cannot be read: no such file or directory`},
		{[]string{"--platform", "cisco-ios", "--vip", "192.0.2.100", "--mac", "0250.c000.0264"}, "02:50:c0:00:02:64 is a unicast MAC: no configuration is needed, since routers accept it from an ARP reply as any host's (RFC 1812 3.3.2 bars only group MACs)"},
		{[]string{"--platform", "cisco-ios", "--vip", "192.0.2.100", "--mac", "ffff.ffff.ffff"}, "the MAC address is the broadcast address ff:ff:ff:ff:ff:ff: no cluster answers with it, and a static entry for it would flood every VLAN"},
		{[]string{"--platform", "cisco-ios", "--vip", "192.0.2.100", "--mac", "03bf.c000"}, `"03bf.c000" is not a MAC address: 8 of 12 hex digits (at character 10); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
	}
	for _, tt := range tests {
		status, out, errs := runArgs(t, append([]string{"render"}, tt.args...)...)
		if status != exitUnknown || out != "" || errs != "nlbprobe: "+tt.want+"\n" {
			t.Errorf("%q: status %d, stdout %q\n got %swant nlbprobe: %s", tt.args, status, out, errs, tt.want)
		}
	}
}

// havingForm are the names of the built-in platforms with a form.
func havingForm(t *testing.T, form templates.Form) []string {
	t.Helper()
	set := templates.Load()
	all, err := set.All()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range all {
		if slices.ContainsFunc(templates.Forms(p), func(f templates.FormInfo) bool { return f.Form == form }) {
			names = append(names, p.Name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("%d platforms have the form %s", len(names), form)
	}
	return names
}

func TestPlatforms(t *testing.T) {
	tests := []struct {
		name string
		args string
	}{
		{"table.txt", ""},
		{"table.json", "-o json"},
		{"cisco-nxos.txt", "cisco-nexus-7000"},
		{"cisco-nxos.json", "cisco-nxos -o json"},
		{"cisco-aci.txt", "cisco-aci"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := runArgs(t, append([]string{"platforms"}, strings.Fields(tt.args)...)...)
			if status != exitOK || errs != "" {
				t.Fatalf("status %d, stderr %q", status, errs)
			}
			if strings.HasSuffix(tt.name, ".json") {
				if !json.Valid([]byte(out)) {
					t.Errorf("not JSON: %s", out)
				}
			} else {
				for line := range strings.Lines(out) {
					if n := len(strings.TrimSuffix(line, "\n")); n > 80 && !strings.Contains(line, "{") {
						t.Errorf("%d columns: %q", n, line)
					}
				}
			}
			golden(t, "platforms/"+tt.name, []byte(out))
		})
	}
}

// TestPlatformOfOnesOwn: a file in a folder is checked, listed and rendered as
// a built-in one is.
func TestPlatformOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("../../templates/templatestest/acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good, bad := filepath.Join(dir, "acme.yaml"), filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(good, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bad, bytes.Replace(data, []byte("role: l3"), []byte("role: l4"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := runArgs(t, "platforms", "--check", good)
	if status != exitOK || out != good+": platform acme-os, 3 lines to configure, weakest confidence vendor\n" ||
		!strings.HasPrefix(errs, "nlbprobe: "+good+": no save: ") || !strings.Contains(errs, `: the file is called "acme" and the platform "acme-os"`) {
		t.Errorf("check: %d %q %q", status, out, errs)
	}
	status, out, errs = runArgs(t, "platforms", "--check", bad)
	if status != exitUnknown || out != "" || errs != "nlbprobe: "+bad+":64:11: no role is called \"l4\"; there are l3, l2, l2-only and both\n" {
		t.Errorf("check of a bad file: %d %q %q", status, out, errs)
	}
	status, out, _ = runArgs(t, "platforms", "--platform-dir", dir)
	if status != exitOK || !strings.Contains(out, "\nacme-os ") {
		t.Errorf("table: %d\n%s", status, out)
	}
	status, out, errs = runArgs(t, "render", "--platform-dir", dir, "--platform", "acme:l3", "--vip", "192.0.2.100", "--mac", "03bfc0000264", "--vlan", "20", "--prefix", "192.0.2.1/24")
	if status != exitOK || errs != "" || !strings.Contains(out, "\n  set address 192.0.2.1/24 arp 192.0.2.100\n  set mac 03bf-c000-0264\n") {
		t.Errorf("render: %d %q\n%s", status, errs, out)
	}
}

// TestPlatformsFound: what stands for one platform shows it, what stands for
// several gives their table; a flag needs one, and names all.
func TestPlatformsFound(t *testing.T) {
	for args, want := range map[string]string{
		"Aruba 2930F": "hpe-procurve: ", "WS-C3750G-24TS": "cisco-ios: ", "Nexus 9000": "cisco-nxos: ", "nx-os": "cisco-nxos: ", "VSP": "extreme-voss: ", "X460": "extreme-exos: ",
	} {
		status, out, errs := runArgs(t, append([]string{"platforms"}, strings.Fields(args)...)...)
		if status != exitOK || errs != "" || !strings.HasPrefix(out, want) {
			t.Errorf("%s: status %d, %s%.60s, want %s", args, status, errs, out, want)
		}
	}
	for args, want := range map[string]int{"cisco": 14, "juniper": 3, "catalyst": 5, "dell": 3} {
		status, out, errs := runArgs(t, "platforms", args)
		rows := 0
		for line := range strings.Lines(out) {
			if strings.Contains(line, args) || args == "catalyst" && strings.HasPrefix(line, "cisco-") {
				if !strings.HasPrefix(line, " ") {
					rows++
				}
			}
		}
		if status != exitOK || errs != "" || rows != want {
			t.Errorf("%s: status %d, %s%d rows of %d:\n%s", args, status, errs, rows, want, out)
		}
		status, out, errs = runArgs(t, "render", "--platform", args, "--vip", "192.0.2.100", "--mac", "03bf.c000.0264")
		if status != exitUnknown || out != "" || !strings.HasPrefix(errs, fmt.Sprintf("nlbprobe: %q stands for %d platforms: ", args, want)) || strings.Count(errs, "\n") != 1 {
			t.Errorf("--platform %s: status %d, %s%s", args, status, errs, out)
		}
	}
}

func TestPlatformsBad(t *testing.T) {
	tests := []struct{ args, want string }{
		{"cisco-nexos", `no platform is called "cisco-nexos"; did you mean "cisco-nxos"?`},
		{"zzz", `no platform is called "zzz" ("nlbprobe platforms" lists them)`},
		{"a b", `no platform is called "a b" ("nlbprobe platforms" lists them)`},
		{"tp-link", `no platform is called "tp-link" ("nlbprobe platforms" lists them)`},
		{"juniper screenos", `no platform is called "juniper screenos"; of juniper there are: juniper-ex, juniper-junos, juniper-srx ("nlbprobe platforms" lists them)`},
		{"-o yaml", `no output is called "yaml"; there are text and json`},
		{"--check x.yaml cisco-ios", "--check reads a file; leave the platform's name out"},
		{"--check no-such.yaml", `platform file "no-such.yaml" cannot be read: no such file or directory`},
	}
	for _, tt := range tests {
		status, out, errs := runArgs(t, append([]string{"platforms"}, strings.Fields(tt.args)...)...)
		if status != exitUnknown || out != "" || errs != "nlbprobe: "+tt.want+"\n" {
			t.Errorf("%s: status %d, stdout %q\n got %swant nlbprobe: %s", tt.args, status, out, errs, tt.want)
		}
	}
}
