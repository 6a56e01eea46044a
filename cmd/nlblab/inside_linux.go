package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/nlbprobe/nlbprobe/lab"
)

// insideName is the hidden command that enter starts.
const insideName = "inside"

// Statuses of a command that does not start, as env(1) gives them.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

// grace is how long a command may take to end after it was told to.
const grace = 2 * time.Second

func newInsideCmd(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:    insideName,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return inside(io) },
	}
}

// inside builds the lab and runs the command. It is process 1: when it
// returns, the kernel ends whatever the command has left behind.
func inside(io stdio) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("%s is for nlblab itself; use run", insideName)
	}
	lifeline := bufio.NewReader(os.NewFile(lifelineFD, "lifeline"))
	syscall.CloseOnExec(lifelineFD)
	line, err := lifeline.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("reading what to do: %w", err)
	}
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("reading what to do: %w", err)
	}
	d := newDelivery()
	go d.listen(lifeline)

	s, err := lab.Parse(r.Scenario, r.Text)
	if err != nil {
		return err
	}
	if err := lab.Settle(); err != nil {
		return notAllowed(err)
	}
	l, err := lab.Start(context.Background(), s)
	if errors.Is(err, lab.ErrUnsupported) {
		return notAllowed(err)
	}
	if err != nil {
		return err
	}
	cmd := l.Command(context.Background(), r.Host, program(r.Command[0]), r.Command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = io.in, io.out, io.err
	cmd.Env = append(os.Environ(), "NLBLAB_SCENARIO="+r.Scenario, "NLBLAB_HOST="+r.Host)
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(io.err, "nlblab: %v\n", err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return statusError(exitNotFound)
		}
		return statusError(exitCannotRun)
	}
	d.to(cmd.Process)
	err = cmd.Wait()
	// The command's status stands whatever closing says: the kernel frees the
	// rest in a moment.
	_ = l.Close()
	if status := statusOf(cmd.Cmd, err); status != 0 {
		return statusError(status)
	}
	return nil
}

// program is the file of the command called name: one of that name beside this
// program if the PATH has none, since both are built into one folder.
func program(name string) string {
	if _, err := exec.LookPath(name); err == nil || filepath.Base(name) != name {
		return name
	}
	self, err := os.Executable()
	if err != nil {
		return name
	}
	beside := filepath.Join(filepath.Dir(self), name)
	if _, err := exec.LookPath(beside); err != nil {
		return name
	}
	return beside
}

// delivery hands signals to the command, each once. A terminal sends Ctrl-C to
// all processes in the foreground, this one and the command among them; kill
// sends it to nlblab alone, which passes it on by the lifeline.
type delivery struct {
	direct chan os.Signal // what this process got itself

	mu      sync.Mutex
	process *os.Process
	early   []syscall.Signal // before there was a process
}

func newDelivery() *delivery {
	d := &delivery{direct: make(chan os.Signal, 8)}
	signal.Notify(d.direct, os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	return d
}

// listen reads the lifeline until nlblab outside is gone.
func (d *delivery) listen(lifeline io.ByteReader) {
	for {
		b, err := lifeline.ReadByte()
		if err != nil {
			os.Exit(exitUnknown) // process 1: all ends with it
		}
		s := syscall.Signal(b)
		if (s == syscall.SIGINT || s == syscall.SIGQUIT) && d.heard(s) {
			continue
		}
		d.send(s)
	}
}

// heard reports whether the signal came from a terminal, so that the command
// has it already.
func (d *delivery) heard(s syscall.Signal) bool {
	wait := time.After(50 * time.Millisecond)
	for {
		select {
		case got := <-d.direct:
			if got == s {
				return true
			}
		case <-wait:
			return false
		}
	}
}

func (d *delivery) send(s syscall.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		if len(d.early) < 8 {
			d.early = append(d.early, s)
		}
		return
	}
	d.signal(s)
}

// signal needs the lock.
func (d *delivery) signal(s syscall.Signal) {
	_ = d.process.Signal(s) // fails when the command has just ended
	if s == syscall.SIGTERM || s == syscall.SIGHUP {
		p := d.process
		time.AfterFunc(grace, func() { _ = p.Kill() })
	}
}

// to names the command. It gets what came while the lab was built.
func (d *delivery) to(p *os.Process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.process = p
	for _, s := range d.early {
		d.signal(s)
	}
}
