package main

import "strings"

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
