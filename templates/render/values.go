package render

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// maxVIPs is the most VIPs that one rendering takes.
const maxVIPs = 4096

const deviceBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// check refuses values that no platform can take, and returns them with
// repeated VIPs dropped and IPv4-mapped ones unmapped.
func (v Values) check() (Values, error) {
	vips := make([]netip.Addr, 0, len(v.VIPs))
	seen := make(map[netip.Addr]bool, len(v.VIPs))
	for _, ip := range v.VIPs {
		ip = ip.Unmap()
		if err := unicast("VIP", ip); err != nil {
			return Values{}, err
		}
		if v.Prefix.IsValid() && !v.Prefix.Contains(ip) {
			return Values{}, fmt.Errorf("VIP %s is not in the prefix %s: the interface that routes the cluster's VLAN must hold it", ip, v.Prefix)
		}
		if !seen[ip] {
			seen[ip] = true
			vips = append(vips, ip)
		}
	}
	v.VIPs = vips
	switch {
	case len(v.VIPs) == 0:
		return Values{}, fmt.Errorf("no VIP to render")
	case len(v.VIPs) > maxVIPs:
		return Values{}, fmt.Errorf("%d VIPs; at most %d are rendered at once", len(v.VIPs), maxVIPs)
	case v.VLAN < 0 || v.VLAN > 4094:
		return Values{}, vlanError(v.VLAN)
	case len(v.Ports) > platform.MaxPorts:
		return Values{}, fmt.Errorf("%d ports; at most %d are rendered at once", len(v.Ports), platform.MaxPorts)
	case v.Prefix.IsValid() && !v.Prefix.Addr().Is4():
		return Values{}, fmt.Errorf("prefix %s is not IPv4", v.Prefix)
	}
	if v.Prefix.IsValid() {
		if err := checkPrefix(v.Prefix, v.VIPs); err != nil {
			return Values{}, err
		}
	}
	if v.Device != "" && (len(v.Device) > platform.MaxName || strings.Trim(v.Device, deviceBytes) != "") {
		return Values{}, fmt.Errorf("device %+q is no name: letters, digits, dots, hyphens and underscores, at most %d", platform.Clip(v.Device), platform.MaxName)
	}
	ports := make([]string, len(v.Ports))
	for i, port := range v.Ports {
		ports[i] = oneSpace(port)
		if err := bounded("port", ports[i], maxList); err != nil {
			return Values{}, err
		}
	}
	v.Ports, v.SVI = ports, oneSpace(v.SVI)
	if v.SVI != "" {
		if err := Plain("SVI", v.SVI); err != nil {
			return Values{}, err
		}
	}
	if v.VRF != "" {
		if err := Plain("VRF", v.VRF); err != nil {
			return Values{}, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Set)) {
		if slices.Contains(platform.BuiltinValues[:], name) && name != "group" {
			return Values{}, fmt.Errorf("value %+q has a field of its own", name)
		}
		if err := Plain(strconv.QuoteToASCII(platform.Clip(name)), v.Set[name]); err != nil {
			return Values{}, err
		}
	}
	return v, nil
}

func vlanError(vlan int) error {
	return fmt.Errorf("VLAN %d does not exist; VLANs are 1 to 4094", vlan)
}

// unicast refuses what cannot be the address of a cluster or a device.
func unicast(what string, ip netip.Addr) error {
	switch {
	case !ip.IsValid():
		return fmt.Errorf("%s is empty", what)
	case !ip.Is4():
		return fmt.Errorf("%s %s is not IPv4; IPv6 is not rendered yet", what, ip)
	case ip.IsMulticast(), ip.IsLoopback(), ip.IsUnspecified(), ip.As4()[0] == 0, ip.As4()[0] >= 240:
		return fmt.Errorf("%s %s is not an IPv4 unicast address", what, ip)
	}
	return nil
}

// checkPrefix refuses what cannot be the address of the interface that routes
// the cluster's VLAN: on Junos it is part of the path, and whatever stands there
// is committed as an address of the interface.
func checkPrefix(p netip.Prefix, vips []netip.Addr) error {
	if err := unicast("prefix", p.Addr()); err != nil {
		return err
	}
	first, last := p.Masked().Addr(), lastOf(p)
	reserved := func(ip netip.Addr) string {
		switch {
		case p.Bits() > 30: // RFC 3021: two hosts, or one
		case ip == first:
			return "the address of the subnet itself"
		case ip == last:
			return "the broadcast address of its subnet"
		}
		return ""
	}
	if what := reserved(p.Addr()); what != "" {
		return fmt.Errorf("prefix %s begins with %s, which no interface has; give the address of the interface that routes the cluster's VLAN, as %s", p, what, netip.PrefixFrom(first.Next(), p.Bits()))
	}
	for _, ip := range vips {
		if what := reserved(ip); what != "" {
			return fmt.Errorf("VIP %s is %s in the prefix %s", ip, what, p)
		}
		if ip == p.Addr() {
			return fmt.Errorf("prefix %s begins with the VIP; give the address of the interface that routes the cluster's VLAN, which is the router's own", p)
		}
	}
	return nil
}

