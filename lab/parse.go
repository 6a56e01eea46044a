package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Bounds of a scenario file.
const (
	mostBytes   = 64 << 10
	mostHosts   = 64 // nodes and routers together
	mostEntries = 64 // of any other list
	longestName = 12 // leaves room for a suffix in an interface name of 15
)

// file is a scenario as it is written. Values stay text until convert has read
// them, so that every fault can be reported with its line.
type file struct {
	Description string       `yaml:"description"`
	Admin       string       `yaml:"admin"`
	VIP         string       `yaml:"vip"`
	LAN         string       `yaml:"lan"`
	Remote      string       `yaml:"remote"`
	Prober      string       `yaml:"prober"`
	Client      string       `yaml:"client"`
	Gateway     string       `yaml:"gateway"`
	Via         string       `yaml:"via"`
	Affinity    string       `yaml:"affinity"`
	Cluster     string       `yaml:"cluster"`
	Switch      fileSwitch   `yaml:"switch"`
	Nodes       []fileNode   `yaml:"nodes"`
	Routers     []fileRouter `yaml:"routers"`
	Flows       []fileFlow   `yaml:"flows"`
}

type fileSwitch struct {
	Snooping    *bool         `yaml:"snooping"`
	Lookup      string        `yaml:"lookup"`
	Timers      *fileTimers   `yaml:"timers"`
	Querier     *fileQuerier  `yaml:"querier"`
	RouterPorts []string      `yaml:"router-ports"`
	Members     []fileMembers `yaml:"members"`
	Learnt      []filePort    `yaml:"learnt"`
}

type fileTimers struct {
	Interval string `yaml:"query-interval"`
	Response string `yaml:"query-response"`
}

type fileQuerier struct {
	Version int    `yaml:"version"`
	Address string `yaml:"address"`
}

type fileMembers struct {
	MAC   string   `yaml:"mac"`
	Hosts []string `yaml:"hosts"`
}

type filePort struct {
	MAC  string `yaml:"mac"`
	Host string `yaml:"host"`
}

type fileNode struct {
	Name           string         `yaml:"name"`
	Address        string         `yaml:"address"`
	MAC            string         `yaml:"mac"`
	VIPs           []string       `yaml:"vips"`
	Answers        string         `yaml:"answers"`
	MasksAll       bool           `yaml:"masks-all"`
	AsksAsVIP      bool           `yaml:"asks-as-vip"`
	Join           string         `yaml:"join"`
	JoinEvery      string         `yaml:"join-every"`
	AnswersQueries bool           `yaml:"answers-queries"`
	Heartbeat      *fileHeartbeat `yaml:"heartbeat"`
	DiesAfter      string         `yaml:"dies-after"`
}

type fileHeartbeat struct {
	Priority      int      `yaml:"priority"`
	Cluster       string   `yaml:"cluster"`
	DefaultHost   int      `yaml:"default-host"`
	Rules         []string `yaml:"rules"`
	Every         string   `yaml:"every"`
	Name          string   `yaml:"name"`
	IdentityEvery string   `yaml:"identity-every"`
}

type fileRouter struct {
	Name      string          `yaml:"name"`
	Address   string          `yaml:"address"`
	Remote    string          `yaml:"remote"`
	MAC       string          `yaml:"mac"`
	GroupARP  string          `yaml:"group-arp"`
	MaskedARP string          `yaml:"masked-arp"`
	Static    []fileNeighbour `yaml:"static-arp"`
	ProxyARP  []string        `yaml:"proxy-arp"`
	Hairpin   *bool           `yaml:"hairpin"`
	Redirects *bool           `yaml:"redirects"`
	ICMP      string          `yaml:"icmp"`
	VRRP      *fileVRRP       `yaml:"vrrp"`
	Querier   *fileQuerier    `yaml:"querier"`
	Timers    *fileTimers     `yaml:"timers"`
}

type fileVRRP struct {
	By       string `yaml:"by"`
	ID       int    `yaml:"id"`
	Address  string `yaml:"address"`
	Priority int    `yaml:"priority"`
}

type fileNeighbour struct {
	IP  string `yaml:"ip"`
	MAC string `yaml:"mac"`
}

type fileFlow struct {
	From      string `yaml:"from"`
	To        string `yaml:"to"`
	Port      int    `yaml:"port"`
	PerSecond int    `yaml:"per-second"`
	Bytes     int    `yaml:"bytes"`
}

