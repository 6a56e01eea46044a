package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/nlbprobe/nlbprobe/lab"
)

// lifelineFD is the descriptor by which the process inside hears from the one
// outside: a request as JSON, then one byte per signal. Its end means that
// nobody waits any more.
const lifelineFD = 3

// enter starts this program again as the first process of its own namespaces,
// where it builds the lab and runs the command, and returns the command's
// status as a statusError.
func enter(r request, io stdio, signals <-chan os.Signal) error {
	// The kernel kills the process inside together with this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("opening a pipe: %w", err)
	}
	defer writer.Close()
	defer reader.Close()

	var cmd *exec.Cmd
	asUser := os.Geteuid() != 0
	for {
		cmd = exec.Command("/proc/self/exe", insideName)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = io.in, io.out, io.err
		cmd.ExtraFiles = []*os.File{reader}
		if err := lab.Isolate(cmd, asUser); err != nil {
			return err
		}
		err = cmd.Start()
		// Root of a container may lack the right and still be allowed a user
		// namespace.
		if !asUser && errors.Is(err, fs.ErrPermission) {
			asUser = true
			continue
		}
		break
	}
	if err != nil {
		return notAllowed(err)
	}
	reader.Close()
	// A process inside that ends early closes the pipe: its status tells why.
	if err := json.NewEncoder(writer).Encode(r); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("handing over the scenario: %w", err)
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if number, ok := s.(syscall.Signal); ok {
					_, _ = writer.Write([]byte{byte(number)}) // fails once inside has ended
				}
			case <-done:
				return
			}
		}
	}()
	err = cmd.Wait()
	close(done)
	if status := statusOf(cmd, err); status != 0 {
		return statusError(status)
	}
	return nil
}

// statusOf returns the exit status of a command that has been waited for, as a
// shell gives it.
func statusOf(cmd *exec.Cmd, err error) int {
	if cmd.ProcessState == nil {
		return exitUnknown
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 || err == nil {
		return code
	}
	return exitUnknown // it ended well, but its output could not be written
}

// notAllowed says what to do where the kernel refuses namespaces.
func notAllowed(err error) error {
	return fmt.Errorf("this system gives uid %d no namespaces for a lab (%w): run nlblab as root, "+
		"or let an administrator allow user namespaces (sysctl user.max_user_namespaces, "+
		"kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)", os.Geteuid(), err)
}
