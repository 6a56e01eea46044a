package platform

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/nlbprobe/nlbprobe/nearest"
)

// UnknownFields finds every key of a parsed platform file that Platform has no
// field for. The YAML package would name the first one only.
func UnknownFields(tree *ast.File, file string) []*FileError {
	var faults []*FileError
	for _, doc := range tree.Docs {
		faults = append(faults, unknownIn(doc.Body, reflect.TypeFor[Platform](), file)...)
	}
	return faults
}

// unknownIn is unknownFields for the part of the file that t is filled from.
func unknownIn(n ast.Node, t reflect.Type, file string) []*FileError {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var faults []*FileError
	switch node := n.(type) {
	case *ast.MappingNode:
		for _, v := range node.Values {
			faults = append(faults, unknownIn(v, t, file)...)
		}
	case *ast.MappingValueNode:
		at := node.Key.GetToken()
		switch t.Kind() {
		case reflect.Map:
			return unknownIn(node.Value, t.Elem(), file)
		case reflect.Struct:
			fields := yamlFields(t)
			if field, ok := fields[at.Value]; ok {
				return unknownIn(node.Value, field, file)
			}
			return append(faults, unknownField(at, fields, file))
		}
	case *ast.SequenceNode:
		// A yaml.MapSlice takes any key: its items are no list of the file's.
		if t.Kind() != reflect.Slice || t.Elem().PkgPath() == yamlPackage {
			return nil
		}
		for _, v := range node.Values {
			faults = append(faults, unknownIn(v, t.Elem(), file)...)
		}
	}
	return faults
}

const yamlPackage = "github.com/goccy/go-yaml"

// yamlFields are the fields of a struct by their names in the file.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}

func unknownField(at *token.Token, fields map[string]reflect.Type, file string) *FileError {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	reason := fmt.Sprintf("unknown field %q", Clip(at.Value))
	if near := nearest.Word(at.Value, names); near != "" {
		reason += fmt.Sprintf("; did you mean %q?", near)
	}
	return &FileError{File: file, Line: at.Position.Line, Column: at.Position.Column, Reason: reason}
}
