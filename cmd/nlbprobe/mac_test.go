package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// runMacArgs is a whole run of the program in process.
func runMacArgs(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"mac"}, args...), stdio{in: strings.NewReader(""), out: &out, err: &errs})
	return status, out.String(), errs.String()
}

func TestMac(t *testing.T) {
	tests := []struct {
		name string // of the golden files, .txt and .json
		args []string
	}{
		{"vip", []string{"172.16.63.241"}},
		// KB 4494444 shows 239.244.0.1 here, against its own rule.
		{"vip_of_kb4494444", []string{"10.0.0.1"}},
		{"multicast", []string{"03bf.ac10.3ff1"}},
		{"unicast", []string{"02-BF-AC-10-3F-F1"}},
		{"igmp", []string{"01:00:5e:7f:3f:f1"}},
		{"legacy", []string{"00-bf-ac-10-3f-f1"}},
		{"masked", []string{"0202-ac10-3ff1"}},
		{"vendor_example", []string{"0300.5e11.1111"}},
		{"unknown_group", []string{"031234-56789a"}},
		{"vrrp", []string{"00005e000105"}},
		{"carp_balancing", []string{"01:00:5E:00:01:05"}},
		{"glbp", []string{"0007.b400.0102"}},
		{"hyper_v", []string{"00-15-5D-C8-20-07"}},
		{"ordinary", []string{"00:1b:21:00:00:01"}},
		{"broadcast", []string{"ffff.ffff.ffff"}},
		{"several", []string{"172.16.63.241", "0300.5e11.1111", "00:00:0c:07:ac:03"}},
		{"is_its", []string{"172.16.63.241", "03bf.ac10.3ff1"}},
		{"is_anothers", []string{"03bf.ac10.3ff2", "172.16.63.241"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := runMacArgs(t, tt.args...)
			if status != exitOK || errs != "" {
				t.Fatalf("status %d, stderr %q", status, errs)
			}
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 || strings.HasSuffix(line, " \n") {
					t.Errorf("%d columns: %q", n, line)
				}
			}
			golden(t, "mac/"+tt.name+".txt", []byte(out))

			status, out, errs = runMacArgs(t, append(tt.args, "-o", "json")...)
			if status != exitOK || errs != "" {
				t.Fatalf("status %d, stderr %q", status, errs)
			}
			if got := strings.Count(out, "\n"); got != len(tt.args) {
				t.Errorf("%d lines of JSON for %d arguments", got, len(tt.args))
			}
			for line := range strings.Lines(out) {
				var object struct{ Schema, Input string }
				if err := json.Unmarshal([]byte(line), &object); err != nil || object.Schema != "nlbprobe/1" || object.Input == "" {
					t.Errorf("%v: %s", err, line)
				}
			}
			golden(t, "mac/"+tt.name+".json", []byte(out))
		})
	}
}

