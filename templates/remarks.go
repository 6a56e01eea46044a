package templates

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// Remarks says what is no fault of a platform file and still not as a careful
// author would leave it. Set holds the platforms beside which it will stand, or
// is nil.
func Remarks(p *platform.Platform, set *Set) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(p.Configure) > 0 && len(p.Verify) == 0 {
		say("no verify: the user cannot see whether the lines took effect")
	}
	if len(p.Configure) > 0 && len(p.Save) == 0 {
		say("no save: right only for a device that keeps what is entered")
	}
	for _, section := range [...]struct {
		name  string
		lines []platform.Line
	}{{"configure", p.Configure}, {"verify", p.Verify}, {"save", p.Save}} {
		for _, l := range section.lines {
			if strings.Contains(l.Line+l.Undo, "?") {
				say("%s: a question mark in %q: many devices take it for a call for help", section.name, platform.Clip(l.Line))
			}
		}
	}
	used := usedSources(p)
	for _, key := range slices.Sorted(maps.Keys(p.Sources)) {
		if !used[key] {
			say("source %q is named by nothing", platform.Clip(key))
		}
	}
	if base := strings.TrimSuffix(filepath.Base(p.File), filepath.Ext(p.File)); p.File != "" && base != p.Name {
		say("the file is called %q and the platform %q: name the file %s.yaml", platform.Clip(base), p.Name, p.Name)
	}
	if set == nil {
		return all
	}
	for _, name := range append([]string{p.Name}, p.Aliases...) {
		if other, err := set.Lookup(name); err == nil && other.Name != p.Name {
			say("%q is a name of the platform %s too: this file's would hide it", name, other.Name)
		} else if err == nil && name == p.Name && other.File != p.File {
			say("%q replaces the platform of that name (%s)", name, other.File)
		}
	}
	return all
}

// usedSources are the keys of sources that something names: every field of the
// file called Source does.
func usedSources(p *platform.Platform) map[string]bool {
	used := make(map[string]bool)
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				walk(v.MapIndex(key))
			}
		case reflect.Struct:
			for f, value := range v.Fields() {
				if !f.IsExported() {
					continue
				}
				if keys, ok := reflect.TypeAssert[[]string](value); ok && f.Name == "Source" {
					for _, k := range keys {
						used[k] = true
					}
				} else {
					walk(value)
				}
			}
		}
	}
	walk(reflect.ValueOf(p))
	return used
}
