package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/report"
	"github.com/nlbprobe/nlbprobe/templates"
	"github.com/nlbprobe/nlbprobe/userfile"
)

// ownPlatforms is where a user's platform files are found without a flag, below
// the system's folder for configuration.
const ownPlatforms = "nlbprobe/platforms"

// platformFiles is where platforms come from beside those built in.
type platformFiles struct {
	named []string  // folders that a flag names; a later one goes before an earlier one
	notes io.Writer // is told of what is passed over; nil where nobody is

	mu      *sync.Mutex       // of what follows; nil where one goroutine uses it
	own     *templates.Folder // the files that need no flag, once they were read
	ownDir  string            // where they are
	pending []string          // what is to be told of them
	set     *templates.Set    // once it was asked for
	told    bool              // which files were passed over
}

// lock returns what unlocks again.
func (p *platformFiles) lock() func() {
	if p.mu == nil {
		return func() {}
	}
	p.mu.Lock()
	return p.mu.Unlock
}

// load returns all platforms. What is found without a flag is no reason to stop:
// a file that cannot be taken, or a folder, is noted and passed over. So is a
// faulty file of a folder that was named; its error comes if its platform is
// asked for.
func (p *platformFiles) load() (*templates.Set, error) {
	defer p.lock()()
	if p.set != nil {
		return p.set, nil
	}
	set, err := p.read(p.readOwn())
	for _, text := range p.pending {
		p.note("passed over: %s", text)
	}
	return set, err
}

// prepare reads the files that need no flag, which takes the rights of the start.
func (p *platformFiles) prepare() {
	defer p.lock()()
	p.readOwn()
}

// beside returns the platforms that one is checked beside: those built in and
// those of the folders that were named.
func (p *platformFiles) beside() (*templates.Set, error) {
	defer p.lock()()
	return p.read()
}

func (p *platformFiles) read(folders ...templates.Folder) (*templates.Set, error) {
	for _, dir := range p.named {
		folder, err := namedFolder(dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, folder)
	}
	p.set = templates.Load(folders...)
	return p.set, nil
}

// noteFaulty names the files that were passed over, once.
func (p *platformFiles) noteFaulty() {
	defer p.lock()()
	if p.told || p.set == nil {
		return
	}
	p.told = true
	for _, f := range p.set.Faulty() {
		text, more, _ := strings.Cut(f.Error(), "\n")
		if n := strings.Count(more, "\n") + 1; more != "" {
			text += fmt.Sprintf(" (and more, %d in all: nlbprobe platforms --check FILE)", n+1)
		}
		p.note("passed over: %s", text)
	}
}

// later keeps a note until platforms are needed: only then is it of interest.
func (p *platformFiles) later(format string, args ...any) {
	p.pending = append(p.pending, fmt.Sprintf(format, args...))
}

func (p *platformFiles) note(format string, args ...any) {
	if p.notes != nil {
		fmt.Fprintf(p.notes, "nlbprobe: %s\n", report.Clean(fmt.Sprintf(format, args...)))
	}
}

// noteOrigins names the files that lines are from although no flag named their
// folder, each once.
func (p *platformFiles) noteOrigins(configs []templates.Config) {
	var told []string
	for _, c := range configs {
		if c.File != "" && c.Text != "" && filepath.Dir(c.File) == p.ownDir && !slices.Contains(told, c.File) {
			told = append(told, c.File)
			p.note("%s: the lines are from the file %s", c.Platform, c.File)
		}
	}
}

// namedFolder reads a folder that a flag names, as whoever called the program.
func namedFolder(dir string) (folder templates.Folder, err error) {
	err = userfile.AsCaller(func() error {
		return guard.Safely(func() error {
			folder, err = readFolder(dir, userfile.Read)
			return err
		})
	})
	if err != nil {
		return folder, fmt.Errorf("platform folder %q cannot be read: %w", dir, err)
	}
	return folder, nil
}

// readFolder reads the platform files of a folder.
func readFolder(dir string, read func(name string, most int64) ([]byte, error)) (templates.Folder, error) {
	var folder templates.Folder
	names, err := userfile.List(dir, ".yaml")
	if err != nil {
		return folder, err
	}
	for _, name := range names {
		f := templates.File{Name: filepath.Join(dir, name)}
		f.Data, f.Err = read(f.Name, templates.MaxFile)
		folder.Files = append(folder.Files, f)
	}
	return folder, nil
}

// readOwn reads the folder that needs no flag, once. Root takes nothing from it that
// another user could have put there: below sudo it may be the folder of the user
// who called it, whose lines would be printed as root's.
func (p *platformFiles) readOwn() templates.Folder {
	if p.own == nil {
		folder := p.find()
		p.own = &folder
	}
	return *p.own
}

func (p *platformFiles) find() templates.Folder {
	base, err := os.UserConfigDir()
	if err != nil {
		return templates.Folder{} // no home, so no folder there
	}
	dir := filepath.Join(base, filepath.FromSlash(ownPlatforms))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return templates.Folder{}
	}
	if err := userfile.Trusted(dir); err != nil {
		if names, lerr := userfile.List(dir, ".yaml"); lerr == nil && len(names) > 0 {
			p.later("the platform files in %q: root takes none that another user could have put there, and %v; --platform-dir takes them all the same", dir, err)
		}
		return templates.Folder{}
	}
	p.ownDir = dir
	folder, err := readFolder(dir, userfile.ReadTrusted)
	if err != nil {
		p.later("the platform folder %q: %v", dir, err)
	}
	folder.Files = slices.DeleteFunc(folder.Files, func(f templates.File) bool {
		e, foreign := errors.AsType[*userfile.ForeignError](f.Err)
		if foreign {
			p.later("a platform file: root takes none that another user could have written, and %v; --platform-dir takes it all the same", e)
		}
		return foreign
	})
	return folder
}
