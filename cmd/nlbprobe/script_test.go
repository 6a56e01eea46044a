package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

func TestMain(m *testing.M) {
	labtest.SideBySide()
	testscript.Main(m, map[string]func(){"nlbprobe": main})
}

// TestScript runs the user stories in testdata/script: a command, what it
// prints, and its exact exit status.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: goldentest.Update(),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status,
			"unhex":  unhexFile,
		},
		Setup: func(env *testscript.Env) error {
			// The names of this machine's users and interfaces stay out.
			env.Setenv("NO_COLOR", "1")
			return nil
		},
	})
	if _, err := os.Stat("testdata/script/bad_vip.txtar"); err != nil {
		t.Errorf("the stories are gone: %v", err)
	}
}

// unhexFile NAME makes of the text in NAME.hex the bytes that it describes.
func unhexFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unhex NAME")
	}
	b, err := parseHex(ts.ReadFile(args[0] + ".hex"))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// status N COMMAND ARGS... runs a command that must exit with N.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
