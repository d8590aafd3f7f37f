package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"chat"
	"chat/internal/term/charset"
)

// The bounds of what is unpacked. No text becomes this much smaller by packing.
const (
	maxUnpacked = 8 << 30
	maxRatio    = 250
	freeRatio   = 64 << 20 // bytes up to which the ratio means nothing
	maxMembers  = 100_000
)

// source is one text of an import.
type source struct {
	name string
	// member says that it was found in a folder or an archive: that it has no
	// conversations is then no mistake.
	member bool
	text   io.Reader
}

// sources goes through the files that the arguments of an import mean.
type sources struct {
	// visit is called for every text; its error ends the import.
	visit func(source) error
	// fail is called for what cannot be read; its error ends the import.
	fail func(name string, why error) error
	// other is called for every file that has nothing to do with conversations.
	other func(name string)
}

// path visits a file or a folder.
func (s *sources) path(name string, member bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return s.fail(name, fileError(name, err))
	}
	if info.IsDir() {
		return s.folder(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return s.fail(name, fileError(name, err))
	}
	defer func() { _ = f.Close() }() // it was only read
	return s.file(f, name, member)
}

// file visits a file that may be packed.
func (s *sources) file(f *os.File, name string, member bool) error {
	in := bufio.NewReaderSize(f, 64<<10)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return s.fail(name, fileError(name, err))
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		whole, drop, err := seekable(f, in)
		if err != nil {
			return s.fail(name, err)
		}
		return errors.Join(s.zip(whole, name), drop())
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return s.gzip(in, name, member)
	}
	return s.plain(source{name, member, in}, head)
}

// plain visits a text that is not packed.
func (s *sources) plain(from source, head []byte) error {
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return s.fail(from.name, chat.Errorf(chat.CodeInvalid, "%s is a tar archive: unpack it, and import the folder", from.name))
	}
	if kind, hint := charset.KindOf(head); kind != "" && hint != "" && !strings.Contains(hint, "FILE") {
		return s.fail(from.name, chat.Errorf(chat.CodeInvalid, "%s is %s: %s", from.name, kind, hint))
	}
	return s.visit(from)
}

// gzip visits a text that is packed by itself.
func (s *sources) gzip(in io.Reader, name string, member bool) error {
	packed := &counter{r: in}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return s.fail(name, packedError(name, err))
	}
	text := bufio.NewReaderSize(&bounded{r: z, name: name, packed: func() int64 { return packed.n }}, 64<<10)
	head, err := text.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return s.fail(name, packedError(name, err))
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return s.fail(name, chat.Errorf(chat.CodeInvalid, "%s is a zip file inside another archive: unpack it first", name))
	}
	return s.plain(source{name, member, text}, head)
}

// seekable is the whole of a file to be read anywhere: a copy of it where it is a
// pipe.
func seekable(f *os.File, in io.Reader) (whole *os.File, drop func() error, err error) {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return f, func() error { return nil }, nil
	}
	whole, err = os.CreateTemp("", "chat-import-*.zip")
	if err != nil {
		return nil, nil, chat.Errorf(chat.CodeStorage, "no file to unpack from: %w", err)
	}
	drop = func() error { return errors.Join(whole.Close(), os.Remove(whole.Name())) }
	n, err := io.Copy(whole, io.LimitReader(in, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = errTooLong
	}
	if err != nil {
		return nil, nil, chat.Errorf(chat.CodeStorage, "the archive cannot be kept until it is unpacked: %w", errors.Join(err, drop()))
	}
	return whole, drop, nil
}

// isText reports whether a file may hold conversations, by its name. Hidden files
// are notes of systems and tools.
func isText(name string) bool {
	base := strings.ToLower(path.Base(filepath.ToSlash(name)))
	if strings.HasPrefix(base, ".") || strings.Contains(filepath.ToSlash(name), "__MACOSX/") {
		return false
	}
	base = strings.TrimSuffix(base, ".gz")
	return slices.Contains([]string{".json", ".jsonl", ".ndjson"}, path.Ext(base))
}

// zip visits the texts in an archive.
func (s *sources) zip(f *os.File, name string) error {
	info, err := f.Stat()
	if err != nil {
		return s.fail(name, fileError(name, err))
	}
	z, err := zip.NewReader(f, info.Size())
	switch {
	case err != nil:
		return s.fail(name, packedError(name, err))
	case len(z.File) > maxMembers:
		return s.fail(name, chat.Errorf(chat.CodeTooLarge, "%s has more than %d files: unpack it, and import those with conversations", name, maxMembers))
	}
	files := slices.DeleteFunc(slices.Clone(z.File), func(f *zip.File) bool { return f.FileInfo().IsDir() })
	slices.SortStableFunc(files, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	texts := 0
	for _, member := range files {
		if !isText(member.Name) {
			s.other(name + ":" + member.Name)
			continue
		}
		texts++
		if err := s.zipped(member, name+":"+member.Name); err != nil {
			return err
		}
	}
	if texts == 0 {
		return s.fail(name, chat.Errorf(chat.CodeInvalid, "%s has no JSON file: an export has its conversations in one, such as conversations.json", name))
	}
	return nil
}

// zipped visits one text in an archive.
func (s *sources) zipped(f *zip.File, name string) error {
	if f.Flags&1 != 0 {
		return s.fail(name, chat.Errorf(chat.CodeInvalid, "%s is encrypted: unpack the archive with its password, and import the folder", name))
	}
	r, err := f.Open()
	if err != nil {
		return s.fail(name, packedError(name, err))
	}
	defer func() { _ = r.Close() }()                                                              // it was only read
	text := &bounded{r: r, name: name, packed: func() int64 { return int64(f.CompressedSize64) }} // no file has 2^63 bytes
	if strings.HasSuffix(strings.ToLower(f.Name), ".gz") {
		return s.gzip(text, name, true)
	}
	return s.visit(source{name, true, text})
}

// folder visits the texts and the archives in a folder, and in those in it.
func (s *sources) folder(name string) error {
	found := 0
	err := filepath.WalkDir(name, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return s.fail(at, fileError(at, err))
		case d.IsDir():
			return nil
		case isText(at) || strings.HasSuffix(strings.ToLower(at), ".zip"):
			found++
			return s.path(at, true)
		}
		s.other(at)
		return nil
	})
	if err == nil && found == 0 {
		err = s.fail(name, chat.Errorf(chat.CodeInvalid, "%s has no JSON file: an export has its conversations in one, such as conversations.json", name))
	}
	return err
}

// packedError is what is wrong with an archive.
func packedError(name string, err error) error {
	switch {
	case chat.CodeOf(err) != chat.CodeInternal:
		return err
	case errors.Is(err, zip.ErrAlgorithm):
		return chat.Errorf(chat.CodeInvalid, "%s is packed in a way that is not known here: unpack it, and import the folder", name)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, zip.ErrFormat):
		return chat.Errorf(chat.CodeInvalid, "%s is damaged, or its end is missing: download or copy it again", name)
	}
	return chat.Errorf(chat.CodeInvalid, "%s cannot be unpacked: %s", name, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "gzip: "), "zip: "))
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// bounded is a text that is unpacked, as long as it can be one.
type bounded struct {
	r      io.Reader
	name   string
	packed func() int64 // its size in the archive, as far as it has been read
	n      int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > maxUnpacked || b.n > freeRatio && b.n/maxRatio > b.packed() {
		return 0, chat.Errorf(chat.CodeTooLarge, "%s becomes far larger by unpacking than any text does (%s so far): it is not read on", b.name, fmt.Sprintf("%d MiB", b.n>>20))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = packedError(b.name, err)
	}
	return n, err
}
