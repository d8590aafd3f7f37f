package modeltest

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// never is a position that no answer reaches.
const never = -1

// lie is a parsed directive; see the package's documentation.
type lie struct {
	directive string

	chunks, reasoning int
	pace              time.Duration
	gate              bool
	text, tag, mark   string
	names             string
	usage             string
	finish            string
	tool, args        string
	nofinish, nodone  bool
	extra             string

	cut, abort, rst, hang, fault, malformed, huge int
	style                                         string
	endless, noheaders, nofirst                   bool

	status                                       int
	retry, message, kind, shape, redirect, model string
	fail                                         int
	strict                                       bool
	formats                                      string
	next                                         string // the directive of the next request

	html, json, bom, oneline, bytes        bool
	split, surrogates, invalid, nul, empty bool
	gzip, bomb                             bool
	eol, contentType                       string
	comments                               int
}

func honest() lie {
	return lie{
		chunks: 10, names: "reasoning_content", finish: "stop", style: "plain", eol: "\n",
		cut: never, abort: never, rst: never, hang: never, fault: never, malformed: never,
		shape: "openai", contentType: "text/event-stream", message: "as commanded", kind: "lie",
	}
}

// prefix opens a directive.
const prefix = "lie:"

// parse reads a directive, with its prefix. Text without the prefix is honest.
func parse(s string) (lie, error) {
	l := honest()
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
	if !ok {
		return l, nil
	}
	l.directive = strings.TrimSpace(line)
	words := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == ',' })
	if at := slices.Index(words, "then"); at >= 0 {
		l.next = prefix + strings.Join(words[at+1:], " ")
		words = words[:at]
	}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if err := l.set(name, value); err != nil {
			return l, fmt.Errorf("directive %q: %s: %w", l.directive, word, err)
		}
	}
	if l.next == "" {
		return l, nil
	}
	next, err := parse(l.next)
	l.mark = cmp.Or(l.mark, next.mark)
	return l, err
}

func (l *lie) set(name, value string) error {
	ints := map[string]*int{
		"chunks": &l.chunks, "reasoning": &l.reasoning, "cut": &l.cut, "abort": &l.abort, "rst": &l.rst, "hang": &l.hang,
		"error": &l.fault, "malformed": &l.malformed, "huge": &l.huge, "status": &l.status, "fail": &l.fail, "comments": &l.comments,
	}
	flags := map[string]*bool{
		"gate": &l.gate, "nofinish": &l.nofinish, "nodone": &l.nodone, "endless": &l.endless, "noheaders": &l.noheaders,
		"nofirst": &l.nofirst, "strict": &l.strict, "html": &l.html, "json": &l.json, "bom": &l.bom, "oneline": &l.oneline,
		"bytes": &l.bytes, "split": &l.split, "surrogates": &l.surrogates, "invalid": &l.invalid, "nul": &l.nul,
		"empty": &l.empty, "gzip": &l.gzip, "bomb": &l.bomb,
	}
	texts := map[string]*string{
		"text": &l.text, "tag": &l.tag, "mark": &l.mark, "names": &l.names, "usage": &l.usage, "finish": &l.finish, "extra": &l.extra,
		"tool": &l.tool, "args": &l.args, "formats": &l.formats,
		"style": &l.style, "retry": &l.retry, "message": &l.message, "kind": &l.kind, "shape": &l.shape,
		"redirect": &l.redirect, "type": &l.contentType,
	}
	var err error
	switch {
	case ints[name] != nil:
		*ints[name], err = strconv.Atoi(value)
	case flags[name] != nil:
		*flags[name] = true
	case texts[name] != nil:
		*texts[name], err = url.QueryUnescape(value)
	case name == "nousage":
		l.usage = "none"
	case name == "pace":
		l.pace, err = time.ParseDuration(value)
	case name == "eol":
		ends := map[string]string{"lf": "\n", "crlf": "\r\n", "cr": "\r"}
		if l.eol = ends[value]; l.eol == "" {
			err = fmt.Errorf("use lf, crlf or cr")
		}
	default:
		err = fmt.Errorf("no such word")
	}
	return err
}

// lies reports whether l has one of the lies that fail limits.
func (l *lie) lies() bool {
	return l.status != 0 || l.cut != never || l.abort != never || l.rst != never || l.hang != never || l.noheaders || l.nofirst
}

// truth drops them.
func (l *lie) truth() {
	l.status, l.cut, l.abort, l.rst, l.hang = 0, never, never, never, never
	l.noheaders, l.nofirst = false, false
}
