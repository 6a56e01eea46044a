//go:build unix

package userfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// open opens a regular file. It looks before it opens, as a device may act on
// that, and again at what it has opened, as another file may have got the name
// meanwhile; a FIFO opened so does not wait.
func open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(info.Mode())
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = irregular(info.Mode())
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// Trusted returns nil unless the program runs as root and another user could have
// put something into a folder or in the place of it: each folder on the way from
// the root belongs to root and is writable by nobody else, or is one like /tmp,
// in which nobody can take the place of what is root's; so is each folder on the
// way of a symbolic link, and the link itself is root's.
func Trusted(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Reason(err)
	}
	const mostLinks = 40 // as the kernel has it
	todo := strings.Split(dir, "/")
	at, links := "/", 0
	if err := trustedFolder(at); err != nil {
		return err
	}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		if err != nil {
			return fmt.Errorf("%q: %w", next, Reason(err))
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			if err := trustedFolder(at); err != nil {
				return err
			}
			continue
		}
		if !rootOwns(info) {
			return foreignOwner(next, info)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return fmt.Errorf("%q: %w", next, Reason(err))
		}
		if links++; links > mostLinks {
			return fmt.Errorf("%q: %w", next, syscall.ELOOP)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return nil
}

// others is the right to write of the group and of everybody. That of an access
// control list shows as the group's.
const others = 0o022

// trustedFolder judges one folder by itself.
func trustedFolder(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("%q: %w", dir, Reason(err))
	case !rootOwns(info):
		return foreignOwner(dir, info)
	case info.Mode().Perm()&others != 0 && info.Mode()&fs.ModeSticky == 0:
		return &ForeignError{Path: dir, Why: "can be written by others"}
	}
	return nil
}

// trustedFile judges a file that was opened, in a trusted folder.
func trustedFile(name string, info fs.FileInfo) error {
	switch {
	case os.Geteuid() != 0:
		return nil
	case !rootOwns(info):
		return foreignOwner(name, info)
	case info.Mode().Perm()&others != 0:
		return &ForeignError{Path: name, Why: "can be written by others"}
	}
	return nil
}

// rootOwns reports whether a file is root's, or is owned as the root of the file
// system is: whoever that is can change every file. In a user namespace that is
// an owner without a number of its own.
func rootOwns(info fs.FileInfo) bool {
	uid := owner(info)
	if uid == 0 {
		return true
	}
	root, err := os.Lstat("/")
	return err == nil && info.IsDir() && uid == owner(root)
}

func owner(info fs.FileInfo) uint32 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Uid
	}
	return 1 // nobody that is trusted
}

func foreignOwner(path string, info fs.FileInfo) error {
	return &ForeignError{Path: path, Why: fmt.Sprintf("belongs to user %d", owner(info))}
}
