package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/nearest"
)

// rootLong and rootExample are what help says of the tool as a whole.
const (
	rootLong = `nlbprobe asks for the VIP of a Microsoft NLB cluster by ARP, hears every answer,
says what the cluster is and why routers refuse it, and prints the router
configuration to paste. Run it on a host of the cluster's subnet. On a host of
another subnet it asks as a client there does, and says what that proves.

A VIP is an IPv4 address, or a name, which stands for all its IPv4 addresses.

It ends with 0 if all is fine, 1 on a warning, 2 if it is critical, and 3 if
nothing can be said: no answer, wrong usage, no permission, no such interface.
Answers go to stdout, everything else to stderr.

Limitations: it hears one place of one subnet. It does not see what a router
has in its tables, only what is on the wire here; IPv6 is not probed yet.`

	// usageTemplate is cobra's, with flags set in 80 columns.
	usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" says more about a command.{{end}}
`

	rootExample = `  sudo nlbprobe 172.16.63.241
  sudo nlbprobe 172.16.63.241 --platform cisco-nxos --vlan 20 \
      --port Ethernet1/5
  sudo nlbprobe -i eth1 -o json 172.16.63.241 172.16.63.242
  nlbprobe render --platform cisco-ios --vip 172.16.63.241 --mac 0300.5e11.1111`
)

// newHelpCmd returns `nlbprobe help`. The library's own prints the help of the
// whole for a command that there is none of, and ends with 0.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(c *cobra.Command, args []string) error {
			cmd := c.Root()
			for _, word := range args {
				next, _, err := cmd.Find([]string{word})
				if err != nil || next == cmd {
					return unknownCommand(word)
				}
				cmd = next
			}
			cmd.InitDefaultHelpFlag()
			cmd.InitDefaultVersionFlag()
			return cmd.Help()
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return commandNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// unknownCommand is the error for a word that is no command.
func unknownCommand(word string) error {
	err := &statusError{status: exitUnknown, err: fmt.Errorf("no command is called %q", clip(word)), hint: "nlbprobe --help lists the commands"}
	switch near := nearest.Word(word, commandNames()); {
	case word == "probe":
		err.err, err.hint = fmt.Errorf("no command is called %q: nlbprobe VIP probes", word), "nlbprobe --help says how"
	case near != "":
		err.err = fmt.Errorf("no command is called %q; did you mean %q?", clip(word), near)
	}
	return err
}
