package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each check below is a function of sources that returns what breaks its rule, so that
// TestChecksFail can show that it fails.

func report(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

func TestPackagesImportOnlyWhatTheirRuleAllows(t *testing.T) {
	report(t, forbiddenImports(sources(t), rules))
}

func forbiddenImports(all []source, rules map[string]rule) (problems []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if s.test {
			continue
		}
		seen[s.pkg] = true
		r, ok := rules[s.pkg]
		if !ok {
			problems = append(problems, fmt.Sprintf("%s: package %s has no rule: add it to internal/arch/rules_*_test.go, with what it may import and why", s.name, s.pkg))
			continue
		}
		for _, spec := range s.file.Imports {
			imported := unquote(spec.Path)
			if s.pkg == "chat" && matches(imported, noIO) {
				problems = append(problems, fmt.Sprintf("%s: the domain imports %s: %s", s.at(spec), imported, r.why))
			}
			if !standard(imported) && !matches(imported, r.may) {
				problems = append(problems, fmt.Sprintf("%s: %s must not import %s: %s", s.at(spec), s.pkg, imported, r.why))
			}
		}
	}
	for pkg := range rules {
		if !seen[pkg] {
			problems = append(problems, fmt.Sprintf("internal/arch has a rule for %s, which does not exist", pkg))
		}
	}
	return problems
}

// An unused allowance permits an import that no one has decided on.
func TestRulesAllowNothingThatIsNotUsed(t *testing.T) {
	report(t, unusedAllowances(sources(t), rules))
}

func unusedAllowances(all []source, rules map[string]rule) (problems []string) {
	used := map[string]bool{} // package, a space, and the allowance
	for _, s := range all {
		for _, spec := range s.file.Imports {
			for _, a := range rules[s.pkg].may {
				if matches(unquote(spec.Path), []string{a}) {
					used[s.pkg+" "+a] = true
				}
			}
		}
	}
	for pkg, r := range rules {
		for _, a := range r.may {
			if !used[pkg+" "+a] {
				problems = append(problems, fmt.Sprintf("internal/arch allows %s to import %s, which it does not: remove it", pkg, a))
			}
		}
	}
	return problems
}

// Each wire format reads answers through daemon/follow. A format that reads the log or the
// store by itself would answer differently from the others.
func TestEncodersDoNotReadStorage(t *testing.T) {
	report(t, encodersWithStorage(sources(t)))
}

func encodersWithStorage(all []source) (problems []string) {
	for _, s := range all {
		if s.test || !slices.ContainsFunc(encoders, func(e string) bool { return s.pkg == e || strings.HasPrefix(s.pkg, e+"/") }) {
			continue
		}
		for _, spec := range s.file.Imports {
			if imported := unquote(spec.Path); matches(imported, storage) {
				problems = append(problems, fmt.Sprintf("%s: %s encodes answers and must not import %s: read them through daemon/follow and the interfaces of daemon/api", s.at(spec), s.pkg, imported))
			}
		}
	}
	return problems
}

// standard reports whether an import path belongs to the standard library: its first
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
	report(t, vagueNames(sources(t)))
}

func vagueNames(all []source) (problems []string) {
	for _, s := range all {
		if slices.Contains(vague, path.Base(s.pkg)) || slices.Contains(vague, s.file.Name.Name) {
			problems = append(problems, fmt.Sprintf("%s: a package called %s collects everything: name it after what it does", s.name, s.file.Name.Name))
		}
	}
	return problems
}

func TestEveryPackageHasADocComment(t *testing.T) {
	report(t, undocumented(sources(t)))
}

func undocumented(all []source) (problems []string) {
	documented := map[string]bool{}
	for _, s := range all {
		if !s.test {
			documented[s.pkg] = documented[s.pkg] || s.file.Doc.Text() != ""
		}
	}
	for pkg, ok := range documented {
		if !ok {
			problems = append(problems, fmt.Sprintf("package %s has no doc comment, which go doc shows first", pkg))
		}
	}
	return problems
}

// redisKey is the beginning of one of our key names, not a sentence with a colon.
var redisKey = regexp.MustCompile(`(^|[^a-zA-Z ])(stream|queue)\}?:(\S|$)`)

