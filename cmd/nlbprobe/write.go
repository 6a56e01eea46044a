package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// keeper is a listener that keeps the frames that verdicts rest on, for --write,
// and passes everything on.
type keeper struct {
	listener
	mu   sync.Mutex
	kept []judged
}

// judged is evidence with what was found in it.
type judged struct {
	items    []evidence.Item
	findings []diagnose.Finding
}

// keep keeps evidence.
func (k *keeper) keep(items []evidence.Item, findings []diagnose.Finding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, judged{items, findings})
}

func (k *keeper) result(j job, r check.Result) {
	k.keep(r.Items, r.Diagnosis.Findings)
	k.listener.result(j, r)
}

// createEvidence opens the file for --write, before anything is sent, so that a
// name that cannot be written is said at once. An existing file is not touched:
// it may be somebody's evidence.
func createEvidence(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("--write %q: the file exists; name another", clip(name))
	case err != nil:
		return nil, fmt.Errorf("--write %q: %w", clip(name), errors.Unwrap(err))
	}
	return f, nil
}

// evidenceFrame is a frame with what is said of it.
type evidenceFrame struct {
	frame    *evidence.Frame
	comments []string
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

// write puts the frames in the order of their times, each once, with the
// findings that rest on it as comments, and what was known of this host's place.
func (k *keeper) write(f *os.File) error {
	var (
		facts  []evidence.Item
		frames []evidenceFrame
		place  = make(map[*byte]int) // a frame of several VIPs' evidence is written once
	)
	for _, r := range k.kept {
		comments := make([][]string, len(r.items))
		for _, finding := range r.findings {
			for _, i := range finding.Items {
				comments[i] = append(comments[i], fmt.Sprintf("nlbprobe %s: %s: %s", finding.ID, finding.Severity, finding.Summary))
			}
		}
		for i := range r.items {
			it := &r.items[i]
			facts = addPlace(facts, *it)
			for n := -1; n < len(it.Again); n++ {
				frame := &it.Frame
				if n >= 0 {
					frame = &it.Again[n]
				}
				if len(frame.Data) == 0 {
					continue
				}
				at, known := place[&frame.Data[0]]
				if !known {
					at = len(frames)
					place[&frame.Data[0]] = at
					frames = append(frames, evidenceFrame{frame: frame})
				}
				for _, c := range comments[i] {
					if !slices.Contains(frames[at].comments, c) {
						frames[at].comments = append(frames[at].comments, c)
					}
				}
			}
		}
	}
	slices.SortStableFunc(frames, func(a, b evidenceFrame) int {
		return a.frame.Time.Compare(b.frame.Time)
	})
	out := bufio.NewWriter(f)
	w, err := capture.NewWriter(out, "nlbprobe "+version, facts)
	if err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	for _, e := range frames {
		if err := w.Write(e.frame, e.comments...); err != nil {
			return fmt.Errorf("--write: %w", err)
		}
	}
	if err := errors.Join(w.Flush(), out.Flush(), f.Close()); err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	return nil
}