// Parse reads a scenario from YAML text. name becomes the scenario's name and
// starts every error, which is one line and gives the line of the fault. A key
// that is not known is an error.
func Parse(name string, text []byte) (*Scenario, error) {
	if len(text) > mostBytes {
		return nil, fmt.Errorf("%s: %d bytes; a scenario has at most %d", name, len(text), mostBytes)
	}
	var f file
	if err := decode(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %s", name, oneLine(yaml.FormatError(err, false, false)))
	}
	c := converter{}
	s := c.scenario(&f)
	s.Name = name
	if c.reason == "" {
		return s, nil
	}
	if line := lineOf(text, c.path); line > 0 {
		return nil, fmt.Errorf("%s: line %d: %s: %s", name, line, strings.TrimPrefix(c.path, "$."), c.reason)
	}
	return nil, fmt.Errorf("%s: %s: %s", name, strings.TrimPrefix(c.path, "$."), c.reason)
}

// decode reads YAML strictly. The library panics on some malformed documents,
// such as a tagged mapping where a list belongs.
func decode(text []byte, f *file) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML cannot be read: %v", p)
		}
	}()
	return yaml.UnmarshalWithOptions(text, f, yaml.Strict())
}

// oneLine turns the YAML library's "[3:5] what is wrong" into "line 3: what is
// wrong" and joins what stands on further lines.
func oneLine(msg string) string {
	msg = strings.Join(strings.Fields(msg), " ")
	var line, column, n int
	if _, err := fmt.Sscanf(msg, "[%d:%d]", &line, &column); err == nil {
		n = strings.IndexByte(msg, ']') + 1
		return fmt.Sprintf("line %d: %s", line, strings.TrimSpace(msg[n:]))
	}
	return msg
}

// lineOf returns the line on which the value at a path stands, or that of the
// nearest value around it, 0 when there is none.
func lineOf(text []byte, path string) int {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return 0
	}
	for {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.FilterFile(tree); err == nil && node != nil && node.GetToken() != nil {
				return node.GetToken().Position.Line
			}
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut <= 1 {
			return 0
		}
		path = path[:cut]
	}
}

// converter turns text into values and keeps the first fault.
type converter struct {
	path, reason string
	names        []string
}

func (c *converter) fault(path, format string, args ...any) {
	if c.reason == "" {
		c.path, c.reason = "$."+path, fmt.Sprintf(format, args...)
	}
}

func (c *converter) ip(path, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		c.fault(path, "%q is not an IPv4 address", clip(text))
		return netip.Addr{}
	}
	return a
}

func (c *converter) in(path, text string, p netip.Prefix, otherwise netip.Addr) netip.Addr {
	if text == "" {
		return otherwise
	}
	a := c.ip(path, text)
	if a.IsValid() && !p.Contains(a) {
		c.fault(path, "%s is not in %s", a, p)
	}
	return a
}

func (c *converter) prefix(path, text, otherwise string) netip.Prefix {
	if text == "" {
		text = otherwise
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() || p != p.Masked() || p.Bits() < 8 || p.Bits() > 28 {
		c.fault(path, "%q is not an IPv4 subnet of 8 to 28 bits; write it like %s", clip(text), otherwise)
		return netip.MustParsePrefix(otherwise)
	}
	return p
}

func (c *converter) mac(path, text string, otherwise mac.Addr) mac.Addr {
	if text == "" {
		return otherwise
	}
	m, err := mac.Parse(text)
	if err != nil {
		c.fault(path, "%v", err)
	}
	return m
}

// name reads the name of a new host.
func (c *converter) name(path, text string) string {
	ok := text != "" && len(text) <= longestName && text[0] >= 'a' && text[0] <= 'z'
	for _, r := range text {
		ok = ok && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	}
	switch {
	case !ok:
		c.fault(path, "%q is not a host name: a lower-case letter, then up to %d of a-z, 0-9 and -", clip(text), longestName-1)
	case slices.Contains(c.names, text):
		c.fault(path, "there are two hosts called %q", text)
	}
	c.names = append(c.names, text)
	return text
}

func (c *converter) host(path, text string) string {
	if !slices.Contains(c.names, text) || text == Switch {
		c.fault(path, "no host is called %q; there are %s", clip(text), strings.Join(c.names, ", "))
	}
	return text
}

func (c *converter) choice(path, text string, names ...string) int {
	if text == "" {
		return 0
	}
	i := slices.Index(names, text)
	if i < 0 {
		c.fault(path, "%q is not one of %s", clip(text), strings.Join(names, ", "))
	}
	return max(i, 0)
}

func (c *converter) period(path, text string, otherwise time.Duration) time.Duration {
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 100*time.Millisecond || d > time.Hour {
		c.fault(path, "%q is not a time between 100ms and 1h", clip(text))
	}
	return d
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
