// Package userfile reads the files that a user names to a program or leaves for
// it: never waiting, within bounds, with no more right than the user has, and,
// where nobody named the file and the program runs as root, only if no other
// user could have written it. It knows nothing of what the files are for.
package userfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Read returns what a regular file holds, but of more than most bytes only most
// and one. Anything else than a regular file is an error: it could wait for ever,
// or do something when it is opened. An error names the reason and no file.
func Read(name string, most int64) ([]byte, error) {
	f, err := open(name)
	if err != nil {
		return nil, Reason(err)
	}
	defer f.Close()
	return read(f, most)
}

// ReadTrusted is Read for a file that nobody named. To root it is a
// *ForeignError if another user could have written it.
func ReadTrusted(name string, most int64) ([]byte, error) {
	if err := Trusted(filepath.Dir(name)); err != nil {
		return nil, err
	}
	f, err := open(name)
	if err != nil {
		return nil, Reason(err)
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, whatever has the name by now
	if err != nil {
		return nil, Reason(err)
	}
	if err := trustedFile(name, info); err != nil {
		return nil, err
	}
	return read(f, most)
}

func read(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, Reason(err)
	}
	return data, nil
}

// ForeignError is why root does not take a file: another user could have written
// it.
type ForeignError struct {
	Path string // the file, or the folder above it or the link to it
	Why  string // what is wrong with it
}

func (e *ForeignError) Error() string { return fmt.Sprintf("%q %s", e.Path, e.Why) }

// List returns the names in a folder that end so, in order.
func List(dir, ending string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, Reason(err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ending) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// irregular says what a file is that is not a regular one.
func irregular(mode fs.FileMode) error {
	what := "it is no regular file"
	switch {
	case mode.IsDir():
		what = "it is a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "it is a FIFO, no regular file"
	case mode&fs.ModeSocket != 0:
		what = "it is a socket, no regular file"
	case mode&fs.ModeDevice != 0:
		what = "it is a device, no regular file"
	}
	return errors.New(what)
}

// Reason takes the operation and the path off an error that names them.
func Reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
