package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/nearest"
)

// runOptions are those of run and shell.
type runOptions struct {
	scenario string
	host     string
	command  []string
}

func newRunCmd(io stdio, signals <-chan os.Signal) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run SCENARIO [--host HOST] -- COMMAND [ARGUMENT...]",
		Short: "Run a command in a host of a scenario",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || cmd.ArgsLenAtDash() == 0 {
				return errors.New("give a scenario before the command; nlblab list names them")
			}
			if dash := cmd.ArgsLenAtDash(); dash > 1 {
				return fmt.Errorf("%q stands before --, after one scenario", args[1])
			}
			o.scenario, o.command = args[0], args[1:]
			if len(o.command) == 0 {
				return fmt.Errorf("give a command: nlblab run %s -- COMMAND", o.scenario)
			}
			return o.run(io, signals)
		},
	}
	cmd.Flags().StringVar(&o.host, "host", lab.Prober, "the host to run it in")
	return cmd
}

func newShellCmd(io stdio, signals <-chan os.Signal) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "shell SCENARIO [--host HOST]",
		Short: "Open a shell in a host of a scenario",
		Args:  oneScenario,
		RunE: func(_ *cobra.Command, args []string) error {
			o.scenario, o.command = args[0], []string{"/bin/sh"}
			if sh := os.Getenv("SHELL"); sh != "" {
				o.command[0] = sh
			}
			return o.run(io, signals)
		},
	}
	cmd.Flags().StringVar(&o.host, "host", lab.Prober, "the host to open it in")
	return cmd
}

// run checks all that can be checked outside and then enters the lab.
func (o *runOptions) run(io stdio, signals <-chan os.Signal) error {
	text, err := lab.Source(o.scenario)
	if err != nil {
		return err
	}
	s, err := lab.Parse(o.scenario, text)
	if err != nil {
		return err
	}
	if err := checkHost(s, o.host); err != nil {
		return err
	}
	return enter(request{Scenario: o.scenario, Text: text, Host: o.host, Command: o.command}, io, signals)
}

func checkHost(s *lab.Scenario, name string) error {
	var names []string
	for _, h := range s.Hosts() {
		if h.Name == name {
			return nil
		}
		names = append(names, h.Name)
	}
	if near := nearest.Word(name, names); near != "" {
		return fmt.Errorf("scenario %s has no host %q; the nearest is %q", s.Name, name, near)
	}
	return fmt.Errorf("scenario %s has no host %q; it has %s", s.Name, name, strings.Join(names, ", "))
}

// request is what the process inside is told: what to build and what to run in
// it.
type request struct {
	Scenario string
	Text     []byte
	Host     string
	Command  []string
}
