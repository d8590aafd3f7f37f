package settings

import (
	"slices"
	"strconv"
	"strings"

	"chat/daemon"
)

// With returns the text with a changed setting, which may be in a table. An empty value
// removes it.
func (f *File) With(key, value string) string {
	e, ok := f.Find(key)
	table, name := splitKey(key)
	line := name + " = " + tomlValue(value) + "\n"
	if isFallback(key) {
		line = name + " = " + tomlList(value) + "\n"
	}
	switch {
	case ok && value == "":
		return strings.Join(slices.Delete(slices.Clone(f.lines), e.from, e.to), "")
	case value == "":
		return f.Text()
	case ok:
		if e.rest != "" {
			line = strings.TrimSuffix(line, "\n") + " " + e.rest + "\n"
		}
		return strings.Join(slices.Replace(slices.Clone(f.lines), e.from, e.to, line), "")
	case table != "":
		return f.withInTable(table, line)
	}
	at := len(f.lines)
	if f.tables >= 0 {
		at = f.tables
		for at > 0 && strings.HasPrefix(strings.TrimSpace(f.lines[at-1]), "#") {
			at-- // a comment on the table
		}
		line += "\n"
	}
	return f.insert(at, line)
}

// splitKey splits the key of a field of a named provider, or of a model's or a role's fallback, into
// its table and its name there.
func splitKey(key string) (table, name string) {
	at := strings.LastIndexByte(key, '.')
	provider := strings.HasPrefix(key, daemon.ProvidersTable+".")
	if !provider && !(at >= 0 && key[at+1:] == fallbackField && (strings.HasPrefix(key, modelsTable+".") || strings.HasPrefix(key, rolesTable+"."))) {
		return "", key
	}
	return key[:at], key[at+1:]
}

// withInTable returns the text with a line at the end of a table, which is added if it is
// missing.
func (f *File) withInTable(table, line string) string {
	header := f.header(table)
	if header < 0 {
		head := "[" + quoteTable(table) + "]\n"
		if len(f.lines) > 0 {
			head = "\n" + head
		}
		return f.insert(len(f.lines), head+line)
	}
	at := header + 1
	for i := at; i < len(f.lines) && !strings.HasPrefix(strings.TrimSpace(f.lines[i]), "["); i++ {
		if strings.TrimSpace(f.lines[i]) != "" {
			at = i + 1
		}
	}
	for _, e := range f.entries { // a value may have lines that begin with [
		if t, _ := splitKey(e.key); t == table {
			at = max(at, e.to)
		}
	}
	return f.insert(at, line)
}

// header is the line of a table's header, -1 if there is none.
func (f *File) header(table string) int {
	return slices.IndexFunc(f.lines, func(line string) bool {
		line = strings.TrimSpace(line)
		return strings.HasPrefix(line, "[") && tableName(line) == table
	})
}

// quoteTable returns a table of a provider, a model or a role as it is written in a header.
func quoteTable(table string) string {
	of, name, _ := strings.Cut(table, ".")
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		name = strconv.Quote(name)
	}
	return of + "." + name
}

// WithoutTable returns the text without a table. A comment in front of it stays.
func (f *File) WithoutTable(table string) string {
	from := f.header(table)
	if from < 0 {
		return f.Text()
	}
	to := from + 1
	for to < len(f.lines) && !strings.HasPrefix(strings.TrimSpace(f.lines[to]), "[") {
		to++
	}
	for _, e := range f.entries {
		if t, _ := splitKey(e.key); t == table {
			to = max(to, e.to)
		}
	}
	return strings.Join(slices.Delete(slices.Clone(f.lines), from, to), "")
}

// insert returns the text with a line inserted.
func (f *File) insert(at int, line string) string {
	text := strings.Join(f.lines[:at], "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + strings.Join(f.lines[at:], "")
}