// lastOf returns the last address of an IPv4 prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|^uint32(0)>>p.Bits())
	return netip.AddrFrom4(b)
}

// Plain refuses text that could leave its place in a line: only printable
// ASCII without leading, trailing or repeated spaces.
func Plain(what, s string) error {
	if err := bounded(what, s, platform.MaxName); err != nil {
		return err
	}
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.Contains(s, "  ") {
		return fmt.Errorf("%s %+q has spaces where no name has them", what, platform.Clip(s))
	}
	return nil
}

// bounded refuses text that is empty, longer than most bytes, or not printable
// ASCII on one line.
func bounded(what, s string, most int) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is empty", what)
	case strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) >= 0:
		return fmt.Errorf("%s %+q holds a line break, a control character or one outside ASCII; no name does", what, platform.Clip(s))
	case len(s) > most:
		return fmt.Errorf("%s %+q has %d characters; at most %d are taken", what, platform.Clip(s), len(s), most)
	}
	return nil
}

// oneSpace takes away spaces at the ends of a name and further ones inside it:
// they come with what is copied from a table.
func oneSpace(s string) string {
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return strings.Trim(s, " ")
}

// general refuses text that holds what no name on any platform does. It judges
// what a platform's own pattern does not.
func general(what, s string) error {
	const others = " ._:/@+,[]-"
	if i := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(platform.Letters+platform.Digits+others, r) }); i >= 0 {
		return fmt.Errorf("%s %+q holds %+q, which stands in no name", what, platform.Clip(s), s[i:i+1])
	}
	return nil
}

// judgeAll refuses values that neither the platform's own patterns nor those of
// all names take, whether a line uses them or not. Values that another platform
// of the same call uses need not be names on this one.
func (r *Rendering) judgeAll() error {
	if r.portsErr != nil || r.noPorts() {
		for _, list := range r.Values.Ports {
			for port := range strings.SplitSeq(list, ",") {
				err := general("port", port)
				if len(port) > platform.MaxName {
					err = bounded("port", port, platform.MaxName)
				}
				if err != nil {
					return cmp.Or(r.portsErr, err)
				}
			}
		}
	}
	for _, name := range r.Values.Names() {
		decl, declared := r.Platform.Value(name)
		text := r.Values.given(name)
		if text == "" || name == "group" {
			continue // the ports, and what group judges
		}
		err := general(name, text)
		if err == nil {
			continue
		}
		if declared && (decl.Pattern != "" || decl.Kind != "") {
			if _, err = r.Spell(decl, text); err == nil {
				continue
			}
		}
		return err
	}
	return nil
}

func (r *Rendering) noPorts() bool {
	decl, ok := r.Platform.Value("port")
	return !ok || decl.Pattern == ""
}

// Judge says what is wrong with a value by the platform's own spelling, whether
// any of its lines uses it or not; nil for one that the platform does not declare.
func Judge(p *platform.Platform, name string, v Values) error {
	decl, ok := p.Value(name)
	if !ok || decl.Pattern == "" && decl.Kind == "" {
		return nil
	}
	v, err := v.check()
	if err != nil {
		return err
	}
	r := &Rendering{Platform: p, Values: v, patterns: map[string]*regexp.Regexp{}}
	if name == "port" {
		_, err = r.readPorts(v.Ports)
	} else if text := v.given(name); text != "" {
		_, err = r.Spell(decl, text)
	}
	return err
}

// Example judges an example of a value as if it were given.
func Example(p *platform.Platform, v *platform.Value, text string) error {
	r := &Rendering{Platform: p, patterns: map[string]*regexp.Regexp{}}
	if err := Plain("example", text); err != nil || v.Pattern == "" {
		return err
	}
	if v.Name == "port" {
		_, err := r.readPorts([]string{text})
		return err
	}
	_, err := r.Spell(v, text)
	return err
}

// Known returns a value as the lines write it, judged by the platform's own
// pattern, or "" when it was not given.
func (r *Rendering) Known(name string) (string, error) {
	if s, ok := r.checked[name]; ok {
		return s, nil
	}
	decl, ok := r.Platform.Value(name)
	if !ok {
		return "", fmt.Errorf("platform %s does not say what value %+q is", r.Platform.Name, name)
	}
	r.use(name)
	given := r.Values.given(name)
	var err error
	switch {
	case name == "group":
		if given == "" && r.Values.Group.IsValid() {
			given = r.Values.Group.String()
		}
		given, err = group(r.Values.MAC, given)
	case given != "":
		given, err = r.Spell(decl, given)
	}
	if err != nil {
		return "", err
	}
	r.checked[name] = given
	return given, nil
}

