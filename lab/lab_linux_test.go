package lab_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// foreign counts this process's threads in a network other than its own, and
// its open descriptors.
func foreign(t *testing.T) (threads, descriptors int) {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	for _, task := range tasks {
		if ns, err := os.Readlink(task + "/ns/net"); err == nil && ns != own {
			threads++
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return threads, len(fds)
}

// In a test process a closed lab leaves no thread in a foreign network, no
// descriptor and no command.
func TestCloseLeavesNothing(t *testing.T) {
	labtest.Require(t)
	// Those whose hosts do something of themselves, each in another way.
	for _, name := range []string{"ws2008", "igmp", "vrrp-pair", "flooding"} {
		t.Run(name, func(t *testing.T) { closeLeavesNothing(t, name) })
	}
}

func closeLeavesNothing(t *testing.T, name string) {
	s, err := lab.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	_, before := foreign(t)
	l, err := lab.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	sleeper := l.Command(t.Context(), "node1", "sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	if threads, during := foreign(t); threads < len(s.Hosts()) || during <= before {
		t.Fatalf("control: %d threads and %d more descriptors while the lab runs", threads, during-before)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	exit, ok := errors.AsType[*exec.ExitError](sleeper.Wait())
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the command ended with %v, want killed", exit)
	}
	deadline := time.Now().Add(5 * time.Second) // threads end in their own time
	for {
		threads, after := foreign(t)
		if threads == 0 && after <= before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d threads in foreign networks, %d descriptors more", threads, after-before)
		}
		time.Sleep(time.Millisecond)
	}
	if err := l.Do(lab.Prober, func() error { return nil }); err == nil {
		t.Error("Do after Close gives no error")
	}
	if err := l.Command(t.Context(), lab.Prober, "true").Run(); err == nil {
		t.Error("a command after Close gives no error")
	}
}

func TestUnknownHost(t *testing.T) {
	l := labtest.Start(t, "silent")
	const want = `scenario silent has no host "node9"; it has prober, node1, node2, router, client, switch`
	if err := l.Do("node9", func() error { return nil }); err == nil || err.Error() != want {
		t.Errorf("Do: %v", err)
	}
	if err := l.Command(t.Context(), "node9", "true").Run(); err == nil || err.Error() != want {
		t.Errorf("Command: %v", err)
	}
	if _, ok := l.Host("node9"); ok || l.Interface("node9") != "" {
		t.Error("there is a node9")
	}
}

// A context that has ended builds nothing.
func TestStartCancelled(t *testing.T) {
	labtest.Require(t)
	s, err := lab.Load("silent")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l, err := lab.Start(ctx, s); !errors.Is(err, context.Canceled) || l != nil {
		t.Errorf("Start: %v, %v", l, err)
	}
}

func TestCommandOutput(t *testing.T) {
	l := labtest.Start(t, "silent")
	out, err := l.Command(t.Context(), lab.Client, "hostname").Output()
	if err != nil || string(out) != "client\n" {
		t.Errorf("Output: %q, %v", out, err)
	}
	out, err = l.Command(t.Context(), lab.Client, "sh", "-c", "echo a; echo b >&2; exit 3").CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 3 || string(out) != "a\nb\n" {
		t.Errorf("CombinedOutput: %q, %v", out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.Command(ctx, lab.Client, "sleep", "1000").Run(); err == nil || ctx.Err() == nil {
		t.Errorf("a command outlived its context: %v", err)
	}
}
