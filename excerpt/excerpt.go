// Package excerpt chooses the frames that verdicts rest on, and writes them to a
// capture, each with what was found in it. The same verdicts can be had from that
// capture again.
package excerpt

import (
	"fmt"
	"io"
	"slices"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
)

// Excerpt is the frames chosen so far. The zero value is empty. It is not safe for
// concurrent use.
type Excerpt struct {
	facts    []evidence.Item        // what no frame says, once for all VIPs
	place    map[evidence.Fact]int  // where among them
	kinds    map[evidence.Kind]int  // how many of each kind
	more     map[evidence.Fact]bool // those that were left out, as far as they are told apart
	frames   []*frame
	known    map[*byte]*frame  // a frame may be evidence of several VIPs
	comments map[string]string // each text once, whatever rests on it
}

// frame is a frame with what is said of it.
type frame struct {
	evidence.Frame
	comments []string
	more     int // comments that were left out
}

// MaxComments bounds what is said of one frame: with a thousand VIPs each of them
// rests on what all have in common.
const MaxComments = 32

// Add keeps the frames of evidence, each once, with what was found in it. The
// bytes of the frames are kept, not copied; findings name the items by index.
func (x *Excerpt) Add(items []evidence.Item, findings []finding.Finding) {
	if x.known == nil {
		x.known, x.comments = make(map[*byte]*frame), make(map[string]string)
		x.place, x.kinds, x.more = make(map[evidence.Fact]int), make(map[evidence.Kind]int), make(map[evidence.Fact]bool)
	}
	comments := make([][]string, len(items))
	for _, f := range findings {
		text := fmt.Sprintf("nlbprobe %s: %s: %s", f.ID, f.Severity, f.Summary)
		if known, ok := x.comments[text]; ok {
			text = known
		} else {
			x.comments[text] = text
		}
		for _, i := range f.Items {
			comments[i] = append(comments[i], text)
		}
	}
	for i := range items {
		it := &items[i]
		x.addPlace(*it)
		x.addFrame(&it.Frame, comments[i])
		for n := range it.Again {
			x.addFrame(&it.Again[n], comments[i])
		}
	}
}

func (x *Excerpt) addFrame(from *evidence.Frame, comments []string) {
	if len(from.Data) == 0 {
		return
	}
	f := x.known[&from.Data[0]]
	if f == nil {
		f = &frame{Frame: *from}
		x.known[&from.Data[0]] = f
		x.frames = append(x.frames, f)
	}
	for _, c := range comments {
		switch {
		case slices.Contains(f.comments, c):
		case len(f.comments) < MaxComments:
			f.comments = append(f.comments, c)
		default:
			f.more++
		}
	}
}

// MaxFacts is the most facts of one kind about this host's place: so many a reader of
// the file takes.
const MaxFacts = capture.MaxFacts

// addPlace adds what no frame says, once for all VIPs, as it was known last.
func (x *Excerpt) addPlace(it evidence.Item) {
	switch it.Fact.(type) {
	case evidence.Vantage, evidence.Listened, evidence.Lost:
	default:
		return
	}
	i, known := x.place[it.Fact]
	k := it.Fact.Kind()
	switch {
	case known && it.Count > x.facts[i].Count:
		x.facts[i] = it
	case known:
	case x.kinds[k] < MaxFacts:
		x.place[it.Fact] = len(x.facts)
		x.kinds[k]++
		x.facts = append(x.facts, it)
	case len(x.more) < MaxFacts:
		x.more[it.Fact] = true
	}
}

// LeftOut is how many different facts about this host's place found no room, of each
// kind what is beyond MaxFacts; many reports that there are more than that. A
// reader of the file does not judge the VIPs that they name.
func (x *Excerpt) LeftOut() (n int, many bool) {
	return len(x.more), len(x.more) == MaxFacts
}

// Len returns how many frames are kept.
func (x *Excerpt) Len() int { return len(x.frames) }

// Write writes a pcapng in the name of a program: the frames in the order of their
// times, with the findings that rest on each as comments, and what was known of
// this host's place as a note.
func (x *Excerpt) Write(out io.Writer, program string) error {
	slices.SortStableFunc(x.frames, func(a, b *frame) int { return a.Time.Compare(b.Time) })
	w, err := capture.NewWriter(out, program, x.facts)
	if err != nil {
		return err
	}
	for _, f := range x.frames {
		comments := f.comments
		if f.more > 0 {
			comments = append(slices.Clip(comments), fmt.Sprintf("nlbprobe: findings that rest on this frame too, left out: %d", f.more))
		}
		if err := w.Write(&f.Frame, comments...); err != nil {
			return err
		}
	}
	return w.Flush()
}
