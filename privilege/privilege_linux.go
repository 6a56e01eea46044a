package privilege

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Drop makes the whole process, each of its threads, the user of the identity if
// it is root, takes every capability off it, and sees to it that no program it
// starts gains any (no_new_privs). An identity of root stays root, and has no more
// right than the owner of root's files. Where the system does not let it become
// another user, as in a user namespace without one, it stays who it is and loses
// its capabilities all the same.
//
// The error says which capabilities are left. In a binary with cgo no_new_privs
// is not set, nor are capabilities taken that do not go with root.
func Drop(to Identity) error {
	if to.UID != 0 && (unix.Getuid() == 0 || unix.Geteuid() == 0) {
		// Each of these may be refused; what counts is what is left at the end. The
		// kernel takes all capabilities when the last user number of root's goes.
		_ = syscall.Setgroups(nil)
		_ = syscall.Setresgid(to.GID, to.GID, to.GID)
		_ = syscall.Setresuid(to.UID, to.UID, to.UID)
	}
	_, _, _ = syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	left, err := capabilities()
	if err != nil || left == 0 {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
	if left, err = capabilities(); err != nil || left == 0 {
		return err
	}
	return fmt.Errorf("give up the capabilities %#x: %w", left, errno)
}

// capabilities are those that the process has, may take, or hands on, a bit each.
func capabilities() (uint64, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, fmt.Errorf("read the capabilities: %w", err)
	}
	low := data[0].Effective | data[0].Permitted | data[0].Inheritable
	high := data[1].Effective | data[1].Permitted | data[1].Inheritable
	return uint64(high)<<32 | uint64(low), nil
}
