package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/report"
)

// verbs are words that stand for a probe in other tools, and in people's minds. A
// probe has no word of its own here.
var verbs = []string{
	"probe", "scan", "check", "ping", "arping", "test", "diagnose", "query", "verify", "show", "watch", "trace", "run", "start", "status", "vip",
}

// surroundings is what this host knows of a word without asking anybody.
type surroundings struct {
	commands   []string
	interfaces func() []string
	// sniff returns the first bytes of a regular file, or an error.
	sniff func(name string) ([]byte, error)
}

// here are the surroundings of this process.
func here() surroundings {
	return surroundings{
		commands: commandNames(),
		interfaces: func() []string {
			all, _ := net.Interfaces() // without them no word is an interface's name
			names := make([]string, len(all))
			for i, ifi := range all {
				names[i] = ifi.Name
			}
			return names
		},
		sniff: sniff,
	}
}

// sniff returns the first four bytes of a regular file, fewer where it is shorter.
func sniff(name string) ([]byte, error) {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("not a regular file"))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// notVIP recognises what is neither an address nor meant as a name, before any
// resolver is asked, and returns an error with the line to type. args are all
// arguments of the probe. A name that looks like one of these can be given with a
// dot at its end, as DNS allows.
func (s surroundings) notVIP(arg string, args []string) error {
	shown := quoteArg(arg)
	vip := "VIP"
	if i := slices.IndexFunc(args, func(a string) bool { ip, err := netip.ParseAddr(a); return err == nil && ip.Is4() }); i >= 0 {
		vip = args[i]
	}
	if err := notPlain(arg, shown); err != nil {
		return err
	}
	if m, err := mac.Parse(arg); err == nil {
		text := fmt.Sprintf("%s is a MAC, not a VIP: nlbprobe mac %s", shown, m)
		if checkName(arg) == nil {
			text += "; a host of that name is written " + quoteArg(arg+".")
		}
		return errors.New(text)
	}
	word := strings.ToLower(arg)
	switch {
	case slices.Contains(s.commands, arg):
		return fmt.Errorf("%s is a command, which comes first, as in nlbprobe %s --help", shown, arg)
	case slices.Contains(verbs, word):
		return fmt.Errorf("%s is taken for no host: a probe needs no word, as nlbprobe %s; a host of that name is written %s", shown, vip, quoteArg(arg+"."))
	}
	if err := s.notFile(arg, shown); err != nil {
		return err
	}
	if slices.Contains(s.interfaces(), arg) {
		return fmt.Errorf("%s is an interface of this host: nlbprobe -i %s %s; a host of that name is written %s", shown, report.QuoteWord(report.Clean(arg)), vip, quoteArg(arg+"."))
	}
	return nil
}

func quoteArg(s string) string { return strconv.Quote(clip(s)) }

// notPlain recognises what holds an address or a host and more.
func notPlain(arg, shown string) error {
	if p, err := netip.ParsePrefix(arg); err == nil && p.Addr().Is4() && p != p.Masked() {
		return fmt.Errorf("%s is an address with the length of its prefix: nlbprobe %v", shown, p.Addr())
	}
	if list, ok := addressRange(arg); ok {
		return fmt.Errorf("%s is a range: give single VIPs, as nlbprobe %s", shown, list)
	}
	if u, err := url.Parse(arg); err == nil && strings.Contains(arg, "://") && u.Hostname() != "" {
		return fmt.Errorf("%s is a URL: nlbprobe %s%s", shown, report.Clean(clip(u.Hostname())), tcpFlag(portOf(u)))
	}
	if host, port, err := net.SplitHostPort(arg); err == nil && host != "" && checkName(host) == nil || err == nil && isIPv4(host) {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
			return fmt.Errorf("%s names a port too: nlbprobe %s%s", shown, host, tcpFlag(port))
		}
	}
	return nil
}

func isIPv4(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.Is4()
}

func tcpFlag(port string) string {
	if port == "" {
		return ""
	}
	return " --tcp " + port
}

// portOf is the port of a URL, said or implied.
func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	switch u.Scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// mostListed bounds how many addresses of a range are written out.
const mostListed = 8

// addressRange reads 172.16.63.240-245, 172.16.63.240-172.16.63.245, and with * or
// brackets in the last place, and returns its first addresses.
func addressRange(s string) (list string, ok bool) {
	s = strings.ReplaceAll(s, "..", "-") // as a shell's braces have it
	dot := strings.LastIndexByte(s, '.')
	if strings.Count(s, ".") == 3 && dot > 0 && isIPv4(s[:dot]+".0") {
		switch last := s[dot+1:]; {
		case last == "*", last == "x", last == "X":
			return s[:dot] + ".1 " + s[:dot] + ".2 ...", true
		case strings.HasPrefix(last, "[") && strings.HasSuffix(last, "]"), strings.HasPrefix(last, "{") && strings.HasSuffix(last, "}"):
			s = s[:dot+1] + last[1:len(last)-1]
		}
	}
	from, to, found := strings.Cut(strings.ReplaceAll(s, " ", ""), "-")
	first, err := netip.ParseAddr(from)
	if !found || err != nil || !first.Is4() {
		return "", false
	}
	last, err := netip.ParseAddr(to)
	if err != nil {
		last, err = netip.ParseAddr(from[:strings.LastIndexByte(from, '.')+1] + to)
	}
	if err != nil || !last.Is4() {
		return "", false
	}
	var words []string
	for ip := first; ip.Compare(last) <= 0 && ip.IsValid(); ip = ip.Next() {
		if len(words) == mostListed {
			words = append(words, "...")
			break
		}
		words = append(words, ip.String())
	}
	if len(words) == 0 {
		words = []string{last.String(), "..."}
	}
	return strings.Join(words, " "), true
}

// captureNames are how captures end, and captureMagics how their bytes begin: pcap
// in both byte orders and with both precisions, pcapng, gzip, zstd.
var (
	captureNames  = []string{".pcap", ".pcapng", ".cap", ".dmp", ".etl", ".ntar"}
	captureMagics = []string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\n\r\r\n", "\x1f\x8b", "\x28\xb5\x2f\xfd"}
)

// notFile recognises captures, by name or by content, and other files by the form
// of their path.
func (s surroundings) notFile(arg, shown string) error {
	head, err := s.sniff(arg)
	exists := err == nil
	base := strings.ToLower(arg)
	for _, packed := range []string{".gz", ".zst"} {
		base = strings.TrimSuffix(base, packed)
	}
	named := slices.Contains(captureNames, filepath.Ext(base))
	is := exists && slices.ContainsFunc(captureMagics, func(m string) bool { return strings.HasPrefix(string(head), m) })
	line := "nlbprobe analyze " + report.QuoteWord(report.Clean(arg))
	switch {
	case exists && (named || is):
		return fmt.Errorf("%s is a capture: %s", shown, line)
	case named:
		return fmt.Errorf("%s has the name of a capture, and there is no such file; captures are read by %s", shown, line)
	case exists && strings.ContainsAny(arg, `/\`):
		return fmt.Errorf("%s is a file; a capture is read by %s", shown, line)
	}
	return nil
}
