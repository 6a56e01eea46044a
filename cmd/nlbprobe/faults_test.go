package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

// broken is standard output in a state.
type broken struct{ write func([]byte) (int, error) }

func (b broken) Write(p []byte) (int, error) { return b.write(p) }

// Whatever command writes it, output that cannot be written is one line and
// status 3; if nobody reads it any more, there is nobody to tell.
func TestOutputLost(t *testing.T) {
	full := func([]byte) (int, error) { return 0, syscall.ENOSPC }
	closed := func([]byte) (int, error) { return 0, syscall.EPIPE }
	faulty := func([]byte) (int, error) { panic("on purpose") }
	capture := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(capture, unhex(t, "time-backwards"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"help", "--help", "help render", "mac --help", "version", "--version", "completion bash", "platforms", "platforms cisco-ios",
		"mac 192.0.2.1", "explain", "render cisco-ios 192.0.2.1 03bf.c000.0201", "analyze " + capture, "analyze -o json " + capture} {
		for want, write := range map[string]func([]byte) (int, error){"no space left": full, "": closed, "a fault of nlbprobe itself": faulty} {
			var errs bytes.Buffer
			status := run(t.Context(), strings.Fields(args), stdio{in: strings.NewReader(""), out: broken{write}, err: &errs})
			lines := 1
			if want == "" {
				lines = 0
			}
			if status != exitUnknown || strings.Count(errs.String(), "\n") != lines || !strings.Contains(errs.String(), want) {
				t.Errorf("%s: status %d, stderr %q, want %q", args, status, errs.String(), want)
			}
		}
	}
}

// What waits for ever ends with the context, and says what it waited for.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hold := make(chan struct{})
		go func() { synctest.Wait(); cancel() }()
		_, err := await(ctx, "while --diff \"-\" was read", func() (int, error) { <-hold; return 1, nil })
		if err == nil || err.Error() != `interrupted while --diff "-" was read` {
			t.Error(err)
		}
		close(hold)
	})
	if v, err := await(t.Context(), "", func() (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Error(v, err)
	}
	if _, err := await(t.Context(), "", func() (int, error) { panic("on purpose") }); err == nil || !strings.Contains(err.Error(), "on purpose") {
		t.Error(err)
	}
}
