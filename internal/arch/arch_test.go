package arch

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestPackagesImportOnlyWhatTheirRuleAllows(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		seen[s.pkg] = true
		r, ok := rules[s.pkg]
		if !ok {
			t.Errorf("%s: package %s has no rule: add it to internal/arch/rules_test.go, with what it may import and why", s.name, s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			imported := unquote(t, spec.Path)
			if s.pkg == "chat" && matches(imported, noIO) {
				t.Errorf("%s: the domain imports %s: %s", s.at(spec), imported, r.why)
			}
			if !standard(imported) && !matches(imported, r.may) {
				t.Errorf("%s: %s must not import %s: %s", s.at(spec), s.pkg, imported, r.why)
			}
		}
	}
	for pkg := range rules {
		if !seen[pkg] {
			t.Errorf("internal/arch/rules_test.go has a rule for %s, which does not exist", pkg)
		}
	}
}

// An allowance that nothing uses would let in what nobody decided on.
func TestRulesAllowNothingThatIsNotUsed(t *testing.T) {
	used := map[string]bool{} // package, a space, and the allowance
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			for _, a := range rules[s.pkg].may {
				if matches(unquote(t, spec.Path), []string{a}) {
					used[s.pkg+" "+a] = true
				}
			}
		}
	}
	for pkg, r := range rules {
		for _, a := range r.may {
			if !used[pkg+" "+a] {
				t.Errorf("internal/arch/rules_test.go allows %s to import %s, which it does not: take it out", pkg, a)
			}
		}
	}
}

// standard reports whether an import path is the standard library's: its first
// element has no dot and is not this module.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != "chat" && !strings.Contains(first, ".")
}

func matches(imported string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return imported == a || strings.HasSuffix(a, "/") && strings.HasPrefix(imported, a)
	})
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(vague, path.Base(s.pkg)) || slices.Contains(vague, s.file.Name.Name) {
			t.Errorf("%s: a package called %s becomes the place for everything: name it after what it does", s.name, s.file.Name.Name)
		}
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			documented[s.pkg] = documented[s.pkg] || s.file.Doc.Text() != ""
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment: go doc is how people find their way", pkg)
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && s.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: give each reason to change a file of its own", s.name, s.lines, maxLines)
		}
	}
}

// redisKey is the beginning of one of our key names, not a sentence with a colon.
var redisKey = regexp.MustCompile(`(^|[^a-zA-Z ])(stream|queue)\}?:(\S|$)`)

func TestRedisKeysAreNamedInOneFile(t *testing.T) {
	holders := map[string]bool{}
	for _, s := range sources(t) {
		if s.forTests() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && redisKey.MatchString(unquote(t, lit)) {
				holders[s.name] = true
				t.Logf("%s: %s", s.at(lit), lit.Value)
			}
			return true
		})
	}
	if len(holders) != 1 {
		t.Errorf("Redis key names are built in %d files, want 1: an operator, a cluster and a test find them in one place", len(holders))
	}
}

func TestContextsBeginInMain(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		for _, name := range []string{"Background", "TODO"} {
			s.uses("context", name, nil, func(n ast.Node) {
				t.Errorf("%s: context.%s outside main and tests: nobody could cancel this; take a ctx, or use context.WithoutCancel", s.at(n), name)
			})
		}
	}
}

func TestTestsDoNotSleep(t *testing.T) {
	for _, s := range sources(t) {
		if !s.forTests() {
			continue
		}
		s.uses("time", "Sleep", inBubble, func(n ast.Node) {
			t.Errorf("%s: time.Sleep in a test is slow when it is long enough and wrong when it is not: wait for a signal, or use testing/synctest", s.at(n))
		})
	}
}

// A bare receive from time.After is a sleep by another name.
func TestTestsDoNotWaitBlindly(t *testing.T) {
	for _, s := range sources(t) {
		if !s.forTests() {
			continue
		}
		selected := map[ast.Node]bool{} // cases of a select, which waits for something else, too
		ast.Inspect(s.file, func(n ast.Node) bool {
			if clause, ok := n.(*ast.CommClause); ok && clause.Comm != nil {
				selected[clause.Comm] = true
			}
			stmt, ok := n.(*ast.ExprStmt)
			if !ok || selected[n] {
				return true
			}
			receive, ok := stmt.X.(*ast.UnaryExpr)
			if !ok || receive.Op != token.ARROW {
				return true
			}
			if call, ok := receive.X.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && qualified(sel) == "time.After" {
					t.Errorf("%s: <-time.After in a test: wait for the condition with poll.Until, or, for a slow peer, poll.Pause", s.at(n))
				}
			}
			return true
		})
	}
}

// inBubble reports whether n is a call of synctest.Test, in which sleeping costs
// nothing and is exact.
func inBubble(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && qualified(sel) == "synctest.Test"
}

func unquote(t *testing.T, lit *ast.BasicLit) string {
	t.Helper()
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatalf("%s: %v", lit.Value, err)
	}
	return s
}

// chunkTypes are the names of the types of chunks that this version knows.
var chunkTypes = []string{"ChunkContent", "ChunkReasoning", "ChunkToolCall", "ChunkToolResult", "ChunkReset", "ChunkDone", "ChunkError"}

// A newer version may write types of chunks that this one does not know.
func TestSwitchesOnChunkTypesHaveADefault(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			sw, ok := n.(*ast.SwitchStmt)
			if !ok {
				return true
			}
			onTypes, hasDefault := false, false
			for _, stmt := range sw.Body.List {
				clause, ok := stmt.(*ast.CaseClause)
				if !ok {
					continue
				}
				hasDefault = hasDefault || clause.List == nil
				for _, e := range clause.List {
					onTypes = onTypes || slices.Contains(chunkTypes, lastName(e))
				}
			}
			if onTypes {
				found++
			}
			if onTypes && !hasDefault {
				t.Errorf("%s: a switch on the type of a chunk without a default: say what becomes of a type that a newer version writes", s.at(sw))
			}
			return true
		})
	}
	if found == 0 {
		t.Error("no switch on the type of a chunk was found: has the check gone blind?")
	}
}

// lastName is x in x and in y.x.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
