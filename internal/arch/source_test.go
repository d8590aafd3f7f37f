package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is a Go file of the module. Build constraints are ignored.
type source struct {
	name  string // path from the module's root, with slashes
	pkg   string // import path of its directory
	lines int
	test  bool
	file  *ast.File
	set   *token.FileSet
}

// sources returns all Go files of the module except testdata and the modules of others.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	var all []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin" || base == "node_modules" || base == "third_party"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		s, err := parse(name, text)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d files: this is not the module's root", len(all))
	}
	return all
}

// parse reads one file; name is its path from the module's root.
func parse(name string, text []byte) (source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return source{
		name: name, pkg: path.Join("chat", path.Dir(name)), lines: bytes.Count(text, []byte("\n")),
		test: strings.HasSuffix(name, "_test.go"), file: file, set: set,
	}, err
}

// testPackages are the packages below internal that only tests, benchmarks and the fault
// lab use.
var testPackages = []string{"arch", "bench", "e2e", "lab", "leaks", "poll", "screen", "services"}

// forTests reports whether only tests use the file.
func (s source) forTests() bool {
	below, internal := strings.CutPrefix(s.pkg, "chat/internal/")
	first, _, _ := strings.Cut(below, "/")
	return s.test || strings.HasSuffix(path.Base(s.pkg), "test") || internal && slices.Contains(testPackages, first)
}

func (s source) at(n ast.Node) string { return s.set.Position(n.Pos()).String() }

// uses calls found for each mention of the qualified name pkg.name, as in time.Sleep.
// It does not look below a node for which skip returns true.
func (s source) uses(pkg, name string, skip func(ast.Node) bool, found func(ast.Node)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n != nil && skip != nil && skip(n) {
			return false
		}
		if sel, ok := n.(*ast.SelectorExpr); ok && qualified(sel) == pkg+"."+name {
			found(n)
		}
		return true
	})
}

func qualified(sel *ast.SelectorExpr) string {
	if x, ok := sel.X.(*ast.Ident); ok {
		return x.Name + "." + sel.Sel.Name
	}
	return ""
}
