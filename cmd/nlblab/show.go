package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/lab"
)

func newShowCmd(io stdio) *cobra.Command {
	var host string
	cmd := &cobra.Command{
		Use:   "show SCENARIO [--host HOST]",
		Short: "Show the hosts and addresses of a scenario, and what an admin would see",
		Args:  oneScenario,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := lab.Load(args[0])
			if err != nil {
				return err
			}
			if host != "" {
				if err := checkHost(s, host); err != nil {
					return err
				}
				return showHosts(io, s, host)
			}
			return show(io, s)
		},
	}
	cmd.Flags().StringVar(&host, "host", "", "show this host alone")
	return cmd
}

// oneScenario is the argument of show and shell.
func oneScenario(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one scenario, not %d; nlblab list names them", len(args))
	}
	return nil
}

func show(std stdio, s *lab.Scenario) error {
	writeWrapped(std.out, "", s.Description)
	if s.Admin != "" {
		fmt.Fprintln(std.out)
		writeWrapped(std.out, "    ", s.Admin)
	}
	fmt.Fprintf(std.out, "\nVIP %s   LAN %s   remote subnet %s\n\n", s.VIP, s.LAN, s.Remote)
	if err := showHosts(std, s, ""); err != nil {
		return err
	}
	for _, f := range s.Flows {
		fmt.Fprintf(std.out, "\n%s sends %d datagrams a second to %s port %d\n", f.From, f.PerSecond, f.To, f.Port)
	}
	return nil
}

// showHosts writes a line for each host, and what is special about it; for one
// host alone if only names it.
func showHosts(std stdio, s *lab.Scenario, only string) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	hosts := slices.DeleteFunc(s.Hosts(), func(h lab.Host) bool { return only != "" && h.Name != only })
	for _, h := range hosts {
		if h.Name == lab.Switch {
			fmt.Fprintf(w, "%s\t%s\n", h.Name, h.Interface) // no address
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h.Name, h.Interface, h.Prefix, h.MAC)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	i := 0
	for line := range strings.Lines(table.String()) {
		fmt.Fprint(std.out, line)
		if n := notes(s, hosts[i].Name); n != "" {
			writeWrapped(std.out, "    ", n)
		}
		i++
	}
	return nil
}

// notes says what is special about a host.
func notes(s *lab.Scenario, name string) string {
	if name == lab.Switch {
		return switchNotes(&s.Switch)
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; n.Name == name {
			return nodeNotes(n)
		}
	}
	for i := range s.Routers {
		if r := &s.Routers[i]; r.Name == name {
			return routerNotes(s, r)
		}
	}
	return ""
}

func nodeNotes(n *lab.Node) string {
	var notes []string
	if len(n.VIPs) > 0 {
		notes = append(notes, "has "+addresses(n.VIPs))
	}
	if !n.Answers.IsZero() {
		notes = append(notes, "answers "+n.Answers.String())
	}
	if n.AsksAsVIP {
		notes = append(notes, "asks as the VIP")
	}
	if n.Join.IsValid() {
		notes = append(notes, fmt.Sprintf("reports %s every %v", n.Join, n.JoinEvery))
	}
	if n.AnswersQueries {
		notes = append(notes, "answers queries")
	}
	if h := n.Heartbeat; h != nil {
		notes = append(notes, fmt.Sprintf("beats as host %d, default host %d, %s", h.Priority, h.DefaultHost, counted(len(h.Rules), "port rule")))
	}
	if n.DiesAfter > 0 {
		notes = append(notes, fmt.Sprintf("dies after %v", n.DiesAfter))
	}
	return strings.Join(notes, ", ")
}

func routerNotes(s *lab.Scenario, r *lab.Router) string {
	notes := []string{"refuses group MACs in ARP"}
	if r.AcceptsGroupARP {
		notes[0] = "accepts group MACs in ARP"
	}
	if r.DropsMaskedARP {
		notes = append(notes, "drops ARP whose frame comes from another MAC than it names")
	}
	for _, e := range r.Static {
		notes = append(notes, fmt.Sprintf("static ARP %s %s", e.IP, e.MAC))
	}
	if len(r.ProxyARP) > 0 {
		notes = append(notes, "answers for "+addresses(r.ProxyARP))
	}
	if v := r.VRRP; v != nil {
		rank := "backup"
		if s.Master(r) {
			rank = "master"
		}
		if v.Elected {
			notes = append(notes, fmt.Sprintf("priority %d for virtual router %d, %s, by FRR", v.Priority, v.ID, v.Address))
		} else {
			notes = append(notes, fmt.Sprintf("%s of virtual router %d, %s", rank, v.ID, v.Address))
		}
	}
	if q := r.Querier; q != nil {
		notes = append(notes, fmt.Sprintf("asks by IGMPv%d every %v, by FRR", q.Version, r.Timers.Interval))
	}
	if r.NoHairpin {
		notes = append(notes, "routes nothing back")
	}
	if r.NoRedirects {
		notes = append(notes, "sends no redirects")
	}
	if r.DropsICMP {
		notes = append(notes, "drops ICMP")
	}
	return strings.Join(notes, ", ")
}

func switchNotes(s *lab.LANSwitch) string {
	notes := []string{"IGMP snooping off"}
	switch {
	case s.Snooping && s.Querier != nil:
		notes[0] = fmt.Sprintf("IGMP snooping on, asks by IGMPv%d every %v", s.Querier.Version, s.Timers.Interval)
	case s.Snooping:
		notes[0] = "IGMP snooping on"
	}
	if s.ByMAC {
		notes = append(notes, "looks up by MAC")
	}
	if len(s.RouterPorts) > 0 {
		notes = append(notes, "router ports "+strings.Join(s.RouterPorts, " "))
	}
	for _, m := range s.Members {
		notes = append(notes, fmt.Sprintf("%s to %s only", m.MAC, strings.Join(m.Hosts, " ")))
	}
	for _, p := range s.Learnt {
		notes = append(notes, fmt.Sprintf("%s learnt on %s", p.MAC, p.Host))
	}
	return strings.Join(notes, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func addresses(list []netip.Addr) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.String()
	}
	return strings.Join(words, " ")
}
