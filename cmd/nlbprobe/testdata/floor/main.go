// Command floor is the least that a program can do that is made of the same
// libraries as nlbprobe: it asks for one IPv4 address by ARP, and prints the
// first answer. It says what nlbprobe's start could cost at best.
package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/spf13/cobra"
)

func main() {
	var name string
	root := &cobra.Command{
		Use: "floor -I IFACE IP", Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(_ *cobra.Command, args []string) error { return ask(name, args[0]) },
	}
	root.Flags().StringVarP(&name, "interface", "I", "", "ask on `IFACE`")
	if root.Execute() != nil {
		os.Exit(3)
	}
}

// ask sends one request, with the first address of the interface, and prints
// who answers.
func ask(name, target string) error {
	ip, err := netip.ParseAddr(target)
	if err != nil {
		return err
	}
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return err
	}
	own, err := netip.ParsePrefix(addrs[0].String())
	if err != nil {
		return err
	}
	conn, err := packet.Listen(ifi, packet.Raw, int(ethernet.EtherTypeARP), nil)
	if err != nil {
		return err
	}
	question, err := arp.NewPacket(arp.OperationRequest, ifi.HardwareAddr, own.Addr(), make(net.HardwareAddr, 6), ip)
	if err != nil {
		return err
	}
	body, err := question.MarshalBinary()
	if err != nil {
		return err
	}
	frame, err := (&ethernet.Frame{
		Destination: ethernet.Broadcast, Source: ifi.HardwareAddr, EtherType: ethernet.EtherTypeARP, Payload: body,
	}).MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		return err
	}
	b := make([]byte, 2048)
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return err
		}
		var f ethernet.Frame
		var answer arp.Packet
		if f.UnmarshalBinary(b[:n]) == nil && answer.UnmarshalBinary(f.Payload) == nil && answer.SenderIP == ip {
			_, err := fmt.Println(ip, "is at", answer.SenderHardwareAddr)
			return err
		}
	}
}
