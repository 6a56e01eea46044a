package templates

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/platforms"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// Folder is the platform files of one folder.
type Folder struct {
	Files []File // in the order of their names
}

// File is a platform file of a user's, as it was read.
type File struct {
	Name string // with its path, as faults name it
	Data []byte // at most MaxFile and one
	Err  error  // why it could not be read
}

// FaultyError is a platform file that is passed over. Its text names every fault
// of the file, a line each: file, line, column and what is wrong.
type FaultyError struct {
	File string
	err  error

	names []string // of the platform that it was to be, as far as they can be told
}

func (e *FaultyError) Error() string { return e.err.Error() }

func (e *FaultyError) Unwrap() error { return e.err }

// Set is the platforms at hand: those built in, and those of the folders that
// Load was given. It is safe for use by several goroutines.
type Set struct {
	user   map[string]*platform.Platform // by name; these go before those built in
	alias  map[string]string             // aliases of user
	faulty []*FaultyError

	mu      sync.Mutex
	decoded map[string]*platform.Platform // built-in ones read so far, by name
}

// Load returns the built-in platforms and those of the user's files. A file
// overrides the built-in platform of the same name; a folder later in folders
// goes before an earlier one. The user's files are checked at once, a built-in
// one when it is asked for. A file with a fault is passed over: Faulty names it,
// and so does Lookup for the name of its platform.
func Load(folders ...Folder) *Set {
	s := &Set{user: map[string]*platform.Platform{}, alias: map[string]string{}, decoded: map[string]*platform.Platform{}}
	for _, f := range folders {
		s.add(f)
	}
	for _, name := range slices.Sorted(maps.Keys(s.user)) {
		if err := s.addAliases(s.user[name]); err != nil {
			p := s.user[name]
			s.faulty = append(s.faulty, &FaultyError{File: p.File, err: err, names: append(unclaimed(p.Aliases), name)})
			delete(s.user, name)
		}
	}
	return s
}

// Faulty returns the files that are passed over.
func (s *Set) Faulty() []*FaultyError { return s.faulty }

// add takes the files of one folder.
func (s *Set) add(folder Folder) {
	here := map[string]string{} // platform name to the file of this folder that has it
	for _, f := range folder.Files {
		p, err := f.parse()
		if err != nil {
			names := f.guess()
			for _, n := range names {
				if here[n] == "" {
					delete(s.user, n) // of an earlier folder, which this file was to go before
				}
			}
			s.faulty = append(s.faulty, &FaultyError{File: f.Name, err: err, names: names})
			continue
		}
		if other, twice := here[p.Name]; twice {
			err = fmt.Errorf("%s: platform %s stands in %s too", p.File, p.Name, other)
			s.faulty = append(s.faulty, &FaultyError{File: f.Name, err: err})
			continue
		}
		here[p.Name] = p.File
		s.user[p.Name] = p
	}
}

func (f File) parse() (*platform.Platform, error) {
	if f.Err != nil {
		return nil, fmt.Errorf("platform file %q cannot be read: %w", f.Name, f.Err)
	}
	return vet.Parse(f.Name, f.Data)
}

// guess returns the names that a faulty file is for: what the file is called, and
// what stands behind name and aliases in it, as far as a look at its lines tells.
func (f File) guess() []string {
	names := []string{strings.TrimSuffix(filepath.Base(f.Name), ".yaml")}
	for line := range bytes.Lines(f.Data[:min(len(f.Data), platform.MaxFile)]) {
		if rest, found := bytes.CutPrefix(line, []byte("name:")); found {
			names = append(names, words(rest)...)
		}
		if rest, found := bytes.CutPrefix(line, []byte("aliases:")); found {
			names = append(names, unclaimed(words(rest))...)
		}
	}
	return names
}

// unclaimed are the aliases that no built-in platform has for its name.
func unclaimed(aliases []string) []string {
	return slices.DeleteFunc(slices.Clone(aliases), platforms.Has)
}

// words are the names in a line of YAML.
func words(line []byte) []string {
	return strings.FieldsFunc(string(line), func(r rune) bool { return strings.ContainsRune("[], \"'\r\n", r) })
}

// addAliases enters the aliases of a user's platform, all or none.
func (s *Set) addAliases(p *platform.Platform) error {
	for _, a := range p.Aliases {
		if _, taken := s.user[a]; taken || platforms.Has(a) {
			return fmt.Errorf("%s: alias %s is the name of another platform", p.File, a)
		}
		if other, taken := s.alias[a]; taken {
			return fmt.Errorf("%s: alias %s belongs to %s too", p.File, a, other)
		}
	}
	for _, a := range p.Aliases {
		s.alias[a] = p.Name
	}
	return nil
}

// builtinAliases returns the aliases of a built-in platform without decoding
// it: they stand in one line, a flow sequence, as a test demands.
func builtinAliases(name string) []string {
	data, err := platforms.Read(name)
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(data) {
		rest, found := bytes.CutPrefix(line, []byte("aliases:"))
		if !found {
			continue
		}
		return words(rest)
	}
	return nil
}

// Names returns the names of all platforms in order, without aliases.
func (s *Set) Names() []string {
	names := slices.AppendSeq(platforms.Names(), maps.Keys(s.user))
	slices.Sort(names)
	return slices.Compact(names)
}

// Lookup returns the platform that has a name or an alias, in either case, or
// else the only one that Find finds. The error is an *UnknownError if there is
// none, or more than one, and a *FaultyError if the user's file for it is passed
// over.
func (s *Set) Lookup(name string) (*platform.Platform, error) {
	p, err := s.Known(name)
	if err == nil && p.File != platform.Builtin {
		return p, nil
	}
	names := []string{strings.ToLower(name)}
	if err == nil {
		names = append(names, p.Name) // which name may be an alias of
	}
	for _, f := range s.faulty {
		if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(f.names, n) }) {
			return nil, f
		}
	}
	return p, err
}

// Known is Lookup for a name that the user did not give: a faulty file for it is
// no error, and the built-in platform stands.
func (s *Set) Known(name string) (*platform.Platform, error) {
	key := strings.ToLower(name)
	if p, ok := s.user[key]; ok {
		return p, nil
	}
	if platforms.Has(key) {
		return s.builtin(key)
	}
	if name, ok := s.alias[key]; ok {
		return s.user[name], nil
	}
	for _, n := range platforms.Names() {
		if slices.Contains(builtinAliases(n), key) {
			return s.Known(n) // a user's file may stand in for it
		}
	}
	switch found := s.Find(name); len(found) {
	case 0:
		return nil, s.unknown(name)
	case 1:
		return s.Known(found[0])
	default:
		return nil, &UnknownError{Name: name, Several: found}
	}
}

// builtin returns a built-in platform and remembers it.
func (s *Set) builtin(name string) (*platform.Platform, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.decoded[name]; ok {
		return p, nil
	}
	data, err := platforms.Read(name)
	if err != nil {
		return nil, fmt.Errorf("built-in platform %s: %w", name, err)
	}
	// Its rules were checked when the program was tested; only decode it here.
	p, _, err := platform.Decode("built-in "+name, data)
	if err != nil {
		return nil, err
	}
	p.File = platform.Builtin
	s.decoded[name] = p
	return p, nil
}

// All returns every platform in the order of Names.
func (s *Set) All() ([]*platform.Platform, error) {
	var all []*platform.Platform
	for _, n := range s.Names() {
		p, err := s.Known(n)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
