package lab

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lab is a running scenario. Its methods may be used by several goroutines.
type Lab struct {
	scenario *Scenario
	hosts    map[string]*host
	order    []string // of hosts, as a listing shows them

	stop    context.CancelFunc // ends what runs in the background
	running sync.WaitGroup
	once    sync.Once
	closed  error
}

// Available returns nil when this process may start a lab, else an error that
// wraps [ErrUnsupported] and says why.
func Available() error {
	h, err := newHost("trial")
	if err != nil {
		return unsupported(err)
	}
	return h.close()
}

// unsupported marks what the kernel says where namespaces are not allowed
// (EPERM, EACCES), used up (ENOSPC, EUSERS) or not built in (EINVAL, ENOSYS).
func unsupported(err error) error {
	for _, e := range []error{unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS, unix.EINVAL, unix.ENOSYS} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
	}
	return err
}

// Start builds a scenario. The lab runs until Close; ctx ends only the
// building. Everything is in this process and gone with it.
func Start(ctx context.Context, s *Scenario) (*Lab, error) {
	if err := missing(s); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lab{scenario: s, hosts: map[string]*host{}, stop: stop}
	err := l.build(ctx)
	if err == nil {
		err = l.animate(ctx, background)
	}
	if err != nil {
		_ = l.Close() // the first fault is the one to tell
		return nil, fmt.Errorf("scenario %s: %w", s.Name, unsupported(err))
	}
	return l, nil
}

// Close takes the lab down: its traffic, the commands still running in it, its
// networks. Later calls return what the first did.
func (l *Lab) Close() error {
	l.once.Do(func() {
		l.stop()
		l.running.Wait()
		var errs []error
		for _, h := range l.hosts {
			errs = append(errs, h.close())
		}
		l.closed = errors.Join(errs...)
	})
	return l.closed
}

// Scenario returns what the lab was built from.
func (l *Lab) Scenario() *Scenario { return l.scenario }

// Hosts returns all hosts: prober, nodes, routers, client, switch.
func (l *Lab) Hosts() []Host {
	hosts := make([]Host, 0, len(l.order))
	for _, name := range l.order {
		hosts = append(hosts, l.hosts[name].Host)
	}
	return hosts
}

// Host returns the host of that name, and whether there is one.
func (l *Lab) Host(name string) (Host, bool) {
	if h, ok := l.hosts[name]; ok {
		return h.Host, true
	}
	return Host{}, false
}

// Interface returns the name of a host's interface on its LAN or remote
// subnet, br0 for the switch, "" for an unknown host.
func (l *Lab) Interface(name string) string {
	h, _ := l.Host(name)
	return h.Interface
}

func (l *Lab) find(name string) (*host, error) {
	if h, ok := l.hosts[name]; ok {
		return h, nil
	}
	return nil, fmt.Errorf("scenario %s has no host %q; it has %s",
		l.scenario.Name, clip(name), strings.Join(l.order, ", "))
}

// Do runs f on a thread within the host's network: sockets that f opens on its
// own goroutine belong to the host for good. Goroutines that f starts are
// outside.
func (l *Lab) Do(hostName string, f func() error) error {
	h, err := l.find(hostName)
	if err != nil {
		return err
	}
	return h.do(f)
}

// Cmd is an [exec.Cmd] that starts within a host. Kill, pipes, Wait and fields
// are those of exec.Cmd; the command is killed when the lab is closed.
type Cmd struct {
	*exec.Cmd
	host *host
}

// Command prepares a command for a host. As with [exec.CommandContext] a fault
// in the arguments, here also an unknown host, is reported by Start.
func (l *Lab) Command(ctx context.Context, hostName, name string, args ...string) *Cmd {
	c := &Cmd{Cmd: exec.CommandContext(ctx, name, args...)}
	h, err := l.find(hostName)
	if err != nil {
		c.Err = err
	}
	c.host = h
	return c
}

// Start starts the command and does not wait for it.
func (c *Cmd) Start() error {
	if c.Err != nil {
		return c.Err
	}
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	// The host's thread is the parent and lives as long as the lab.
	c.SysProcAttr.Pdeathsig = unix.SIGKILL
	return c.host.onThread(c.Cmd.Start)
}

// Run starts the command and waits for it.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns its standard output.
func (c *Cmd) Output() ([]byte, error) {
	var out bytes.Buffer
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// CombinedOutput runs the command and returns what it wrote to standard output
// and standard error.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	var out bytes.Buffer
	var both io.Writer = &out
	c.Stdout, c.Stderr = both, both
	err := c.Run()
	return out.Bytes(), err
}

// build makes the hosts, the switch and all addresses, routes and rules.
func (l *Lab) build(ctx context.Context) error {
	plans := plan(l.scenario)
	for _, p := range plans {
		l.order = append(l.order, p.Name)
	}
	if err := l.makeHosts(plans); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	i := slices.IndexFunc(plans, func(p hostPlan) bool { return p.Name == Switch })
	sw := l.hosts[Switch]
	if err := sw.onThread(func() error { return l.buildSwitch(plans) }); err != nil {
		return fmt.Errorf("building the switch: %w", err)
	}
	err := each(slices.Delete(plans, i, i+1), func(p hostPlan) error {
		if err := l.hosts[p.Name].onThread(p.configure); err != nil {
			return fmt.Errorf("configuring %s: %w", p.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.connected(ctx); err != nil {
		return fmt.Errorf("connecting the hosts: %w", err)
	}
	return nil
}

func (l *Lab) makeHosts(plans []hostPlan) error {
	var mu sync.Mutex
	return each(plans, func(p hostPlan) error {
		h, err := newHost(p.Name)
		if err != nil {
			return err
		}
		h.Host = p.Host
		mu.Lock()
		l.hosts[p.Name] = h
		mu.Unlock()
		return h.onThread(func() error { return writeSysctls(p.sysctls) })
	})
}

// each runs f for all items at once and returns the first error in their order:
// what fails on one host fails on all.
func each[T any](items []T, f func(T) error) error {
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { errs[i] = f(item) })
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// writeSysctls sets the calling thread's network parameters.
func writeSysctls(settings []setting) error {
	for _, s := range settings {
		err := os.WriteFile("/proc/sys/net/"+s.key, []byte(s.value), 0)
		if err != nil && s.instead != "" {
			err = os.WriteFile("/proc/sys/net/"+s.key, []byte(s.instead), 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
