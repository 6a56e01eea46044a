// Package schematest holds JSON objects and Go types against the schemas in
// docs/schema. Only tests import it.
package schematest

import (
	"bytes"
	"encoding"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Base is what the ids of the schemas begin with.
const Base = "https://github.com/nlbprobe/nlbprobe/blob/main/docs/schema/"

// schemas are the files, by name, as they are and compiled.
type schemas struct {
	docs     map[string]any
	compiled map[string]*jsonschema.Schema
}

var load = sync.OnceValues(func() (schemas, error) {
	s := schemas{docs: make(map[string]any), compiled: make(map[string]*jsonschema.Schema)}
	files, err := filepath.Glob(filepath.Join(root(), "docs", "schema", "*.json"))
	if err != nil || len(files) == 0 {
		return s, errors.Join(err, errors.New("no schema was found in docs/schema"))
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return s, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return s, errors.Join(errors.New(file), err)
		}
		name := filepath.Base(file)
		s.docs[name] = doc
		strict, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return s, err
		}
		seal(strict)
		if err := c.AddResource(Base+name, strict); err != nil {
			return s, err
		}
	}
	for name := range s.docs {
		if s.compiled[name], err = c.Compile(Base + name); err != nil {
			return s, err
		}
	}
	return s, nil
})

// root is the folder of the module.
func root() string {
	dir := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Join(dir, "..")
	}
	return "."
}

// seal forbids fields that a schema does not name. A reader must take them, as later
// versions add some; in the tests they are forgotten ones.
func seal(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, fields := v["properties"].(map[string]any); fields && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, sub := range v {
			seal(sub)
		}
	case []any:
		for _, sub := range v {
			seal(sub)
		}
	}
}

func loaded(t testing.TB) schemas {
	t.Helper()
	s, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Names are the files in docs/schema.
func Names(t testing.TB) []string {
	t.Helper()
	var names []string
	for name := range loaded(t).docs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Validate fails the test unless the object is as the schema says, with no other
// fields than those that it names.
func Validate(t testing.TB, name string, object []byte) {
	t.Helper()
	schema := loaded(t).compiled[name]
	if schema == nil {
		t.Fatalf("there is no docs/schema/%s", name)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// Lines validates each line of JSON Lines, and fails the test if there is none. pick
// names the schema of a line.
func Lines(t testing.TB, output string, pick func(line string) string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(output) {
		Validate(t, pick(line), []byte(line))
		n++
	}
	if n == 0 {
		t.Error("no object was printed")
	}
}

// Fields fails the test unless the schema at a place, as "#/$defs/host" or "#",
// names exactly the fields that the type has in JSON: those that are always there as
// required, and null for what can be null. It follows the fields' types. Everything
// that is named has a description.
func Fields(t testing.TB, name, at string, typ reflect.Type) {
	t.Helper()
	w := walk{t: t, docs: loaded(t).docs, seen: make(map[reflect.Type]bool)}
	w.compare(name+at, name, w.resolve(name, at), typ)
	if len(w.seen) == 0 {
		t.Errorf("%s%s: %v has no fields", name, at, typ)
	}
}

type walk struct {
	t    testing.TB
	docs map[string]any
	seen map[reflect.Type]bool
}

// resolve finds the schema that a reference inside a file means.
func (w *walk) resolve(file, ref string) map[string]any {
	w.t.Helper()
	if other, in, ok := strings.Cut(ref, "#"); ok && other != "" {
		file, ref = other, "#"+in
	}
	v := w.docs[file]
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#"), "/") {
		if step != "" {
			m, _ := v.(map[string]any)
			v = m[step]
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		w.t.Fatalf("%s: %s leads nowhere", file, ref)
	}
	return m
}

// follow goes through references and the choice of null, and reports whether null is
// allowed.
func (w *walk) follow(file string, s map[string]any) (string, map[string]any, bool) {
	null := false
	for {
		if ref, ok := s["$ref"].(string); ok {
			if other, _, _ := strings.Cut(ref, "#"); other != "" {
				s, file = w.resolve(file, ref), other
			} else {
				s = w.resolve(file, ref)
			}
			continue
		}
		any2, ok := s["anyOf"].([]any)
		if !ok || len(any2) != 2 || !isNull(any2[1]) {
			break
		}
		s, null = any2[0].(map[string]any), true
	}
	if types, ok := s["type"].([]any); ok {
		null = null || slices.Contains(types, any("null"))
	}
	if values, ok := s["enum"].([]any); ok {
		null = null || slices.Contains(values, nil)
	}
	return file, s, null
}

func isNull(v any) bool {
	m, _ := v.(map[string]any)
	return m["type"] == "null"
}

var text = reflect.TypeFor[encoding.TextMarshaler]()

func (w *walk) compare(path, file string, s map[string]any, typ reflect.Type) {
	file, s, null := w.follow(file, s)
	if typ.Kind() == reflect.Pointer {
		if !null {
			w.t.Errorf("%s: null is not allowed", path)
		}
		typ = typ.Elem()
	} else if null && typ.Kind() != reflect.Slice {
		w.t.Errorf("%s: it is never null", path)
	}
	switch {
	case typ.Implements(text):
	case typ.Kind() == reflect.Slice:
		items, ok := s["items"].(map[string]any)
		if !ok {
			w.t.Errorf("%s: it is a list", path)
			return
		}
		w.compare(path+"[]", file, items, typ.Elem())
	case typ.Kind() == reflect.Map:
		values, ok := s["additionalProperties"].(map[string]any)
		if !ok {
			w.t.Errorf("%s: it is an object with any names", path)
			return
		}
		w.compare(path+"{}", file, values, typ.Elem())
	case typ.Kind() == reflect.Struct:
		w.fields(path, file, s, typ)
	}
}

func (w *walk) fields(path, file string, s map[string]any, typ reflect.Type) {
	w.seen[typ] = true
	properties, _ := s["properties"].(map[string]any)
	left := make(map[string]bool)
	for name, p := range properties {
		left[name] = true
		_, target, _ := w.follow(file, p.(map[string]any))
		if said, _ := p.(map[string]any)["description"].(string); said == "" && target["description"] == nil {
			w.t.Errorf("%s.%s has no description", path, name)
		}
	}
	required, _ := s["required"].([]any)
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		p, ok := properties[name].(map[string]any)
		if !ok {
			w.t.Errorf("%s: the field %s is missing", path, name)
			continue
		}
		delete(left, name)
		if optional := options == "omitempty"; slices.Contains(required, any(name)) == optional {
			w.t.Errorf("%s.%s: required, or always there, but not both", path, name)
		}
		field := f.Type
		if options == "omitempty" && field.Kind() == reflect.Pointer {
			field = field.Elem() // absent instead of null
		}
		w.compare(path+"."+name, file, p, field)
	}
	for name := range left {
		w.t.Errorf("%s: no field is called %s", path, name)
	}
}

// Words are the strings that the schema at a place allows.
func Words(t testing.TB, name, at string) []string {
	t.Helper()
	w := walk{t: t, docs: loaded(t).docs}
	values, _ := w.resolve(name, at)["enum"].([]any)
	var words []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			words = append(words, s)
		}
	}
	return words
}
