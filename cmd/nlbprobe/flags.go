package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nlbprobe/nlbprobe/inventory"
	"github.com/nlbprobe/nlbprobe/report"
)

// texts is a flag that may be repeated; it implements pflag.Value. pflag's
// string array writes its empty default as CSV, for which each such flag takes
// 8 KiB of buffers at every start: more than all else that comes before the
// first question.
type texts []string

// Set adds a value, as it is.
func (t *texts) Set(s string) error {
	*t = append(*t, s)
	return nil
}

// String is the default where none was set: nothing.
func (t *texts) String() string { return strings.Join(*t, " ") }

// Type is what shell completion knows a flag by that may be repeated.
func (t *texts) Type() string { return "stringArray" }

// ports is a flag of TCP ports, repeated or with commas between them; it
// implements pflag.Value.
type ports []uint16

// Set adds what s names, or nothing.
func (p *ports) Set(s string) error {
	all := *p
	for one := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(one), 10, 16)
		if err != nil || n == 0 {
			return errors.New("a port is a number from 1 to 65535")
		}
		all = append(all, uint16(n))
	}
	*p = all
	return nil
}

// String is the default where none was set: nothing.
func (p *ports) String() string {
	all := make([]string, len(*p))
	for i, n := range *p {
		all[i] = strconv.Itoa(int(n))
	}
	return strings.Join(all, ",")
}

// Type is what shell completion knows a flag by that may be repeated.
func (p *ports) Type() string { return "uintSlice" }

// seconds is a flag that is a time; it implements pflag.Value. A number without
// a unit is one of seconds, as ping and arping take it.
type seconds time.Duration

// Set takes 500ms, 5s or 2m, or 5 for 5s.
func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		*s = seconds(time.Duration(n) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("it is not a time, as 500ms, 5s or 2m")
	}
	*s = seconds(d)
	return nil
}

// String is the time with its unit; nothing for none, so that help names no
// default.
func (s *seconds) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Type is what shell completion knows a time by.
func (s *seconds) Type() string { return "duration" }

// splitCommas takes arguments apart that name several things with commas
// between them.
func splitCommas(args []string) []string {
	var all []string
	for _, arg := range args {
		for one := range strings.SplitSeq(arg, ",") {
			all = append(all, strings.TrimSpace(one))
		}
	}
	return all
}

// vlan is a flag of one VLAN, 0 until it is set; it implements pflag.Value.
// pflag's own numbers take a leading zero for octal, and 0x and underscores.
type vlan int

// Set reads the digits as those of a table of ports are read.
func (v *vlan) Set(s string) error {
	n, err := inventory.ParseVLAN(s)
	if err != nil {
		return err
	}
	*v = vlan(n)
	return nil
}

// String is the default where none was set: nothing.
func (v *vlan) String() string {
	if *v == 0 {
		return ""
	}
	return strconv.Itoa(int(*v))
}

// Type is what the help calls the value.
func (v *vlan) Type() string { return "vlan" }

// flagError says what is wrong with a flag and what to write instead, for cobra.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		why := e.Unwrap().Error()
		switch e.GetFlag().Value.Type() {
		case "vlan":
			return e.Unwrap()
		case "int":
			why = "it is not a whole number"
		case "bool":
			why = "it is neither true nor false"
		}
		return fmt.Errorf("--%s %q: %s", e.GetFlag().Name, clip(e.GetValue()), why)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		value, _ := pflag.UnquoteUsage(e.GetFlag())
		return fmt.Errorf("--%s needs a value: --%[1]s %s", e.GetFlag().Name, value)
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, e)
	}
	return errors.New(report.Clean(err.Error()))
}
