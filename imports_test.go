package nlbprobe_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
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

var update = flag.Bool("update", false, "rewrite the drawing in ARCHITECTURE.md")

const module = "github.com/nlbprobe/nlbprobe/"

// mayImport is the map of the house: which of our packages may be imported by
// whom. Each row names only rows above it, so no cycle is possible.
var mayImport = []struct {
	pkg string
	may []string
}{
	{"mac", nil},
	{"nearest", nil},
	{"inventory", nil},
	{"userfile", nil},
	{"privilege", nil},
	{"guard", nil},
	{"goldentest", nil}, // for tests alone
	{"schematest", nil}, // likewise
	{"testdata/scenarios", nil},
	{"inet", []string{"mac"}},
	{"nlb", []string{"mac"}},
	{"igmp", []string{"inet", "mac"}},
	{"evidence", []string{"mac"}},
	{"observe", []string{"evidence", "igmp", "inet", "mac", "nlb"}},
	{"finding", []string{"evidence", "mac", "nlb"}},
	{"mss", []string{"evidence", "finding", "inet", "mac", "nlb", "observe"}},
	{"diagnose", []string{"evidence", "finding", "inet", "mac", "mss", "nearest", "nlb"}},
	{"templates/platforms", nil},
	{"templates/platform", []string{"mac", "nearest"}},
	{"templates/render", []string{"inet", "mac", "nlb", "templates/platform"}},
	{"templates/reading", []string{"inet", "mac", "templates/platform", "templates/render"}},
	{"templates/forms", []string{"templates/platform", "templates/render"}},
	{"templates/vet", []string{"mac", "templates/forms", "templates/platform", "templates/reading", "templates/render"}},
	{"templates/templatestest", []string{"mac", "templates/platform", "templates/platforms", "templates/render"}},
	{"templates", []string{"mac", "nearest", "templates/forms", "templates/platform", "templates/platforms", "templates/reading", "templates/render", "templates/vet"}},
	{"event", []string{"diagnose", "evidence", "mss"}},
	{"object", []string{"diagnose", "evidence", "finding", "mac", "nlb", "templates"}},
	{"report", []string{"diagnose", "event", "finding", "mss", "object", "evidence", "templates", "mac", "nlb"}},
	{"advice", []string{"diagnose", "mac", "nlb", "templates"}},
	{"arpprobe", []string{"mac", "evidence"}},
	{"routerprobe", []string{"inet", "mac", "evidence"}},
	{"docket", []string{"evidence", "inet", "mac", "nlb"}},
	{"capture", []string{"evidence", "mac"}},
	{"excerpt", []string{"capture", "evidence", "finding"}},
	{"capture/capturetest", []string{"capture", "evidence"}},
	{"check", []string{"arpprobe", "igmp", "inet", "nlb", "routerprobe", "observe", "diagnose", "docket", "event", "evidence", "mac"}},
	{"remoteprobe", []string{"diagnose", "event", "evidence"}},
	{"replay", []string{"inet", "mss", "docket", "event", "evidence", "mac", "nlb", "observe"}},
	{"analysis", []string{"capture", "diagnose", "event", "evidence", "guard", "mac", "mss", "replay"}},
	{"wire", []string{"evidence", "inet", "mac"}},
	{"wire/wiretest", []string{"mac"}},
	{"route", []string{"mac", "nearest"}},
	{"tcpinfo", []string{"evidence"}},
	{"clientsock", []string{"evidence"}},
	{"lab", []string{"inet", "igmp", "mac", "nearest", "inventory", "nlb", "testdata/scenarios"}},
	{"lab/labtest", []string{"lab"}},
	{"cmd/nlblab", []string{"lab", "nearest"}},
	{"cmd/nlbprobe/testdata/floor", nil}, // what a benchmark compares with
	{"scripts/corpus", nil},              // runs the tool as users do, and knows nothing of it
	{"cmd/nlbprobe", []string{"inventory",
		"advice", "analysis", "arpprobe", "check", "clientsock", "diagnose", "event", "evidence", "excerpt", "finding", "guard", "mss", "mac", "nearest", "nlb", "object", "privilege", "remoteprobe", "replay", "report", "route", "routerprobe", "tcpinfo", "templates", "userfile", "wire",
	}},
}

// pureList names the packages that may not touch the world, directly.
const pureList = "scripts/pure-packages"

// purePackages reads that list.
func purePackages(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(pureList)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			names = append(names, line)
		}
	}
	return names
}

// sockets are the imports that reach the world. mdlayher/arp, a codec here,
// brings a client that imports packet, so only direct imports can be judged;
// package net is allowed to mac for the one type that everybody shares.
func opensSockets(pkg, imp string) bool {
	switch imp {
	case "net":
		return pkg != "mac"
	case "os/exec", "syscall", "net/http", "golang.org/x/sys/unix", "github.com/mdlayher/packet", "github.com/vishvananda/netlink":
		return true
	}
	return false
}

