package nlbprobe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// everywhere lists the programs that a test may run and scripts/test-deps.sh
// need not install: the essential packages of Debian, what make itself runs on,
// and our own.
var everywhere = []string{"cp", "go", "gzip", "hostname", "nlbprobe", "nsenter", "setpriv", "sh", "sleep", "true", "unshare"}

// TestTestDeps: each program that a test names in its source is one that
// scripts/test-deps.sh looks for. Names are seen in calls of os/exec, of the
// lab's Command, of labtest.Tools and of the captures' tool.
func TestTestDeps(t *testing.T) {
	script, err := os.ReadFile("scripts/test-deps.sh")
	if err != nil {
		t.Fatal(err)
	}
	var installed []string
	for _, m := range regexp.MustCompile(`(?m)^need (\S+) `).FindAllSubmatch(script, -1) {
		installed = append(installed, string(m[1]))
	}
	named := map[string][]string{}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range programs(f) {
			named[name] = append(named[name], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, control := range []string{"nft", "ping", "mergecap", "tshark", "setcap"} {
		if named[control] == nil {
			t.Errorf("no test was seen to run %s: this test looks in the wrong places", control)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !slices.Contains(installed, name) && !slices.Contains(everywhere, name) {
			t.Errorf("%s runs %s, which scripts/test-deps.sh does not install", named[name][0], name)
		}
	}
}

// programs returns the names of the programs that a file's source shows to run.
func programs(f *ast.File) []string {
	var names []string
	add := func(args []ast.Expr) {
		for _, a := range args {
			if lit, ok := a.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if name, err := strconv.Unquote(lit.Value); err == nil && name != "/proc/self/exe" {
					names = append(names, filepath.Base(name))
				}
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "tool" {
				add([]ast.Expr{n.Value})
			}
		case *ast.CallExpr:
			from, to := 0, 0
			switch fun := n.Fun.(type) {
			case *ast.Ident:
				if fun.Name == "tool" {
					from, to = 2, 3
				}
			case *ast.SelectorExpr:
				pkg, _ := fun.X.(*ast.Ident)
				switch {
				case pkg != nil && pkg.Name == "exec" && (fun.Sel.Name == "Command" || fun.Sel.Name == "LookPath"):
					from, to = 0, 1
				case pkg != nil && pkg.Name == "exec" && fun.Sel.Name == "CommandContext":
					from, to = 1, 2
				case fun.Sel.Name == "Command": // context, host, program
					from, to = 2, 3
				case pkg != nil && pkg.Name == "labtest" && fun.Sel.Name == "Tools":
					from, to = 1, len(n.Args)
				}
			}
			if to <= len(n.Args) {
				add(n.Args[from:to])
			}
		}
		return true
	})
	return names
}
