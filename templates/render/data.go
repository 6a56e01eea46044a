package render

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Data is what a template sees.
type Data struct {
	r    *Rendering
	vip  netip.Addr
	port string

	// Last is true for the last VIP or port of a line that is repeated.
	Last bool
}

// VIP is the VIP of a line that stands once for each; else the first one.
func (d *Data) VIP() string {
	if !d.vip.IsValid() {
		return "<VIP>"
	}
	return d.vip.String()
}

// VIPNumber is the VIP as a number, for platforms whose entries have numbers:
// with it an entry is found again, and replaced instead of added twice.
func (d *Data) VIPNumber() string {
	if !d.vip.IsValid() {
		return "<VIP-NUMBER>"
	}
	b := d.vip.As4()
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[:])), 10)
}

// MAC is the cluster's MAC address as the platform writes it.
func (d *Data) MAC() string { return d.r.MAC }

// MACIn is the cluster's MAC address in another spelling, by the name of a
// mac.Style: the bare one can be part of a name.
func (d *Data) MACIn(style string) (string, error) {
	if d.r.Values.MAC.IsZero() {
		return d.r.MAC, nil // a placeholder
	}
	var s mac.Style
	err := s.UnmarshalText([]byte(style))
	return d.r.Values.MAC.In(s), err
}

// VLAN is the VLAN id.
func (d *Data) VLAN() (string, error) { return d.Get("vlan") }

// SVI is the interface that routes the VLAN.
func (d *Data) SVI() (string, error) { return d.Get("svi") }

// Prefix is the SVI's address with its prefix length.
func (d *Data) Prefix() (string, error) { return d.Get("prefix") }

// Group is the IPv4 group of an IGMP-mode cluster.
func (d *Data) Group() (string, error) { return d.Get("group") }

// VRF is the VRF, or "" for the global table.
func (d *Data) VRF() (string, error) { return d.r.Known("vrf") }

// Port is the port of a line that stands once for each, or the only one.
func (d *Data) Port() (string, error) {
	if err := d.r.usePorts(); err != nil {
		return "", err
	}
	if d.port == "" && len(d.r.Ports) == 1 {
		return d.r.inLine(d.r.Ports[0]), nil
	}
	if d.port == "" {
		return d.r.lacks("port", "<MEMBER-PORT>")
	}
	return d.r.inLine(d.port), nil
}

// First is one member port, where a line must name one of several: the first.
func (d *Data) First() (string, error) {
	if err := d.r.usePorts(); err == nil && d.port == "" && len(d.r.Ports) > 1 {
		return d.r.inLine(d.r.Ports[0]), nil
	}
	return d.Port()
}

// Ports is all member ports as one line names them.
func (d *Data) Ports() (string, error) {
	d.r.SawPorts = true
	if err := d.r.usePorts(); err != nil {
		return "", err
	}
	if len(d.r.Ports) == 0 {
		return d.r.lacks("port", "")
	}
	out := make([]string, len(d.r.here))
	for i, p := range d.r.here {
		out[i] = d.r.inLine(p)
	}
	return strings.Join(out, d.r.Platform.Spelling.Ports.Join), nil
}

// Get is a value by its name in the platform file: as given, by default, or a
// placeholder.
func (d *Data) Get(name string) (string, error) {
	s, err := d.r.Known(name)
	if err != nil || s != "" {
		return s, err
	}
	decl, _ := d.r.Platform.Value(name)
	if decl.Default != "" {
		return d.r.Fill(decl.Default, d)
	}
	return d.r.lacks(name, decl.InBrackets())
}

// use notes that a line uses a value.
func (r *Rendering) use(name string) {
	if r.used != nil {
		r.used[name] = true
	}
}

// usePorts is called where a line names ports.
func (r *Rendering) usePorts() error {
	if _, ok := r.Platform.Value("port"); !ok {
		return fmt.Errorf("platform %s does not say how it writes a port", r.Platform.Name)
	}
	r.use("port")
	if r.Trusting {
		return nil
	}
	return r.portsErr
}

// inLine returns a port as the line at hand names it.
func (r *Rendering) inLine(port string) string {
	if !r.lags {
		return port
	}
	if m := r.lag.FindStringSubmatch(port); m != nil {
		return m[1]
	}
	return port
}

// lacks notes that a value is missing and returns its placeholder.
func (r *Rendering) lacks(name, placeholder string) (string, error) {
	decl, ok := r.Platform.Value(name)
	if !ok {
		return "", fmt.Errorf("platform %s does not say what value %q is", r.Platform.Name, name)
	}
	if !slices.Contains(r.Missing, name) {
		r.Missing = append(r.Missing, name)
	}
	if placeholder == "" || name == "port" && decl.Placeholder != "" {
		return decl.InBrackets(), nil
	}
	return placeholder, nil
}