// Whether a MAC is an address's: yes by each form that NLB derives, no with the
// address that it is derived from, or why it cannot be.
func TestMacOf(t *testing.T) {
	for m, want := range map[string]string{
		"02bf.ac10.3ff1": "yes: NLB derives it from 172.16.63.241 in unicast mode.",
		"03bf.ac10.3ff1": "yes: NLB derives it from 172.16.63.241 in multicast mode.",
		"0100.5e7f.3ff1": "yes: NLB derives it from 172.16.63.241 in IGMP multicast mode, and from every other address that ends in .63.241.",
		"00bf.ac10.3ff1": "yes: Convoy and WLBS, the forerunners of NLB, derive it from 172.16.63.241.",
		"0203.ac10.3ff1": "yes: host 3 of a cluster in unicast mode whose primary IP is 172.16.63.241 sends from it, and the cluster itself answers with 02:bf:ac:10:3f:f1. An adapter whose MAC was made of its own IP can have it too.",
		"03bf.ac10.3ff2": "no: NLB derives it from 172.16.63.242 (multicast mode). A cluster",
		"02bf.ac10.3ff2": "no: NLB derives it from 172.16.63.242 (unicast mode). A cluster",
		"03bf.f13f.10ac": "no: NLB derives it from no address.", // the bytes reversed: 241.63.16.172 is no host's address
		"0203.ac10.3ff2": "no: NLB derives it from 172.16.63.242 (unicast mode, the source address of host 3). A cluster",
		"00bf.ac10.3ff2": "no: NLB derives it from 172.16.63.242 (its forerunners Convoy and WLBS). A cluster",
		"0100.5e7f.3ff2": "no: NLB derives it from an address that ends in .63.242 (IGMP multicast mode). A cluster",
		"0300.5e11.1111": "no: NLB derives it from no address. It can be that of 172.16.63.241 only if somebody set it by hand.",
		"0000.5e00.0105": "no: it has no form of NLB (VRRP virtual router, group 5). From 172.16.63.241 NLB derives 02:bf:ac:10:3f:f1",
		"0242.ac10.3ff1": "no: it has no form of NLB (Docker container).",
		"ffff.ffff.ffff": "no: no cluster and no host answers with it.",
		"0000.0000.0000": "no: no cluster and no host answers with it.",
	} {
		for _, args := range [][]string{{"172.16.63.241", m}, {m, "172.16.63.241"}} {
			status, out, errs := runMacArgs(t, args...)
			head, _, _ := strings.Cut(out, "\n\n")
			if head = strings.Join(strings.Fields(head), " "); status != exitOK || errs != "" || !strings.Contains(head, " of 172.16.63.241: "+want) {
				t.Errorf("%q: status %d, %s%q, want %q", args, status, errs, head, want)
			}
		}
		_, out, _ := runMacArgs(t, "-o", "json", "172.16.63.241", m)
		var got struct {
			Of []struct {
				VIP, Answer string
				Is          bool
			}
		}
		if err := json.Unmarshal([]byte(strings.Split(out, "\n")[1]), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Of) != 1 || got.Of[0].VIP != "172.16.63.241" || got.Of[0].Is != strings.HasPrefix(want, "yes") || !strings.HasPrefix(got.Of[0].Answer, want) {
			t.Errorf("%s as JSON: %+v", m, got)
		}
	}
	_, want, _ := runMacArgs(t, "03bf.ac10.3ff1")
	if status, out, _ := runMacArgs(t, "3", "bf", "ac", "10", "3f", "f1"); status != exitOK || out != want {
		t.Errorf("six arguments: status %d\n%s", status, out)
	}
}

// All spellings of a MAC get the same answer.
func TestMacSpellings(t *testing.T) {
	m := mac.Addr{0x03, 0xbf, 0xac, 0x10, 0x3f, 0xf1}
	_, want, _ := runMacArgs(t, m.String())
	spellings := macSpellings()
	for s := mac.Colon; s <= mac.Bare; s++ {
		if int(s) >= len(spellings) || spellings[s].style != s {
			t.Fatalf("the answer has no line for %v", s)
		}
		for _, in := range []string{m.In(s), strings.ToUpper(m.In(s))} {
			if !strings.Contains(strings.ToLower(want), strings.ToLower(in)) {
				t.Errorf("%s is not in the answer", in)
			}
			if status, out, errs := runMacArgs(t, in); status != exitOK || out != want || errs != "" {
				t.Errorf("%s: status %d, stderr %q, stdout\n%s\nwant\n%s", in, status, errs, out, want)
			}
		}
	}
}

// No class has a text that leaves 80 columns.
func TestMacWidth(t *testing.T) {
	kinds := make(map[string]bool)
	try := func(m mac.Addr) {
		status, out, _ := runMacArgs(t, m.String())
		if status != exitOK {
			t.Fatalf("%v: status %d", m, status)
		}
		kinds[nlb.Classify(m).Kind.String()] = true
		for line := range strings.Lines(out) {
			if utf8.RuneCountInString(line)-1 > 80 {
				t.Errorf("%v: %q", m, line)
			}
		}
	}
	for _, s := range []string{
		"02bfc8c8c8c8", "03bfc8c8c8c8", "01005e7fc8c8", "00bfc8c8c8c8", "0220c8c8c8c8", "03005e111111", "031111111111", "01005e0001ff",
		"030000000001", "0300c70000ee", "01000ccccccc", "01005e0000fb", "01005e900001", "010ccd010005", "0180c2000020", "01005e010101", "333300000001", "0180c2000000", "ffffffffffff", "00005e0001ff", "00005e0002ff",
		"00000c07acff", "00000c9fffff", "000573a00fff", "0007b403ffff", "0242ac110002", "00155d000000", "525400000000", "020496010203",
		"001b21000001", "060000000001", "000000000000",
	} {
		m, err := mac.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		try(m)
	}
	for _, k := range nlb.Kinds() {
		if !kinds[k.String()] {
			t.Errorf("no %v was printed", k)
		}
	}
}

