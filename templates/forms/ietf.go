package forms

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// The types of the elements are those of RFC 8343, 8344 and 6241. The XML form
// of NETCONF was chosen over RESTCONF's JSON since one edit-config body can
// both merge and remove, and either again without harm.
type (
	editConfig struct {
		XMLName    xml.Name   `xml:"urn:ietf:params:xml:ns:netconf:base:1.0 config"`
		Netconf    string     `xml:"xmlns:nc,attr,omitempty"` // the prefix of the attribute operation
		Interfaces interfaces `xml:"urn:ietf:params:xml:ns:yang:ietf-interfaces interfaces"`
	}
	interfaces struct {
		Interface ietfInterface `xml:"interface"`
	}
	ietfInterface struct {
		Name string   `xml:"name"`
		IPv4 ietfIPv4 `xml:"urn:ietf:params:xml:ns:yang:ietf-ip ipv4"`
	}
	ietfIPv4 struct {
		Neighbours []neighbour `xml:"neighbor"`
	}
	neighbour struct {
		Operation string `xml:"nc:operation,attr,omitempty"`
		IP        string `xml:"ip"`
		Address   string `xml:"link-layer-address,omitempty"`
	}
)

// editConfig writes the body of a NETCONF edit-config.
func (w *formWriter) editConfig() error {
	f := w.r.Platform.IETF
	if !w.r.Wants(w.section, platform.Scope{Role: f.Role, Mode: f.Mode}) {
		return &NothingError{w.r.Platform.Name, platform.IETFForm, "it holds ARP entries, which only a device needs that routes the VLAN of a cluster with a group MAC"}
	}
	if err := w.head("NETCONF edit-config, "+w.r.Platform.Name, f.Confidence, f.Doubt, f.Source, f.Note); err != nil {
		return err
	}
	// Two hyphens, or one at the end, would end the comment (XML 1.0, 2.5).
	remarks := strings.ReplaceAll(w.out.String(), "--", "- -")
	w.out.Reset()
	d := w.r.Once()
	name, err := w.r.Fill(f.Interface, d)
	if err != nil {
		return err
	}
	doc := editConfig{}
	if w.section == platform.Remove {
		doc.Netconf = "urn:ietf:params:xml:ns:netconf:base:1.0"
	}
	doc.Interfaces.Interface.Name = name
	for _, ip := range w.r.Values.VIPs {
		n := neighbour{IP: ip.String(), Address: w.r.Values.MAC.String()}
		if w.section == platform.Remove {
			// "remove" and not "delete": what is gone already is no error (RFC 6241 7.2).
			n.Operation, n.Address = "remove", ""
		}
		doc.Interfaces.Interface.IPv4.Neighbours = append(doc.Interfaces.Interface.IPv4.Neighbours, n)
	}
	body, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", w.r.Platform.Name, err)
	}
	w.out.WriteString("<!--\n" + remarks + "-->\n")
	w.out.Write(body)
	w.out.WriteByte('\n')
	return nil
}
