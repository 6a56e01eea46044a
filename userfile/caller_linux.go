package userfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// caller is the user who had a program run as root, as sudo, doas and pkexec
// tell, or a program that is root's by its file.
type caller struct {
	UID, GID int
	groups   []int
}

// called returns the caller, or nil if the program has no more right than the
// user who called it, or nobody else is known to have called it.
func called() (*caller, error) {
	if uid := os.Getuid(); uid != os.Geteuid() {
		return newCaller(strconv.Itoa(uid))
	}
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range [...]string{"SUDO_UID", "PKEXEC_UID"} {
		if uid := os.Getenv(name); uid != "" {
			return newCaller(uid)
		}
	}
	if name := os.Getenv("DOAS_USER"); name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return nil, fmt.Errorf("whoever called doas: %w", err)
		}
		return newCaller(u.Uid)
	}
	return nil, nil
}

// newCaller finds out the groups of a user. One that stands in no table has none
// but that of sudo's word.
func newCaller(uid string) (*caller, error) {
	n, err := strconv.ParseUint(uid, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("whoever called this program: %q is no number of a user", uid)
	}
	if n == 0 {
		return nil, nil
	}
	c := &caller{UID: int(n), GID: int(n)}
	if gid, err := strconv.ParseUint(os.Getenv("SUDO_GID"), 10, 31); err == nil {
		c.GID = int(gid)
	}
	u, err := user.LookupId(uid)
	if err != nil {
		return c, nil // a user of a directory service that this program does not ask
	}
	if gid, err := strconv.ParseUint(u.Gid, 10, 31); err == nil {
		c.GID = int(gid)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return c, nil
	}
	for _, id := range ids {
		if gid, err := strconv.ParseUint(id, 10, 31); err == nil {
			c.groups = append(c.groups, int(gid))
		}
	}
	return c, nil
}

// AsCaller runs f with the rights to files of the user who called the program by
// sudo, doas or pkexec, or as it is if that is nobody else. A user who may run the
// program alone as root reads no more files by it than without. f must not start
// goroutines that open files.
func AsCaller(f func() error) error {
	c, err := called()
	if err != nil {
		return err
	}
	if c == nil {
		return f()
	}
	done := make(chan error)
	go func() {
		// The rights are those of this thread alone, which ends with the goroutine
		// as it is never unlocked.
		runtime.LockOSThread()
		if err := c.become(); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	if err := <-done; err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%w for user %d, who called this program as root", err, c.UID)
		}
		return err
	}
	return nil
}

// become gives the calling thread the caller's rights to files. The kernel takes
// root's rights to pass over the bits of files off it as well.
func (c *caller) become() error {
	if err := unix.Setgroups(c.groups); err != nil {
		return fmt.Errorf("taking the groups of user %d: %w", c.UID, err)
	}
	// Neither call tells whether it worked but by what a second one returns.
	const ask = -1
	if _, err := unix.SetfsgidRetGid(c.GID); err != nil {
		return fmt.Errorf("taking the group of user %d: %w", c.UID, err)
	}
	if _, err := unix.SetfsuidRetUid(c.UID); err != nil {
		return fmt.Errorf("taking the rights of user %d: %w", c.UID, err)
	}
	gid, gidErr := unix.SetfsgidRetGid(ask)
	uid, uidErr := unix.SetfsuidRetUid(ask)
	if gidErr != nil || uidErr != nil || gid != c.GID || uid != c.UID {
		return fmt.Errorf("this system does not give the rights of user %d", c.UID)
	}
	return nil
}
