package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/util"
)

// links tracks link reference definitions ("[label]: url"), which may come later
// than the text that uses them and change its meaning.
type links struct {
	defined map[string]parser.Reference // in the kept part
	ahead   map[string]parser.Reference // defined after the kept part
	used    map[string]string           // labels that the kept part mentions → the target at that time
	clash   bool                        // two kept parts saw different targets
}

// context returns a parser context with the definitions; with ahead also those
// after the kept part.
func (l *links) context(ahead bool) parser.Context {
	pc := parser.NewContext()
	for _, r := range l.defined {
		pc.AddReference(r)
	}
	if ahead {
		for _, r := range l.ahead {
			pc.AddReference(r)
		}
	}
	return pc
}

// defineIn records the definitions in a kept block; they may stand in containers.
func (l *links) defineIn(n ast.Node) {
	if def, ok := n.(*ast.LinkReferenceDefinition); ok {
		l.define(def)
		return
	}
	for c := n.FirstChild(); c != nil && c.Type() == ast.TypeBlock; c = c.NextSibling() {
		l.defineIn(c)
	}
}

// define records a definition of the kept part; the first of a label counts.
func (l *links) define(def *ast.LinkReferenceDefinition) {
	label := util.ToLinkReference(def.Label)
	if _, ok := l.defined[label]; ok {
		return
	}
	if l.defined == nil {
		l.defined = map[string]parser.Reference{}
	}
	l.defined[label] = parser.NewReference(def.Label, def.Destination, def.Title)
}

// settle records which labels the text mentions and what they meant in pc.
func (l *links) settle(text []byte, pc parser.Context) {
	for _, label := range mentions(text) {
		target := targetOf(pc.Reference(label))
		if before, ok := l.used[label]; ok && before != target {
			l.clash = true
		}
		if l.used == nil {
			l.used = map[string]string{}
		}
		l.used[label] = target
	}
}

// stale reports whether the current definitions change the meaning of the kept
// part.
func (l *links) stale(now map[string]parser.Reference) bool {
	if l.clash {
		return true
	}
	for label, target := range l.used {
		r, ok := now[label]
		if targetOf(r, ok) != target {
			return true
		}
	}
	return false
}

func (l *links) restart(now map[string]parser.Reference) { *l = links{ahead: now} }

// targetOf distinguishes an undefined label ("") from one with an empty target.
func targetOf(r parser.Reference, ok bool) string {
	if !ok {
		return ""
	}
	return "=" + string(r.Destination())
}

func byLabel(refs []parser.Reference) map[string]parser.Reference {
	if len(refs) == 0 {
		return nil
	}
	m := make(map[string]parser.Reference, len(refs))
	for _, r := range refs {
		m[util.ToLinkReference(r.Label())] = r
	}
	return m
}

// mentions lists the texts between innermost brackets, each a possible label. A
// false label costs only a comparison.
func mentions(text []byte) []string {
	var labels []string
	open := -1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '[':
			open = i + 1
		case ']':
			if open >= 0 && i > open && len(bytes.TrimSpace(text[open:i])) > 0 {
				labels = append(labels, util.ToLinkReference(text[open:i]))
			}
			open = -1
		}
	}
	return labels
}
