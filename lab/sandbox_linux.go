package lab

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Isolate prepares a command to start as the first process of namespaces of
// its own, in which it may start labs: when it ends, the kernel ends all that
// it started. With asUser it also becomes root of a new user namespace, which
// needs no right where the kernel allows it. The command calls [Settle] first.
//
// The thread that starts the command must outlive it: the kernel kills the
// command with the thread.
func Isolate(c *exec.Cmd, asUser bool) error {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Pdeathsig = unix.SIGKILL
	c.SysProcAttr.Cloneflags |= unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	if asUser {
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return nil
}

// Settle makes the mounts of an isolated process its own: /proc shows its
// processes, /run is empty.
func Settle() error {
	if os.Getpid() != 1 {
		return fmt.Errorf("process %d is not the first of its namespace", os.Getpid())
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return unsupported(fmt.Errorf("making mounts private: %w", err))
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return unsupported(fmt.Errorf("mounting /proc: %w", err))
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return unsupported(fmt.Errorf("mounting /run: %w", err))
	}
	return nil
}
