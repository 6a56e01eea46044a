package inventory

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	prefix := netip.MustParsePrefix("192.0.2.1/24")
	tests := []struct {
		why, text string
		want      []Device
	}{
		{"two columns", "device,port\nacc1,Gi1/0/1\nacc1,Gi1/0/2\nacc2,Gi1/0/1\n", []Device{
			{Name: "acc1", Line: 2, Ports: []string{"Gi1/0/1", "Gi1/0/2"}}, {Name: "acc2", Line: 4, Ports: []string{"Gi1/0/1"}}}},
		{"all columns, in another order, said once", "VLAN, Port ,Device,Platform,svi,vrf,prefix\n20,Ethernet1/5,core,cisco-nxos,Vlan20,blue,192.0.2.1/24\n,Ethernet1/6,core,,,,\n", []Device{
			{Name: "core", Line: 2, Platform: "cisco-nxos", VLAN: 20, SVI: "Vlan20", VRF: "blue", Prefix: prefix, Ports: []string{"Ethernet1/5", "Ethernet1/6"}}}},
		{"rows in between, names in any case", "device,port\na,1\nB,1\nA,2\n", []Device{
			{Name: "a", Line: 2, Ports: []string{"1", "2"}}, {Name: "B", Line: 3, Ports: []string{"1"}}}},
		{"a device that only routes", "device,port,platform\ncore,,cisco-ios:l3\n", []Device{{Name: "core", Line: 2, Platform: "cisco-ios:l3"}}},
		{"comments, empty rows, CR LF, a repeated port", "# of 2026\r\n\r\ndevice,port\r\n# the rack\r\na,1\r\n,\r\na,1\r\n", []Device{{Name: "a", Line: 5, Ports: []string{"1"}}}},
		{"quotes", "device,port\n\"a\",\"GigabitEthernet1/0/1 to GigabitEthernet1/0/4\"\na,\"1,2\"\n", []Device{
			{Name: "a", Line: 2, Ports: []string{"GigabitEthernet1/0/1 to GigabitEthernet1/0/4", "1,2"}}}},
		{"semicolons", "device;port\na;1\n", []Device{{Name: "a", Line: 2, Ports: []string{"1"}}}},
		{"semicolons behind an empty row and a comment", "\n# of 2026\ndevice;port\na;1\n", []Device{{Name: "a", Line: 4, Ports: []string{"1"}}}},
		{"tabs", "device\tport\na\t1\n", []Device{{Name: "a", Line: 2, Ports: []string{"1"}}}},
		{"commas, with tabs behind them to line the columns up", "device,\tport\na,\t1\n", []Device{{Name: "a", Line: 2, Ports: []string{"1"}}}},
		{"columns that a spreadsheet adds", "device,port,,\na,1,,\n", []Device{{Name: "a", Line: 2, Ports: []string{"1"}}}},
		{"short rows", "device,port,vlan\na,1\n", []Device{{Name: "a", Line: 2, Ports: []string{"1"}}}},
	}
	for _, tt := range tests {
		got, err := Read("t.csv", []byte(tt.text))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", tt.why, got, err, tt.want)
		}
	}
}