func TestMacRefuses(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string // the whole of stderr
	}{
		{"nothing", nil, "nothing to look up: give an IPv4 address or a MAC address"},
		{"neither", []string{"example"}, `"example" is neither an IPv4 address nor a MAC address: not a hex digit (at character 2)`},
		{"empty", []string{""}, `"" is neither an IPv4 address nor a MAC address: 0 of 12 hex digits (at character 1)`},
		{"short MAC", []string{"03:00:5e:11:11"}, `"03:00:5e:11:11" is neither an IPv4 address nor a MAC address: 10 of 12 hex digits (at character 15)`},
		{"bad digit", []string{"0300.5e1g.1111"}, `"0300.5e1g.1111" is neither an IPv4 address nor a MAC address: not a hex digit (at character 9)`},
		{"octet too high", []string{"10.0.0.256"}, `"10.0.0.256" is not an IPv4 address: four numbers from 0 to 255 with dots`},
		{"leading zero", []string{"10.0.0.01"}, `"10.0.0.01" is not an IPv4 address: four numbers from 0 to 255 with dots`},
		{"prefix", []string{"10.0.0.0/24"}, `"10.0.0.0/24" is a prefix: give a single address`},
		{"IPv6", []string{"2001:db8::1"}, `"2001:db8::1" is an IPv6 address: not yet, which MAC NLB gives to an IPv6 VIP is not documented`},
		{"line break", []string{"10.0.0.1\nno shutdown"}, `"10.0.0.1\nno shutdown" is neither an IPv4 address nor a MAC address: a group of 1 digits after one of 2 (at character 5)`},
		{"escape sequence", []string{"\x1b[31m"}, `"\x1b[31m" is neither an IPv4 address nor a MAC address: not a hex digit (at character 1)`},
		{"long", []string{strings.Repeat("z", 5000)}, `"` + strings.Repeat("z", 60) + `..." is neither an IPv4 address nor a MAC address: not a hex digit (at character 1)`},
		{"format", []string{"10.0.0.1", "-o", "xml"}, `no output is called "xml"; there are text and json`},
		// A wrong argument behind a right one: no answer is printed at all.
		{"second", []string{"10.0.0.1", "03:00"}, `"03:00" is neither an IPv4 address nor a MAC address: 4 of 12 hex digits (at character 6)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := runMacArgs(t, tt.args...)
			if status != exitUnknown || out != "" || errs != "nlbprobe: "+tt.want+"\n" {
				t.Errorf("status %d, stdout %q, stderr\n%s\nwant\nnlbprobe: %s", status, out, errs, tt.want)
			}
		})
	}
}

// What is no unicast IPv4 address is refused in one line that names it.
func TestMacRefusesAddresses(t *testing.T) {
	for _, ip := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1", "239.255.0.1", "255.255.255.255", "240.0.0.1", "fe80::1%eth0"} {
		status, out, errs := runMacArgs(t, ip)
		if status != exitUnknown || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, ip) {
			t.Errorf("%s: status %d, stdout %q, stderr %q", ip, status, out, errs)
		}
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestMacOutputFails(t *testing.T) {
	var errs bytes.Buffer
	status := run(t.Context(), []string{"mac", "10.0.0.1"}, stdio{in: strings.NewReader(""), out: failingWriter{}, err: &errs})
	if status != exitUnknown || errs.String() != "nlbprobe: writing the answer: no space left on device\n" {
		t.Errorf("status %d, stderr %q", status, errs.String())
	}
}
