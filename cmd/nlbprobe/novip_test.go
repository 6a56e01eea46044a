package main

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// around is a host with a few interfaces and files.
func around() surroundings {
	files := map[string]string{
		"a.pcapng": "\n\r\r\n", "renamed": "\xd4\xc3\xb2\xa1", "empty.pcap": "", "web1": "#!/b", "./notes": "text", "trace.pcap.gz": "\x1f\x8b\x08\x00",
	}
	return surroundings{
		commands:   []string{"render", "explain", "help", "mac"},
		interfaces: func() []string { return []string{"lo", "eth0", "eth0.63", "br-1a2b"} },
		sniff: func(name string) ([]byte, error) {
			head, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(head), nil
		},
	}
}

// silentResolver answers nobody, and does not heed that its time is over.
type silentResolver struct{}

func (silentResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	time.Sleep(time.Hour)
	return nil, errors.New("too late")
}

// noResolver must not be asked.
type noResolver struct{ t *testing.T }

func (r noResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.t.Errorf("the resolver was asked for %q", host)
	return nil, errors.New("no such name")
}

// anyName is a resolver that knows all names.
type anyName struct{ asked []string }

func (n *anyName) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.asked = append(n.asked, host)
	return []netip.Addr{netip.MustParseAddr("172.16.63.241")}, nil
}

// TestNotVIP: what is neither an address nor a name gets the line to type, before
// any resolver is asked.
func TestNotVIP(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"172.16.63.241 render", `"render" is a command, which comes first, as in nlbprobe render --help`},
		{"172.16.63.241 explain", `"explain" is a command, which comes first, as in nlbprobe explain --help`},
		{"probe 172.16.63.241", `"probe" is taken for no host: a probe needs no word, as nlbprobe 172.16.63.241; a host of that name is written "probe."`},
		{"Scan 172.16.63.241", `"Scan" is taken for no host: a probe needs no word, as nlbprobe 172.16.63.241`},
		{"check", `a probe needs no word, as nlbprobe VIP`},
		{"eth0 172.16.63.241", `"eth0" is an interface of this host: nlbprobe -i eth0 172.16.63.241`},
		{"172.16.63.241 eth0.63", `nlbprobe -i eth0.63 172.16.63.241`},
		{"172.16.63.240-245", `"172.16.63.240-245" is a range: give single VIPs, as nlbprobe 172.16.63.240 172.16.63.241 172.16.63.242 172.16.63.243 172.16.63.244 172.16.63.245`},
		{"172.16.63.240-172.16.63.241", `is a range: give single VIPs, as nlbprobe 172.16.63.240 172.16.63.241`},
		{"10.0.0.1-10.255.255.255", `nlbprobe 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 ...`},
		{"172.16.63.245-240", `is a range`},
		{"172.16.63.*", `is a range: give single VIPs`},
		{"172.16.63.[240-241]", `nlbprobe 172.16.63.240 172.16.63.241`},
		{"172.16.63.{240..241}", `nlbprobe 172.16.63.240 172.16.63.241`},
		{"03:bf:ac:10:3f:f1", `"03:bf:ac:10:3f:f1" is a MAC, not a VIP: nlbprobe mac 03:bf:ac:10:3f:f1`},
		{"03bf.ac10.3ff1", `nlbprobe mac 03:bf:ac:10:3f:f1`},
		{"3:bf:ac:10:3f:f1", `nlbprobe mac 03:bf:ac:10:3f:f1`},
		{"a.pcapng", `"a.pcapng" is a capture: nlbprobe analyze a.pcapng`},
		{"renamed", `"renamed" is a capture: nlbprobe analyze renamed`},
		{"empty.pcap", `is a capture: nlbprobe analyze empty.pcap`},
		{"trace.pcap.gz", `is a capture: nlbprobe analyze trace.pcap.gz`},
		{"gone.pcap", `"gone.pcap" has the name of a capture, and there is no such file; captures are read by nlbprobe analyze gone.pcap`},
		{"./notes", `"./notes" is a file`},
		{"172.16.63.241:443", `"172.16.63.241:443" names a port too: nlbprobe 172.16.63.241 --tcp 443`},
		{"mail.example.net:25", `nlbprobe mail.example.net --tcp 25`},
		{"https://mail.example.net/owa", `is a URL: nlbprobe mail.example.net --tcp 443`},
		{"http://172.16.63.241:8080/", `is a URL: nlbprobe 172.16.63.241 --tcp 8080`},
		{"172.16.63.241/24", `"172.16.63.241/24" is an address with the length of its prefix: nlbprobe 172.16.63.241`},
		{"03bfac103ff1", `nlbprobe mac 03:bf:ac:10:3f:f1; a host of that name is written "03bfac103ff1."`},
		{"172.16.63.0/24", `is a prefix: give single VIPs`},
		{"172.16.63.256", `is not an IPv4 address`},
		{"a\x1b[2Jb", `"a\x1b[2Jb" is neither an IPv4 address nor a host name`},
	} {
		_, err := parseVIPs(t.Context(), strings.Fields(tt.args), noResolver{t}, around(), func(string) {})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %v\nwant %s", tt.args, err, tt.want)
		}
	}
	// Near misses: names, whatever they look like.
	for _, name := range []string{
		"mail.example.net", "web1", "03bfac103ff1.", "eth1", "eth0.", "probe.", "probes", "check.example.net", "scan-1", "node-240-245", "nlb", "a.cap.example.net", "deadbeef",
		"rendering", "10-0-0-1.example.net", "03bf.example.net", "localnet-pcap",
	} {
		dns := &anyName{}
		vips, err := parseVIPs(t.Context(), []string{name}, dns, around(), func(string) { t.Error("said something") })
		if err != nil || len(vips) != 1 || vips[0].name != name || len(dns.asked) != 1 {
			t.Errorf("%q: %v, %v, asked %q", name, vips, err, dns.asked)
		}
	}
}

// TestSilentResolver: a word after a second, an end within five, however many names
// there are and whatever the resolver heeds.
func TestSilentResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var said []time.Duration
		_, err := parseVIPs(t.Context(), []string{"172.16.63.241", "vip.example.net", "other.example.net"}, silentResolver{}, around(), func(text string) {
			said = append(said, time.Since(begin))
			if !strings.Contains(text, `"vip.example.net"`) {
				t.Errorf("said %q", text)
			}
		})
		if len(said) != 1 || said[0] != time.Second {
			t.Errorf("said something at %v", said)
		}
		if spent := time.Since(begin); spent >= 5*time.Second || err == nil || !strings.Contains(err.Error(), "the resolver did not answer in time") {
			t.Errorf("after %v: %v", spent, err)
		}
		// Ctrl-C ends the waiting.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		begin = time.Now()
		_, err = parseVIPs(ctx, []string{"vip.example.net"}, silentResolver{}, around(), func(string) {})
		if spent := time.Since(begin); spent != 100*time.Millisecond || err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("after %v: %v", spent, err)
		}
		time.Sleep(2 * time.Hour) // what was asked ends
	})
}