func TestFaults(t *testing.T) {
	const columns = "the first row names the columns: device, port, and where needed platform, vlan, svi, vrf, prefix"
	tests := []struct{ why, text, want string }{
		{"empty", "", `"t.csv": no device: a row for each member port, under a first row such as device,port,platform`},
		{"only the first row", "device,port\n", `"t.csv": no device: a row for each member port, under a first row such as device,port,platform`},
		{"no first row", "acc1,Gi1/0/1\n", `"t.csv", line 1: no column is called "acc1"; ` + columns},
		{"no first row, and two separators", "acc1,Gi1/0/1;Gi1/0/2\n", `"t.csv", line 1: no column is called "acc1"; ` + columns},
		{"no port column", "device,vlan\n", `"t.csv", line 1: column port is missing; ` + columns},
		{"a column twice", "device,port,port\n", `"t.csv", line 1: column port stands there twice`},
		{"binary", "device,port\n\x00", `"t.csv": a binary file; save the table as CSV`},
		{"too long", strings.Repeat("#", MaxBytes+1), `"t.csv": more than 1048576 bytes`},
		{"too many rows", "device,port\n" + strings.Repeat("a,1\n", maxRows+1), `"t.csv": more than 20000 rows`},
		{"a stray quote", "device,port\na,1\"2\n", `"t.csv", line 2: column 4: bare " in non-quoted-field; a cell that holds the separator or a quote stands between double quotes, a quote in it twice`},
		{"an open quote", "device,port\na,\"1\n2\n", `"t.csv", line 3: column 3: extraneous or missing " in quoted-field; a cell that holds the separator or a quote stands between double quotes, a quote in it twice`},
		{"a line break in a name", "device,port\n\"a\nreload\",1\n", `"t.csv", line 2: device "a\nreload" holds a line break, a control character or one outside ASCII; no name does`},
		{"a line break in a port", "device,port\na,\"1\nreload\"\n", `"t.csv", line 2: port "1\nreload" holds a line break, a control character or one outside ASCII; no name does`},
		{"a question mark", "device,port\na?,1\n", `"t.csv", line 2: device "a?" is no name: letters, digits, dots, hyphens and underscores`},
		{"no device", "device,port\n,1\n", `"t.csv", line 2: the row names no device`},
		{"a cell too many", "device,port\na,1,x\n", `"t.csv", line 2: "x" stands in a column without a name`},
		{"a long list of ports", "device,port\na," + strings.Repeat("1", 1025) + "\n", `"t.csv", line 2: port "` + strings.Repeat("1", 40) + `..." has 1025 characters; at most 1024 are taken`},
		{"a long cell", "device,port\n" + strings.Repeat("a", 65) + ",1\n", `"t.csv", line 2: device "` + strings.Repeat("a", 40) + `..." has 65 characters; at most 64 are taken`},
		{"VLAN", "device,port,vlan\na,1,4095\na,2,x\n", "\"t.csv\", line 2: VLAN 4095 does not exist; VLANs are 1 to 4094\n\"t.csv\", line 3: \"x\" is no VLAN: decimal digits, 1 to 4094"},
		{"prefix", "device,port,prefix\na,1,192.0.2.1\n", `"t.csv", line 2: prefix "192.0.2.1" is not an address with a prefix length, as 172.16.63.1/24`},
		{"rows that do not agree", "device,port,vlan,platform\na,1,20,cisco-ios\na,2,,\nA,3,30,cisco-nxos\n",
			"\"t.csv\", line 4: platform of a is \"cisco-nxos\" here and \"cisco-ios\" on line 2\n\"t.csv\", line 4: vlan of a is \"30\" here and \"20\" on line 2"},
	}
	for _, tt := range tests {
		got, err := Read("t.csv", []byte(tt.text))
		if err == nil || err.Error() != tt.want || got != nil {
			t.Errorf("%s: %v, %v\nwant %s", tt.why, got, err, tt.want)
		}
	}
	if _, err := Read("t.csv", []byte("device,port\n"+strings.Repeat("a,1\n", maxRows))); err != nil {
		t.Errorf("the greatest number of rows: %v", err)
	}
	_, err := Read("t.csv", []byte("device,port\n"+strings.Repeat("?,1\n", 100)))
	if n := strings.Count(err.Error(), "\n") + 1; n != maxFaults {
		t.Errorf("%d faults are named, want %d", n, maxFaults)
	}
}

// FuzzRead: whatever is taken is names of printable ASCII, bounded, each device
// and port once; what is not taken says so in lines without control characters.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"device,port\nacc1,Gi1/0/1\n", "device;port;platform;vlan\na;1;cisco-ios:l2;20\n", "\"device\",\"port\"\r\n\"a\",\"1,2\"\r\n",
		"# c\n\ndevice,port,svi,vrf,prefix\nx,,Vlan20,blue,192.0.2.1/24\n", "device,port\n\"a\nb\",1\n", "device,port\na\x1b[2J,1\n", "\xff\xfe", "device,port\na,\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		devices, err := Read("t.csv", text)
		if err != nil {
			if devices != nil || strings.ContainsAny(err.Error(), "\r\x1b\x00") {
				t.Fatalf("%v, %q", devices, err)
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, `"t.csv"`) {
					t.Fatalf("a fault without a place: %q", line)
				}
			}
			return
		}
		seen := map[string]bool{}
		once := func(s string) {
			if seen[s] {
				t.Fatalf("%q stands there twice", s)
			}
			seen[s] = true
		}
		for _, d := range devices {
			once(strings.ToLower(d.Name))
			for i, s := range append([]string{d.Name, d.Platform, d.SVI, d.VRF}, d.Ports...) {
				if len(s) > maxPorts || i < 4 && len(s) > maxCell || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("%q", s)
				}
			}
			for _, p := range d.Ports {
				once(strings.ToLower(d.Name) + "\n" + p)
			}
		}
	})
}

// Numbers are decimal, whoever wrote them.
func TestParseVLAN(t *testing.T) {
	for text, want := range map[string]int{
		"1": 1, "64": 64, "064": 64, "0100": 100, "0004094": 4094, "08": 8,
		"0": 0, "00": 0, "4095": 0, "65600": 0, "99999999999999999999999": 0,
		"": 0, "0x64": 0, "0b11": 0, "0o17": 0, "1_00": 0, "+100": 0, "-1": 0, "1e2": 0, "10.0": 0, "1,2": 0, "1-2": 0,
		" 20": 0, "20 ": 0, "20\n": 0, "\u0661\u0660": 0, "\uff12\uff10": 0, "20\x00": 0, "vlan20": 0,
	} {
		got, err := ParseVLAN(text)
		if got != want || (err == nil) != (want != 0) || err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
}
