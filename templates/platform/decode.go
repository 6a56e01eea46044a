package platform

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// FileError is a fault in a platform file.
type FileError struct {
	File         string
	Line, Column int // from 1; 0 when the fault has no place
	Reason       string
}

func (e *FileError) Error() string {
	// The reason may quote the file, which may hold anything.
	reason := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, e.Reason)
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, reason)
}

// Decode reads a platform file, and gives its tree too, by which faults find
// their places. It does not check what the values say, nor whether every key is
// known: unknownFields does.
func Decode(file string, data []byte) (*Platform, *ast.File, error) {
	p := new(Platform)
	var tree *ast.File
	err := guard(func() (err error) {
		if tree, err = parser.ParseBytes(data, 0); err != nil {
			return err
		}
		if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
			return errors.New("the file is empty")
		}
		return yaml.NewDecoder(bytes.NewReader(nil), yaml.UseOrderedMap()).DecodeFromNode(tree.Docs[0].Body, p)
	})
	if err != nil {
		return nil, nil, atToken(file, err)
	}
	return p, tree, nil
}

// Tame refuses what no platform file needs and the YAML package takes seconds
// for, or fails on: deep nesting, anchors, aliases and tags.
func Tame(file string, data []byte) error {
	if len(data) > MaxFile {
		return &FileError{File: file, Reason: fmt.Sprintf("more than %d bytes", MaxFile)}
	}
	const deepest = 100
	depth := 0
	for i, b := range data {
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > deepest {
			line := bytes.Count(data[:i], []byte("\n")) + 1
			return &FileError{File: file, Line: line, Column: i - bytes.LastIndexByte(data[:i], '\n'), Reason: fmt.Sprintf("more than %d brackets are open", deepest)}
		}
	}
	var tokens token.Tokens
	if err := guard(func() error { tokens = lexer.Tokenize(string(data)); return nil }); err != nil {
		return atToken(file, err)
	}
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType:
			return &FileError{File: file, Line: t.Position.Line, Column: t.Position.Column, Reason: fmt.Sprintf("%q: anchors, aliases and tags are not for platform files", Clip(t.Value))}
		}
	}
	return nil
}

// guard calls into the YAML package, which panics on some malformed files (one was
// a tag in place of a list), and makes an error of it.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the YAML is malformed")
		}
	}()
	return f()
}

// atToken turns an error of the YAML package into one line with a place.
func atToken(file string, err error) error {
	fault := &FileError{File: file, Reason: firstLine(err.Error())}
	if e, ok := errors.AsType[yaml.Error](err); ok {
		fault.Reason = firstLine(e.GetMessage())
		if t := e.GetToken(); t != nil && t.Position != nil {
			fault.Line, fault.Column = t.Position.Line, t.Position.Column
		}
	}
	for _, w := range [...]struct{ library, ours string }{
		{"found character '\t'", "a tab: YAML takes spaces alone before its keys"},
		{"map key-value is pre-defined", "the value has quotes or a colon in it: write all of it between single quotes"},
	} {
		if strings.Contains(fault.Reason, w.library) {
			fault.Reason = w.ours
		}
	}
	return fault
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

// FindPlace finds a path in a YAML tree, or the nearest part above it that is there.
func FindPlace(tree *ast.File, at string) (line, column int) {
	for at != "" && at != "$" {
		if p, err := yaml.PathString(at); err == nil {
			if n, err := p.FilterFile(tree); err == nil && n.GetToken() != nil {
				if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
					n = m.Values[0].Key // its own token is the first colon
				}
				pos := n.GetToken().Position
				return pos.Line, pos.Column
			}
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	return 1, 1
}

// MaxFile bounds a platform file, in bytes.
const MaxFile = 64 << 10
