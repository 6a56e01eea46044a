package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/excerpt"
	"github.com/nlbprobe/nlbprobe/finding"
)

// frameRecorder is a Listener that keeps the frames that verdicts rest on, for --write,
// and passes everything on.
type frameRecorder struct {
	event.Listener
	off  bool      // nothing was asked for: it passes on and keeps nothing
	errs io.Writer // is told what the file has no room for

	mu      sync.Mutex
	excerpt excerpt.Excerpt
}

// keep keeps the frames of evidence with what was found in them.
func (k *frameRecorder) keep(items []evidence.Item, findings []finding.Finding) {
	if k.off {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.excerpt.Add(items, findings)
}

// Result implements event.Listener.
func (k *frameRecorder) Result(r event.Result) {
	if !r.Diagnosis.Remote { // of another subnet there are no frames, and its place is not that of the others
		k.keep(r.Items, r.Diagnosis.Findings)
	}
	k.Listener.Result(r)
}

// newFile is a flag that names a file to make; it implements pflag.Value.
type newFile string

// Set takes a file's name.
func (n *newFile) Set(s string) error {
	switch s {
	case "":
		return errors.New("an empty name; give one for a new file, as evidence.pcapng")
	case "-":
		return errors.New("standard output has the report; name a new file, as evidence.pcapng")
	}
	*n = newFile(s)
	return nil
}

// String is the default if none was set: nothing.
func (n *newFile) String() string { return string(*n) }

// Type is what the flag library calls the value.
func (n *newFile) Type() string { return "string" }

// checkNew finds out before anything is sent whether a file of that name can be
// made, and leaves nothing behind: whatever ends the run before the evidence is
// whole, no empty file takes the name. A file that exists is not touched: it may
// be somebody's evidence.
func (n newFile) checkNew() error {
	_, err := os.Lstat(string(n))
	switch {
	case err == nil:
		return n.exists()
	case !errors.Is(err, fs.ErrNotExist):
		return n.fault(err)
	case os.IsPathSeparator(n[len(n)-1]):
		return fmt.Errorf("--write %q names a folder; name a file in it", clip(string(n)))
	}
	f, err := n.beside()
	if err != nil {
		return n.fault(err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return n.fault(err)
	}
	return nil
}

func (n newFile) exists() error {
	return fmt.Errorf("--write %q: the file exists; name another", clip(string(n)))
}

// fault says what went wrong with the file, and not that it had another name for
// a while.
func (n newFile) fault(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("--write %q: %w", clip(string(n)), err)
}

// beside makes a new file in the folder of n, of a name that nobody has.
func (n newFile) beside() (*os.File, error) {
	name := fmt.Sprintf(".nlbprobe-%016x", rand.Uint64())
	return os.OpenFile(filepath.Join(filepath.Dir(string(n)), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

// put makes the file with what content writes. It has its name once it is whole,
// and no file that got the name meanwhile is touched.
func (n newFile) put(content func(io.Writer) error) error {
	f, err := n.beside()
	if err != nil {
		return n.fault(err)
	}
	if err := fill(f, content); err != nil {
		return n.fault(err)
	}
	err = os.Link(f.Name(), string(n))
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("--write %q: a file of that name was made meanwhile; the evidence is in %q", clip(string(n)), f.Name())
	default: // a file system without links
		var last *os.File
		if last, err = os.OpenFile(string(n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			err = fill(last, content)
		}
	}
	_ = os.Remove(f.Name())
	if err != nil {
		return n.fault(err)
	}
	return nil
}

// fill writes the content of a new file, and removes the file if not all of it
// could be written.
func fill(f *os.File, content func(io.Writer) error) error {
	out := bufio.NewWriter(f)
	err := content(out)
	if err == nil {
		err = out.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// end makes the file that --write named, after a run that ended with err, and
// returns what is to be said of both.
func (k *frameRecorder) end(name newFile, err error) error {
	werr := name.put(func(out io.Writer) error { return k.excerpt.Write(out, "nlbprobe "+version) })
	status, ok := errors.AsType[*statusError](err)
	if n, many := k.excerpt.LeftOut(); n > 0 && werr == nil {
		more := ""
		if many {
			more = "or more "
		}
		fmt.Fprintf(k.errs, "nlbprobe: --write %q holds %d facts of a kind on where it was taken, the most there can be; %d %swere left out: VIPs that only those name are not judged from it\n",
			clip(string(name)), excerpt.MaxFacts, n, more)
	}
	switch {
	case werr == nil:
		return err
	case err == nil, ok && status.err == nil, errors.Is(err, syscall.EPIPE):
		return werr
	}
	return errors.Join(err, werr)
}
