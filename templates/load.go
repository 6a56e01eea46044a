package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

//go:embed platforms/*.yaml
var builtin embed.FS

// maxFile bounds a platform file, in bytes.
const maxFile = 64 << 10

// Set is the platforms at hand: those built in, and those of the folders that
// Load was given. It is safe for use by several goroutines.
type Set struct {
	user  map[string]*Platform // by name; these go before those built in
	alias map[string]string    // aliases of user

	mu      sync.Mutex
	decoded map[string]*Platform // built-in ones read so far, by name
}

// Load returns the built-in platforms and those of every *.yaml file in dirs.
// A file in a folder overrides the built-in platform of the same name; a
// folder later in dirs goes before an earlier one. The user's files are read
// and checked at once, a built-in one when it is asked for. The error joins
// every fault of every file, a line each: file, line, column and what is wrong.
func Load(dirs ...string) (*Set, error) {
	s := &Set{user: map[string]*Platform{}, alias: map[string]string{}, decoded: map[string]*Platform{}}
	var faults []error
	for _, dir := range dirs {
		faults = append(faults, s.loadDir(dir))
	}
	for _, name := range slices.Sorted(maps.Keys(s.user)) {
		faults = append(faults, s.addAliases(s.user[name]))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// loadDir reads one folder of the user's.
func (s *Set) loadDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("platform folder %q cannot be read: %w", dir, reason(err))
	}
	var faults []error
	here := map[string]string{} // platform name to the file of this folder that has it
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".yaml") {
			continue
		}
		p, err := ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if other, twice := here[p.Name]; twice {
			faults = append(faults, fmt.Errorf("%s: platform %s stands in %s too", p.File, p.Name, other))
			continue
		}
		here[p.Name] = p.File
		s.user[p.Name] = p
	}
	return errors.Join(faults...)
}

// addAliases enters the aliases of a user's platform.
func (s *Set) addAliases(p *Platform) error {
	for _, a := range p.Aliases {
		if _, taken := s.user[a]; taken || isBuiltin(a) {
			return fmt.Errorf("%s: alias %s is the name of another platform", p.File, a)
		}
		if other, taken := s.alias[a]; taken {
			return fmt.Errorf("%s: alias %s belongs to %s too", p.File, a, other)
		}
		s.alias[a] = p.Name
	}
	return nil
}

// ReadFile reads and checks one platform file. The error names every fault
// with its line and column.
func ReadFile(name string) (*Platform, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("platform file %q cannot be read: %w", name, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("platform file %q cannot be read: %w", name, reason(err))
	}
	return Parse(name, data)
}

// reason takes the operation and path off an error that names them already.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// isBuiltin reports whether a built-in platform has this name. The name of a
// built-in file is the platform's name.
func isBuiltin(name string) bool {
	_, err := fs.Stat(builtin, builtinPath(name))
	return err == nil && !strings.ContainsAny(name, "/.")
}

func builtinPath(name string) string { return path.Join("platforms", name+".yaml") }

// builtinNames returns the names of the built-in platforms in order.
func builtinNames() []string {
	entries, err := builtin.ReadDir("platforms")
	if err != nil {
		return nil // the folder is part of the program
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// builtinAliases returns the aliases of a built-in platform without decoding
// it: they stand in one line, a flow sequence, as a test demands.
func builtinAliases(name string) []string {
	data, err := builtin.ReadFile(builtinPath(name))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(data) {
		rest, found := bytes.CutPrefix(line, []byte("aliases:"))
		if !found {
			continue
		}
		return strings.FieldsFunc(string(rest), func(r rune) bool { return strings.ContainsRune("[], \r\n", r) })
	}
	return nil
}

// Names returns the names of all platforms in order, without aliases.
func (s *Set) Names() []string {
	names := slices.AppendSeq(builtinNames(), maps.Keys(s.user))
	slices.Sort(names)
	return slices.Compact(names)
}

// Lookup returns the platform that has a name or an alias, in either case, or
// else the only one that Find finds. The error is an *UnknownError where there is
// none, or more than one.
func (s *Set) Lookup(name string) (*Platform, error) {
	key := strings.ToLower(name)
	if p, ok := s.user[key]; ok {
		return p, nil
	}
	if isBuiltin(key) {
		return s.builtin(key)
	}
	if name, ok := s.alias[key]; ok {
		return s.user[name], nil
	}
	for _, n := range builtinNames() {
		if slices.Contains(builtinAliases(n), key) {
			return s.Lookup(n) // a user's file may stand in for it
		}
	}
	switch found := s.Find(name); len(found) {
	case 0:
		return nil, s.unknown(name)
	case 1:
		return s.Lookup(found[0])
	default:
		return nil, &UnknownError{Name: name, Several: found}
	}
}

// builtin returns a built-in platform and remembers it.
func (s *Set) builtin(name string) (*Platform, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.decoded[name]; ok {
		return p, nil
	}
	data, err := builtin.ReadFile(builtinPath(name))
	if err != nil {
		return nil, fmt.Errorf("built-in platform %s: %w", name, err)
	}
	// Its rules were checked when the program was tested; only decode it here.
	p, _, err := decode("built-in "+name, data)
	if err != nil {
		return nil, err
	}
	p.File = "built-in"
	s.decoded[name] = p
	return p, nil
}

// All returns every platform in the order of Names.
func (s *Set) All() ([]*Platform, error) {
	var all []*Platform
	for _, n := range s.Names() {
		p, err := s.Lookup(n)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
