package templates_test

import (
	"fmt"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

func ExampleRender() {
	ios, err := templates.Load().Lookup("cisco-ios")
	if err != nil {
		fmt.Println(err)
		return
	}
	configs, err := templates.Render(ios, templates.Values{
		VIPs: []netip.Addr{netip.MustParseAddr("172.16.63.241")},
		MAC:  mac.Addr{0x03, 0x00, 0x5e, 0x11, 0x11, 0x11},
		VLAN: 63, Ports: []string{"Gi1/0/11", "Gi1/0/12"},
	}, templates.L3, []templates.Section{templates.Save}, templates.Options{Strict: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(configs[0].Text)
	// Output:
	// ! save, in privileged EXEC mode
	// ! asks for the file name; answer with Enter
	// copy running-config startup-config
}
