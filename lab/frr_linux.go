package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nlbprobe/nlbprobe/igmp"
)

// frrFolders are where distributions keep the daemons of FRR (frrouting.org).
var frrFolders = []string{"/usr/lib/frr", "/usr/libexec/frr", "/usr/local/lib/frr"}

// frrRun is where FRR's daemons and vtysh meet.
const frrRun = "/run/frr"

// missing returns an error that wraps ErrMissing where this machine lacks a
// program that a scenario needs.
func missing(s *Scenario) error {
	for i := range s.Routers {
		for _, d := range frrDaemons(&s.Routers[i]) {
			if _, err := frrProgram(d.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// A frrDaemon is one program of FRR with its configuration.
type frrDaemon struct {
	name, config string
}

// frrDaemons returns what a router runs of FRR, in the order of starting; none
// for one that needs nothing of it.
func frrDaemons(r *Router) []frrDaemon {
	zebra := frrDaemon{name: "zebra"}
	var all []frrDaemon
	if q := r.Querier; q != nil {
		// The order counts: a response time must be less than the interval that
		// holds at that moment.
		all = append(all, zebra, frrDaemon{"pimd", fmt.Sprintf("interface eth0\n"+
			" ip igmp\n ip igmp version %d\n ip igmp query-max-response-time %d\n ip igmp query-interval %d\n",
			q.Version, r.Timers.Response/(100*time.Millisecond), r.Timers.Interval/time.Second)})
	}
	if v := r.VRRP; v != nil && v.Elected {
		if len(all) == 0 {
			all = append(all, zebra)
		}
		all = append(all, frrDaemon{"vrrpd", fmt.Sprintf("interface eth0\n"+
			" vrrp %d version 3\n vrrp %d priority %d\n vrrp %d ip %s\n", v.ID, v.ID, v.Priority, v.ID, v.Address)})
	}
	return all
}

func frrProgram(name string) (string, error) {
	for _, folder := range frrFolders {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s of FRR is not in %s; install the package frr", ErrMissing, name, strings.Join(frrFolders, ", "))
}

// startFRR runs a router's daemons of FRR in its network. They listen when it
// returns, and a querier has asked.
func (l *Lab) startFRR(ctx, background context.Context, r *Router) error {
	daemons := frrDaemons(r)
	if len(daemons) == 0 {
		return nil
	}
	var queries *queryListener
	if r.Querier != nil {
		var err error
		if queries, err = l.listenForQueries(r.Name); err != nil {
			return fmt.Errorf("listening for the queries of %s: %w", r.Name, err)
		}
		defer queries.close()
	}
	h := l.hosts[r.Name]
	if err := h.onThread(frrFiles(daemons)); err != nil {
		return fmt.Errorf("preparing %s for FRR: %w", r.Name, err)
	}
	for _, d := range daemons {
		if err := l.startDaemon(ctx, background, r.Name, d.name); err != nil {
			return fmt.Errorf("starting %s on %s: %w", d.name, r.Name, err)
		}
	}
	if queries == nil {
		return nil
	}
	if err := l.await(ctx, queries.heard); err != nil {
		return fmt.Errorf("waiting for a query of %s: %w", r.Name, err)
	}
	if l.scenario.Switch.Snooping {
		return pause(ctx, r.Timers.Response) // as in ask
	}
	return nil
}

// frrFiles gives the host of the calling thread, in its own mounts, an empty
// folder for FRR's sockets and one with its configuration. FRR insists on a
// user that is in a group of its own making; here root is, in group 0, which
// also exists where a user namespace knows no other.
func frrFiles(daemons []frrDaemon) func() error {
	return func() error {
		const groups = "root:x:0:\nfrrvty:x:0:root\nfrr:x:0:root\n"
		if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mounting /run: %w", err)
		}
		files := map[string]string{"/run/group": groups, frrRun + "/vtysh.conf": ""}
		for _, d := range daemons {
			files[frrRun+"/"+d.name+".conf"] = d.config
		}
		if err := os.Mkdir(frrRun, 0o755); err != nil {
			return err
		}
		for name, text := range files {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				return err
			}
		}
		if err := unix.Mount("/run/group", "/etc/group", "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting /etc/group: %w", err)
		}
		// vtysh wants its configuration there. A build for another folder does
		// without.
		if err := unix.Mount(frrRun, "/etc/frr", "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("mounting /etc/frr: %w", err)
		}
		return nil
	}
}

// startDaemon starts one program and waits until it listens. It ends with
// background: as a child of the host's thread, with the lab's own process.
func (l *Lab) startDaemon(ctx, background context.Context, host, name string) error {
	path, err := frrProgram(name)
	if err != nil {
		return err
	}
	// Without a port for telnet and as the only user that there surely is.
	c := l.Command(background, host, path, "-u", "root", "-g", "root", "-P", "0",
		"-f", frrRun+"/"+name+".conf", "-i", frrRun+"/"+name+".pid")
	c.Dir = "/"
	said := &tail{}
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	l.running.Go(func() {
		_ = c.Wait() // killed, as a rule
		close(ended)
	})
	socket := frrRun + "/" + name + ".vty"
	if name == "zebra" {
		socket = frrRun + "/zserv.api"
	}
	return l.await(ctx, func() (bool, error) {
		select {
		case <-ended:
			return false, fmt.Errorf("it ended: %s", said)
		default:
		}
		err := l.hosts[host].onThread(func() error { _, err := os.Stat(socket); return err })
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	})
}

// elect returns when each virtual router that FRR runs has one master.
func (l *Lab) elect(ctx context.Context) error {
	stoodBy := map[string]bool{}
	return l.await(ctx, func() (bool, error) {
		masters, groups := map[byte]int{}, map[byte]bool{}
		ready := true
		for i := range l.scenario.Routers {
			r := &l.scenario.Routers[i]
			if r.VRRP == nil || !r.VRRP.Elected {
				continue
			}
			groups[r.VRRP.ID] = true
			// FRR takes the interface down when it begins, as a backup.
			up, err := l.carries(r)
			if err != nil {
				return false, err
			}
			if !up {
				stoodBy[r.Name] = true
			}
			ready = ready && stoodBy[r.Name]
			if up && stoodBy[r.Name] {
				masters[r.VRRP.ID]++
			}
		}
		for id := range groups {
			ready = ready && masters[id] == 1
		}
		return ready, nil
	})
}

// carries reports whether a router has its virtual router's interface up.
func (l *Lab) carries(r *Router) (up bool, err error) {
	err = l.hosts[r.Name].onThread(func() error {
		dev, err := netlink.LinkByName(virtualName(r.VRRP))
		if err != nil {
			return err
		}
		up = dev.Attrs().RawFlags&unix.IFF_RUNNING != 0
		return nil
	})
	return up, err
}

// queryListener hears the queries that come from one port of the switch.
type queryListener struct{ fd int }

// listenForQueries listens from now on.
func (l *Lab) listenForQueries(port string) (*queryListener, error) {
	q := &queryListener{fd: -1}
	err := l.Do(Switch, func() error {
		dev, err := net.InterfaceByName(port)
		if err != nil {
			return err
		}
		// A socket for IPv4 alone would come after the bridge, which takes all.
		every := networkOrder(unix.ETH_P_ALL)
		q.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(every))
		if err != nil {
			return err
		}
		return unix.Bind(q.fd, &unix.SockaddrLinklayer{Protocol: every, Ifindex: dev.Index})
	})
	if err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

// networkOrder returns the number whose bytes in memory are n in network order.
func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

func (q *queryListener) close() {
	if q.fd >= 0 {
		unix.Close(q.fd)
	}
}

// heard reports whether a query has come.
func (q *queryListener) heard() (bool, error) {
	b := make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(q.fd, b, 0)
		if errors.Is(err, unix.EAGAIN) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		const shortest, protocol = 20, 9 // of an IPv4 header; where it says what follows
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Protocol != networkOrder(unix.ETH_P_IP) || n < shortest || b[protocol] != unix.IPPROTO_IGMP {
			continue
		}
		header := int(b[0]&0x0f) * 4
		if m, err := igmp.Parse(b[min(header, n):n]); err == nil && m.Type == igmp.Query {
			return true, nil
		}
	}
}

// tail keeps the last of what a program says, on one line.
type tail struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	const most = 300
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(t.text)), " ")
}
