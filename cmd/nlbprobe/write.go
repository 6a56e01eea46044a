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
	"slices"
	"sync"
	"syscall"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// keeper is a Listener that keeps the frames that verdicts rest on, for --write,
// and passes everything on.
type keeper struct {
	event.Listener
	off bool // nothing was asked for: it passes on and keeps nothing

	mu       sync.Mutex
	facts    []evidence.Item // what no frame says, once for all VIPs
	frames   []*evidenceFrame
	known    map[*byte]*evidenceFrame // a frame may be evidence of several VIPs
	comments map[string]string        // each text once, whatever rests on it
}

// evidenceFrame is a frame with what is said of it.
type evidenceFrame struct {
	frame    evidence.Frame
	comments []string
	more     int // comments that were left out
}

// maxComments bounds what is said of one frame: with a thousand VIPs each of
// them rests on what all have in common.
const maxComments = 32

// keep keeps the frames of evidence, each once, with what was found in it.
func (k *keeper) keep(items []evidence.Item, findings []diagnose.Finding) {
	if k.off {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known, k.comments = make(map[*byte]*evidenceFrame), make(map[string]string)
	}
	comments := make([][]string, len(items))
	for _, finding := range findings {
		text := fmt.Sprintf("nlbprobe %s: %s: %s", finding.ID, finding.Severity, finding.Summary)
		if known, ok := k.comments[text]; ok {
			text = known
		} else {
			k.comments[text] = text
		}
		for _, i := range finding.Items {
			comments[i] = append(comments[i], text)
		}
	}
	for i := range items {
		it := &items[i]
		k.facts = addPlace(k.facts, *it)
		k.keepFrame(&it.Frame, comments[i])
		for n := range it.Again {
			k.keepFrame(&it.Again[n], comments[i])
		}
	}
}

func (k *keeper) keepFrame(frame *evidence.Frame, comments []string) {
	if len(frame.Data) == 0 {
		return
	}
	f := k.known[&frame.Data[0]]
	if f == nil {
		f = &evidenceFrame{frame: *frame}
		k.known[&frame.Data[0]] = f
		k.frames = append(k.frames, f)
	}
	for _, c := range comments {
		switch {
		case slices.Contains(f.comments, c):
		case len(f.comments) < maxComments:
			f.comments = append(f.comments, c)
		default:
			f.more++
		}
	}
}

// Result implements event.Listener.
func (k *keeper) Result(r event.Result) {
	if r.Diagnosis.Remote {
		k.Listener.Result(r) // of another subnet there are no frames, and its place is not that of the others
		return
	}
	k.keep(r.Items, r.Diagnosis.Findings)
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

// maxPlace bounds what is noted of this host's place: a note has room for some
// hundred VIPs.
const maxPlace = 400

// addPlace adds what no frame says, once for all VIPs, as it was known last.
func addPlace(facts []evidence.Item, it evidence.Item) []evidence.Item {
	switch it.Fact.(type) {
	case evidence.Vantage, evidence.Listened, evidence.Lost:
	default:
		return facts
	}
	i := slices.IndexFunc(facts, func(known evidence.Item) bool { return known.Fact == it.Fact })
	switch {
	case i < 0 && len(facts) < maxPlace:
		return append(facts, it)
	case i >= 0 && it.Count > facts[i].Count:
		facts[i] = it
	}
	return facts
}

// end makes the file that --write named, after a run that ended with err, and
// returns what is to be said of both.
func (k *keeper) end(name newFile, err error) error {
	werr := name.put(k.write)
	status, ok := errors.AsType[*statusError](err)
	switch {
	case werr == nil:
		return err
	case err == nil, ok && status.err == nil, errors.Is(err, syscall.EPIPE):
		return werr
	}
	return errors.Join(err, werr)
}

// write puts the frames in the order of their times, with the findings that rest
// on each as comments, and what was known of this host's place.
func (k *keeper) write(out io.Writer) error {
	slices.SortStableFunc(k.frames, func(a, b *evidenceFrame) int { return a.frame.Time.Compare(b.frame.Time) })
	w, err := capture.NewWriter(out, "nlbprobe "+version, k.facts)
	if err != nil {
		return err
	}
	for _, f := range k.frames {
		comments := f.comments
		if f.more > 0 {
			comments = append(slices.Clip(comments), fmt.Sprintf("nlbprobe: findings that rest on this frame too, left out: %d", f.more))
		}
		if err := w.Write(&f.frame, comments...); err != nil {
			return err
		}
	}
	return w.Flush()
}
