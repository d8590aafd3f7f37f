package arch

import (
	"cmp"
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

const (
	// maxLines is the length of a file with one reason to change.
	maxLines = 400
	// maxPackage is the length, in lines, of a package that one person can know.
	maxPackage = 2500
	// maxFunction is the length, in lines, of all functions but the longest percent.
	maxFunction = 60
)

func TestFilesStayShort(t *testing.T) {
	report(t, longFiles(sources(t)))
}

func longFiles(all []source) (problems []string) {
	for _, s := range all {
		if !s.test && s.lines > maxLines {
			problems = append(problems, fmt.Sprintf("%s has %d lines, more than %d: give each reason to change a file of its own", s.name, s.lines, maxLines))
		}
	}
	return problems
}

// A package is read as a whole: a larger one has parts with a boundary that it hides.
func TestPackagesStaySmall(t *testing.T) {
	report(t, largePackages(sources(t), longerPackages))
}

func largePackages(all []source, except map[string]string) (problems []string) {
	lines := map[string]int{}
	for _, s := range all {
		if !s.forTests() {
			lines[s.pkg] += s.lines
		}
	}
	for pkg, n := range lines {
		if n > maxPackage && except[pkg] == "" {
			problems = append(problems, fmt.Sprintf("package %s has %d lines, more than %d: split it at a boundary", pkg, n, maxPackage))
		}
	}
	for pkg := range except {
		if lines[pkg] <= maxPackage {
			problems = append(problems, fmt.Sprintf("internal/arch excepts package %s, which has only %d lines: remove the exception", pkg, lines[pkg]))
		}
	}
	return problems
}

// A function is understood on one screen. One percent may be longer: tables, and switches
// with many short cases.
func TestFunctionsStayShort(t *testing.T) {
	report(t, longFunctions(sources(t)))
}

func longFunctions(all []source) (problems []string) {
	type function struct {
		at    string
		lines int
	}
	var functions []function
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
				functions = append(functions, function{s.at(f) + " " + f.Name.Name, lines})
			}
		}
	}
	slices.SortFunc(functions, func(a, b function) int { return cmp.Compare(b.lines, a.lines) })
	longest := functions[:len(functions)/100+1]
	p99 := longest[len(longest)-1].lines
	if p99 <= maxFunction {
		return nil
	}
	problems = append(problems, fmt.Sprintf("1 of 100 functions is longer than %d lines, more than %d; the longest are:", p99, maxFunction))
	for _, f := range longest {
		problems = append(problems, fmt.Sprintf("%s: %d lines", f.at, f.lines))
	}
	return problems
}