func TestRedisKeysAreNamedInOneFile(t *testing.T) {
	if holders := filesWithRedisKeys(sources(t)); len(holders) != 1 {
		t.Errorf("Redis key names are built in %v, not in one file, where operators and tests find them", holders)
	}
}

func filesWithRedisKeys(all []source) (files []string) {
	for _, s := range all {
		if s.forTests() {
			continue
		}
		found := false
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			found = found || ok && lit.Kind == token.STRING && redisKey.MatchString(unquote(lit))
			return true
		})
		if found {
			files = append(files, s.name)
		}
	}
	return files
}

func TestContextsBeginInMain(t *testing.T) {
	report(t, newContexts(sources(t)))
}

func newContexts(all []source) (problems []string) {
	for _, s := range all {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		for _, name := range []string{"Background", "TODO"} {
			s.uses("context", name, nil, func(n ast.Node) {
				problems = append(problems, fmt.Sprintf("%s: context.%s outside main and tests cannot be cancelled: take a ctx, or use context.WithoutCancel", s.at(n), name))
			})
		}
	}
	return problems
}

func TestTestsDoNotSleep(t *testing.T) {
	report(t, sleeps(sources(t)))
}

func sleeps(all []source) (problems []string) {
	for _, s := range all {
		if !s.forTests() {
			continue
		}
		s.uses("time", "Sleep", inBubble, func(n ast.Node) {
			problems = append(problems, fmt.Sprintf("%s: time.Sleep in a test is either slow or too short: wait for a signal, or use testing/synctest", s.at(n)))
		})
	}
	return problems
}

// A bare receive from time.After is a sleep by another name.
func TestTestsDoNotWaitBlindly(t *testing.T) {
	report(t, blindWaits(sources(t)))
}

func blindWaits(all []source) (problems []string) {
	for _, s := range all {
		if !s.forTests() {
			continue
		}
		selected := map[ast.Node]bool{} // cases of a select, which also waits for something else
		ast.Inspect(s.file, func(n ast.Node) bool {
			if clause, ok := n.(*ast.CommClause); ok && clause.Comm != nil {
				selected[clause.Comm] = true
			}
			stmt, ok := n.(*ast.ExprStmt)
			if ok && !selected[n] && receivesFromAfter(stmt.X) {
				problems = append(problems, fmt.Sprintf("%s: <-time.After in a test: wait for the condition with poll.Until, or, for a slow peer, poll.Pause", s.at(n)))
			}
			return true
		})
	}
	return problems
}

func receivesFromAfter(e ast.Expr) bool {
	receive, ok := e.(*ast.UnaryExpr)
	if !ok || receive.Op != token.ARROW {
		return false
	}
	call, ok := receive.X.(*ast.CallExpr)
	return ok && calls(call, "time.After")
}

// inBubble reports whether n is a call of synctest.Test, in which sleeping costs nothing
// and is exact.
func inBubble(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	return ok && calls(call, "synctest.Test")
}

func calls(call *ast.CallExpr, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && qualified(sel) == name
}

// unquote returns the value of a string literal. The parser has accepted it.
func unquote(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", lit.Value, err))
	}
	return s
}

// chunkTypes are the names of the chunk types that this version knows.
var chunkTypes = []string{"ChunkContent", "ChunkReasoning", "ChunkToolCall", "ChunkToolResult", "ChunkReset", "ChunkDone", "ChunkError"}

// A newer version may write types of chunks that this one does not know.
func TestSwitchesOnChunkTypesHaveADefault(t *testing.T) {
	found, problems := chunkSwitches(sources(t))
	report(t, problems)
	if found == 0 {
		t.Error("no switch on a chunk type was found: the check does not see them")
	}
}

func chunkSwitches(all []source) (found int, problems []string) {
	for _, s := range all {
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
				onTypes = onTypes || slices.ContainsFunc(clause.List, func(e ast.Expr) bool { return slices.Contains(chunkTypes, lastName(e)) })
			}
			if onTypes {
				found++
			}
			if onTypes && !hasDefault {
				problems = append(problems, fmt.Sprintf("%s: a switch on a chunk type needs a default: a newer version may write other types", s.at(sw)))
			}
			return true
		})
	}
	return found, problems
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
