package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nlbprobe/nlbprobe/nearest"
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

// flagError says in one line what is wrong with a flag, for cobra.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		why := e.Unwrap().Error()
		switch e.GetFlag().Value.Type() {
		case "int":
			why = "it is not a whole number"
		case "duration":
			why = "it is not a time, as 500ms, 5s or 2m"
		case "bool":
			why = "it is neither true nor false"
		}
		return fmt.Errorf("--%s %q: %s", e.GetFlag().Name, clip(e.GetValue()), why)
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok && e.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		text := fmt.Sprintf("there is no flag %q", "--"+clip(e.GetSpecifiedName()))
		if near := nearest.Word(e.GetSpecifiedName(), names); near != "" {
			text += fmt.Sprintf("; did you mean --%s?", near)
		}
		return errors.New(text)
	}
	return errors.New(report.Clean(err.Error()))
}