// given returns a value other than the ports, as it was given, or "".
func (v *Values) given(name string) string {
	switch name {
	case "vlan":
		if v.VLAN != 0 {
			return strconv.Itoa(v.VLAN)
		}
		return ""
	case "svi":
		return v.SVI
	case "vrf":
		return v.VRF
	case "prefix":
		if v.Prefix.IsValid() {
			return v.Prefix.String()
		}
		return ""
	}
	return v.Set[name]
}

// Names returns the names of the values that were given, in the order of the
// flags, then those of Set.
func (v Values) Names() []string {
	var all []string
	if v.VLAN != 0 {
		all = append(all, "vlan")
	}
	if len(v.Ports) > 0 {
		all = append(all, "port")
	}
	for _, name := range []string{"svi", "vrf", "prefix"} {
		if v.given(name) != "" {
			all = append(all, name)
		}
	}
	return append(all, slices.Sorted(maps.Keys(v.Set))...)
}

// judge checks a given value against its declaration.
func (r *Rendering) judge(decl *platform.Value, given string) error {
	if r.Trusting {
		return nil
	}
	if decl.Kind == "ipv4" {
		ip, err := netip.ParseAddr(given)
		if err != nil {
			return fmt.Errorf("%s %+q is not an IPv4 address", decl.Name, platform.Clip(given))
		}
		return unicast(decl.Name, ip)
	}
	if decl.Pattern == "" {
		return nil // a number or prefix of ours, or a value that plain has judged
	}
	re, err := r.compiled(decl.Pattern)
	if err != nil {
		return fmt.Errorf("platform %s, pattern of %s: %w", r.Platform.Name, decl.Name, err)
	}
	if re.MatchString(given) && (decl.Spaces || !strings.Contains(given, " ")) {
		return nil
	}
	like := ""
	if len(decl.Examples) > 0 {
		like = "; write it like " + strings.Join(decl.Examples, " or ")
	}
	return fmt.Errorf("%+q is no %s name on %s%s", platform.Clip(given), decl.Name, r.Platform.Name, like)
}

// group returns the IPv4 group whose MAC an IGMP-mode cluster uses. From
// 01-00-5e-7f-y-z it is NLB's own 239.255.y.z; any other MAC stands for 32
// groups (RFC 1112 6.4), of which one must be given.
func group(m mac.Addr, given string) (string, error) {
	if given == "" {
		if m[3] == 0x7f {
			return netip.AddrFrom4([4]byte{239, 255, m[4], m[5]}).String(), nil
		}
		return "", nil
	}
	ip, err := netip.ParseAddr(given)
	if err != nil || !ip.Is4() || !ip.IsMulticast() {
		return "", fmt.Errorf("group %+q is not an IPv4 multicast address", platform.Clip(given))
	}
	if m != inet.GroupMAC(ip) {
		return "", fmt.Errorf("group %s does not have the MAC address %s (RFC 1112 6.4)", ip, m)
	}
	return ip.String(), nil
}

// Values are what a platform's lines are filled with. VIPs and MAC must be
// given; of the others a zero value means not known, and its place is taken by
// a placeholder such as <VLAN>.
type Values struct {
	VIPs   []netip.Addr // IPv4 unicast; a repeated one counts once
	MAC    mac.Addr     // the MAC that answers for all of them
	VLAN   int          // 1 to 4094
	Ports  []string     // member ports in the platform's spelling; a repeated one counts once
	SVI    string       // the interface that routes the VLAN; on ASA its nameif
	VRF    string       // empty for the global table
	Prefix netip.Prefix // the interface's own address with its prefix length; its subnet must hold every VIP

	// Device is the name of the device, where one of several is rendered: letters,
	// digits, dots, hyphens and underscores.
	Device string

	// Mode is the cluster's mode where more is known of it than MAC and VIPs say,
	// as by its heartbeats; empty where nothing is. Unicast says that a unicast MAC
	// is a cluster's although it has not the form that NLB gives it (02-bf, or
	// 00-bf of its first releases); IGMP, that hosts report a group of the MAC.
	Mode platform.Mode

	// Group is the IPv4 group that was reported for the MAC, or invalid.
	Group netip.Addr

	// Refused says that a router is proven not to take the answers of a cluster in
	// unicast mode.
	Refused bool

	// Remarks are said above the lines to configure: printable ASCII.
	Remarks []string

	// Set holds what only some platforms need, under the name that the
	// platform file gives it: "tenant", "querier", "vlan-name".
	Set map[string]string
}

// mode is ModeOf the cluster's MAC, or what the caller knows.
func (v Values) mode() (platform.Mode, error) {
	m, err := ModeOf(v.MAC, v.VIPs...)
	if _, ordinary := errors.AsType[*NotNeededError](err); ordinary && v.Mode == platform.Unicast {
		return platform.Unicast, nil
	}
	switch {
	case m == platform.Multicast && isIPGroupMAC(v.MAC) && (v.Mode == platform.IGMP || v.Set["group"] != ""):
		return platform.IGMP, err
	case m == platform.IGMP && v.Mode == platform.Multicast:
		return platform.Multicast, err
	}
	return m, err
}
