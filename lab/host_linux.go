package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A host is one network namespace and a thread that lives in it.
type host struct {
	Host
	ns   *os.File      // the network namespace
	work chan func()   // runs on the host's thread
	quit chan struct{} // closed to end the thread
	done chan struct{} // closed when it has ended
}

// newHost makes a namespace and its thread.
func newHost(name string) (*host, error) {
	h := &host{Host: Host{Name: name}, work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error)
	go onOwnThread(func() {
		defer close(h.done)
		if err := h.enter(); err != nil {
			ready <- err
			return
		}
		close(ready)
		for {
			select {
			case f := <-h.work:
				f()
			case <-h.quit:
				return
			}
		}
	})
	if err := <-ready; err != nil {
		<-h.done
		return nil, err
	}
	return h, nil
}

// enter makes the namespaces of a host and puts the calling thread into them.
// Apart from the network they are a courtesy to commands: a host name of its
// own in the prompt, and a /sys that shows the host's interfaces.
func (h *host) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("making the namespaces of %s: %w", h.Name, err)
	}
	var err error
	if h.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return fmt.Errorf("making the namespaces of %s: %w", h.Name, err)
	}
	if err := unix.Sethostname([]byte(h.Name)); err != nil {
		return fmt.Errorf("naming %s: %w", h.Name, err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts of %s private: %w", h.Name, err)
	}
	// In a container that hides parts of /sys the kernel refuses this; all but
	// a look into /sys/class/net works without.
	_ = unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	return nil
}

// onThread runs f on the host's thread and waits for it.
func (h *host) onThread(f func() error) error {
	result := make(chan error, 1)
	select {
	case h.work <- func() { result <- f() }:
		return <-result
	case <-h.done:
		return errClosed
	}
}

// do runs f on a thread of its own within the namespace, so that f may block.
func (h *host) do(f func() error) error {
	result := make(chan error, 1)
	go onOwnThread(func() {
		if err := unix.Setns(int(h.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("entering the network of %s: %w", h.Name, err)
			return
		}
		result <- f()
	})
	return <-result
}

// close ends the thread, and with it the commands that it started.
func (h *host) close() error {
	close(h.quit)
	<-h.done
	return h.ns.Close()
}

// onOwnThread runs f on a thread that ends with it and never returns to the
// pool, where it would carry its namespaces to other goroutines. The process's
// first thread cannot end, and /proc shows its namespaces as the process's, so
// f is kept off it.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return // without unlocking: the thread ends here
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
	runtime.UnlockOSThread()
}

var errClosed = errors.New("the lab is closed")
