package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/schematest"
	"github.com/nlbprobe/nlbprobe/templates"
)

// schemaOf is the published schema of an object that a run prints.
func schemaOf(line string) string {
	if strings.HasPrefix(line, `{"schema":"nlbprobe-mss/1"`) {
		return "connection.json"
	}
	return "vip.json"
}

// always is the choice of one schema for every line.
func always(name string) func(string) string { return func(string) string { return name } }

// TestSchemas: each field of each command's JSON has its place in the published
// schemas, and what the commands print is as they say.
func TestSchemas(t *testing.T) {
	for at, typ := range map[string]reflect.Type{
		"mac.json#/$defs/derived": reflect.TypeFor[derivedMACs](), "mac.json#/$defs/known": reflect.TypeFor[knownMAC](),
		"explain.json#/$defs/finding": reflect.TypeFor[explainedFinding](), "explain.json#/$defs/term": reflect.TypeFor[explainedTerm](),
		"platforms.json#/properties/platforms/items": reflect.TypeFor[platformJSON](),
		"render.json#/properties/configs/items":      reflect.TypeFor[templates.Config](),
	} {
		name, place, _ := strings.Cut(at, "#")
		schematest.Fields(t, name, "#"+place, typ)
	}
	prints := func(schema, args string) {
		t.Helper()
		_, out, errs := runArgs(t, strings.Fields(args)...)
		if errs != "" {
			t.Errorf("%s: %s", args, errs)
		}
		schematest.Lines(t, out, always(schema))
	}
	prints("platforms.json", "platforms -o json")
	for _, name := range templates.Load().Names() {
		prints("platforms.json", "platforms -o json "+name)
		prints("render.json", "render -o json --section all --vip 192.0.2.90 --mac 03bf.c000.025a --platform "+name)
	}
	for _, e := range diagnose.Catalogue() {
		prints("explain.json", "explain -o json "+e.ID)
	}
	for _, v := range diagnose.Verdicts() {
		prints("explain.json", "explain -o json "+string(v))
	}
	prints("mac.json", "mac -o json 192.0.2.90 03bf.c000.025a 0000.0c07.ac03 ffff.ffff.ffff")
}

// TestGoldenSchemas: every JSON object among the golden files is as the published
// schemas say.
func TestGoldenSchemas(t *testing.T) {
	files := 0
	for dir, schema := range map[string]string{"mac": "mac.json", "explain": "explain.json", "render": "render.json", "platforms": "platforms.json"} {
		names, err := filepath.Glob("testdata/" + dir + "/*.json")
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if name == "testdata/render/object.json" {
				continue // lines for a device that takes JSON
			}
			files++
			t.Run(name, func(t *testing.T) {
				if strings.HasPrefix(string(b), "{\n") { // indented
					schematest.Validate(t, schema, b)
					return
				}
				schematest.Lines(t, string(b), always(schema))
			})
		}
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if text := string(f.Data); strings.HasPrefix(text, `{"schema":`) {
				files++
				schema := schemaOf(text)
				if strings.Contains(text, `,"configs":`) && !strings.Contains(text, `"verdict":`) {
					schema = "render.json"
				}
				schematest.Lines(t, text, always(schema))
			}
		}
	}
	if files < 25 {
		t.Errorf("%d files were held against a schema", files)
	}
}