// imports reads the direct imports of each package from the source of this
// tree, without tests. It reads the files itself, in this process: what a child
// process reads, the test cache does not see.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string]map[string]bool)
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		pkg := filepath.ToSlash(filepath.Dir(path))
		if found[pkg] == nil {
			found[pkg] = make(map[string]bool)
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[pkg][imp] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < len(mayImport) {
		t.Fatalf("looked at %d files only", files)
	}
	all := make(map[string][]string)
	for pkg, set := range found {
		all[pkg] = slices.Sorted(maps.Keys(set))
	}
	return all
}

func TestImports(t *testing.T) {
	found := imports(t)
	pure := purePackages(t)
	for _, pkg := range pure {
		if found[pkg] == nil {
			t.Errorf("%s names %s, which is not in the tree", pureList, pkg)
		}
	}
	allowed := make(map[string][]string)
	for _, row := range mayImport {
		for _, dep := range row.may {
			if _, above := allowed[dep]; !above {
				t.Errorf("the row of %s names %s, which does not stand above it", row.pkg, dep)
			}
		}
		allowed[row.pkg] = row.may
		if found[row.pkg] == nil {
			t.Errorf("%s stands in the map but not in the tree", row.pkg)
		}
	}
	for pkg, imps := range found {
		may, mapped := allowed[pkg]
		if !mapped {
			t.Errorf("%s is not in the map: say what it knows and who may import it", pkg)
		}
		for _, imp := range imps {
			if own, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(may, own) {
				t.Errorf("%s imports %s: the map does not allow it", pkg, own)
			}
			if slices.Contains(pure, pkg) && opensSockets(pkg, imp) {
				t.Errorf("%s imports %s: it may not touch the world", pkg, imp)
			}
		}
	}
}

// TestLinterKnowsPure: the linter's rule for pure packages, which cannot read the
// list, names the same ones.
func TestLinterKnowsPure(t *testing.T) {
	data, err := os.ReadFile(".golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, m := range regexp.MustCompile(`(?m)^ +- "\*\*/(\S+)/\*\.go"$`).FindAllSubmatch(data, -1) {
		named = append(named, string(m[1]))
	}
	pure := purePackages(t)
	slices.Sort(named)
	slices.Sort(pure)
	if !slices.Equal(named, pure) {
		t.Errorf(".golangci.yml names %q, %s %q", named, pureList, pure)
	}
}

// TestStartUp: no package compiles a regular expression when the program starts.
// It would stand in the way of a probe's first answer.
func TestStartUp(t *testing.T) {
	vars := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						vars++
						for _, value := range v.Values {
							if call, ok := value.(*ast.CallExpr); ok && isCompile(call) {
								t.Errorf("%s: %s is compiled at the start of the program", path, v.Names[0])
							}
						}
					}
				}
			case *ast.FuncDecl:
				if d.Name.Name == "init" {
					t.Errorf("%s has an init function", path)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if vars < 100 {
		t.Errorf("looked at %d variables and constants only", vars)
	}
}

// isCompile reports a call of regexp.MustCompile.
func isCompile(call *ast.CallExpr) bool {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := fun.X.(*ast.Ident)
	return ok && pkg.Name == "regexp" && strings.HasPrefix(fun.Sel.Name, "MustCompile")
}

// TestDrawing holds the drawing of the imports in ARCHITECTURE.md against the
// code.
func TestDrawing(t *testing.T) {
	const file, begin, end = "ARCHITECTURE.md", "```mermaid\n", "```\n"
	var want strings.Builder
	want.WriteString("graph LR\n")
	found := imports(t)
	for _, pkg := range slices.Sorted(maps.Keys(found)) {
		for _, imp := range found[pkg] {
			if own, ok := strings.CutPrefix(imp, module); ok {
				fmt.Fprintf(&want, "    %s --> %s\n", pkg, own)
			}
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	got, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no drawing between %q and %q", file, begin, end)
	}
	if string(got) == want.String() {
		return
	}
	if *update {
		text = slices.Concat(before, []byte(begin), []byte(want.String()), []byte(end), after)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the drawing in %s is not what the code does; go test . -update rewrites it:\n%s", file, diffLines(string(got), want.String()))
}

// diffLines names the lines that only one of the two texts has.
func diffLines(got, want string) string {
	var b strings.Builder
	only := func(sign, text, other string) {
		for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
			if !strings.Contains(other, s.Text()+"\n") {
				fmt.Fprintf(&b, "%s%s\n", sign, s.Text())
			}
		}
	}
	only("-", got, want)
	only("+", want, got)
	return b.String()
}
