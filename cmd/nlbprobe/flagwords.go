package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nlbprobe/nlbprobe/nearest"
)

// otherWords are the flags by which ping, arping, arp-scan, nmap, tcpdump and
// others call what this tool has under another name, and what to write here.
// Letters are their short flags.
var otherWords = [...]struct {
	names []string
	write string
}{
	{[]string{"json", "format", "text"}, "write -o json or -o text"},
	{[]string{"timeout", "deadline", "w", "W", "t", "T"}, "--wait TIME bounds how long it takes"},
	{[]string{"iface", "if", "dev", "device", "nic", "I", "e"}, "the interface is -i IFACE"},
	{[]string{"gateway", "gw", "via", "g"}, "the router is --router IP"},
	{[]string{"vip", "target", "host", "ip", "address"}, "the VIP needs no flag: nlbprobe VIP"},
	{[]string{"p"}, "--platform NAME is the router's platform, --tcp PORT a service of the VIP"},
	{[]string{"no-color", "no-colour", "nocolor", "color", "colour"}, "set NO_COLOR=1 in the environment for text without colours"},
	{[]string{"V"}, "nlbprobe version"},
	{[]string{"c", "count", "n", "retries", "retry", "repeat", "loop"}, "it asks as often as it needs; --expect VERDICT --retry-for TIME repeats the run"},
	{[]string{"interval"}, "--expect VERDICT --retry-for TIME repeats the run"},
	{[]string{"q", "quiet", "silent"}, "the exit status says the result: nlbprobe VIP >/dev/null"},
	{[]string{"pcap", "pcapng", "save", "capture", "out", "outfile"}, "--write FILE.pcapng keeps the frames"},
	{[]string{"r", "read", "file", "f"}, "nlbprobe analyze FILE reads a capture"},
	{[]string{"S", "s", "source", "src"}, "it asks from the address that the interface has in the VIP's subnet"},
	{[]string{"d", "debug", "D", "vv"}, "-v prints every finding with its evidence"},
	{[]string{"6", "ipv6"}, "IPv6 is not probed yet"},
	{[]string{"4", "ipv4"}, "only IPv4 is probed: leave it out"},
	{[]string{"vlan-id", "tag"}, "the VLAN is --vlan N"},
	{[]string{"vendor", "os", "model"}, "the router's platform is --platform NAME; nlbprobe platforms lists them"},
	{[]string{"dry-run", "no-send", "listen-only"}, "--passive sends nothing"},
}

// unknownFlag is the error for a flag that cmd has not: what to write instead if
// that is known, where the flags are listed otherwise.
func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name, shown := e.GetSpecifiedName(), "--"+clip(e.GetSpecifiedName())
	short := e.GetSpecifiedShortnames() != ""
	if short {
		// The error's name is a byte: the rest of the group begins with the character.
		name = string([]rune(e.GetSpecifiedShortnames())[:1])
		shown = "-" + name
	}
	err := &statusError{
		status: exitUnknown,
		err:    fmt.Errorf("there is no flag %q", shown),
		hint:   cmd.CommandPath() + " --help lists the flags",
	}
	for _, w := range otherWords {
		if slices.Contains(w.names, name) && short == (len([]rune(name)) == 1) {
			err.err, err.hint = fmt.Errorf("there is no flag %q; %s", shown, w.write), ""
			return err
		}
	}
	if short {
		return err
	}
	if owners := ownersOf(name, cmd); len(owners) > 0 {
		err.err = fmt.Errorf("there is no flag %q here; it is a flag of %s", shown, enumerate(owners))
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest.Word(name, names); near != "" {
		err.err = fmt.Errorf("there is no flag %q; did you mean --%s?", shown, near)
	}
	return err
}

// ownersOf names the other commands that have the flag.
func ownersOf(name string, not *cobra.Command) []string {
	var owners []string
	none := stdio{}
	root := newRootCmd(none)
	for _, c := range append([]*cobra.Command{root}, commandsOf(none)...) {
		path := "nlbprobe " + c.Name()
		if c == root {
			path = "nlbprobe VIP"
		}
		if c.Name() != not.Name() && c.Flags().Lookup(name) != nil {
			owners = append(owners, path)
		}
	}
	return owners
}

// enumerate joins words as a sentence does: a, b and c.
func enumerate(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// commandsOf makes every subcommand, alone.
func commandsOf(io stdio) []*cobra.Command {
	all := make([]*cobra.Command, len(subcommands))
	for i, c := range subcommands {
		all[i] = c.make(io)
	}
	return all
}
