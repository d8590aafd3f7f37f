package transfer

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
	"chat/internal/cli/output"
	"chat/internal/term/charset"
)

// The limits of unpacking. Text does not compress this well.
const (
	maxUnpacked = 8 << 30
	maxRatio    = 250
	freeRatio   = 64 << 20 // bytes up to which the ratio is ignored
	maxMembers  = 100_000
)

// source is one text of an import.
type source struct {
	name string
	// member is true in a folder or an archive, where a text without conversations is not
	// an error.
	member bool
	text   io.Reader
}

// sources visits the files of an import.
type sources struct {
	// visit is called for every text; its error ends the import.
	visit func(source) error
	// fail is called for a file that cannot be read; its error ends the import.
	fail func(name string, why error) error
	// other is called for every other file.
	other func(name string)
}

// path visits a file or a folder.
func (s *sources) path(name string, member bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return s.fail(name, output.CannotRead(name, err))
	}
	if info.IsDir() {
		return s.folder(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return s.fail(name, output.CannotRead(name, err))
	}
	defer func() { _ = f.Close() }() // only read
	return s.file(f, name, member)
}

// file visits a file that may be compressed.
func (s *sources) file(f *os.File, name string, member bool) error {
	in := bufio.NewReaderSize(f, 64<<10)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return s.fail(name, output.CannotRead(name, err))
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		whole, cleanup, err := seekable(f, in)
		if err != nil {
			return s.fail(name, err)
		}
		return errors.Join(s.zip(whole, name), cleanup())
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return s.gzip(in, name, member)
	}
	return s.plain(source{name, member, in}, head)
}

// plain visits an uncompressed text.
func (s *sources) plain(from source, head []byte) error {
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return s.fail(from.name, chat.Errorf(chat.CodeInvalid, "%s is a tar archive: unpack it, and import the folder", from.name))
	}
	if kind, hint := charset.KindOf(head); kind != "" && hint != "" && !strings.Contains(hint, "FILE") {
		return s.fail(from.name, chat.Errorf(chat.CodeInvalid, "%s is %s: %s", from.name, kind, hint))
	}
	return s.visit(from)
}

// gzip visits a gzip file.
func (s *sources) gzip(in io.Reader, name string, member bool) error {
	packed := &counter{r: in}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return s.fail(name, packedError(name, err))
	}
	text := bufio.NewReaderSize(&limitedReader{r: z, name: name, packed: func() int64 { return packed.n }}, 64<<10)
	head, err := text.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return s.fail(name, packedError(name, err))
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return s.fail(name, chat.Errorf(chat.CodeInvalid, "%s is a zip file inside another archive: unpack it first", name))
	}
	return s.plain(source{name, member, text}, head)
}

// seekable returns f if it is a regular file, and otherwise a temporary copy.
func seekable(f *os.File, in io.Reader) (whole *os.File, cleanup func() error, err error) {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return f, func() error { return nil }, nil
	}
	whole, err = os.CreateTemp("", "chat-import-*.zip")
	if err != nil {
		return nil, nil, chat.Errorf(chat.CodeStorage, "cannot create a temporary file for the archive: %w", err)
	}
	cleanup = func() error { return errors.Join(whole.Close(), os.Remove(whole.Name())) }
	n, err := io.Copy(whole, io.LimitReader(in, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = errTooLong
	}
	if err != nil {
		return nil, nil, chat.Errorf(chat.CodeStorage, "cannot store the archive in a temporary file: %w", errors.Join(err, cleanup()))
	}
	return whole, cleanup, nil
}

// isText reports by its name whether a file may have conversations. Hidden files belong
// to the system.
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
		return s.fail(name, output.CannotRead(name, err))
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
		if err := s.zipMember(member, name+":"+member.Name); err != nil {
			return err
		}
	}
	if texts == 0 {
		return s.fail(name, chat.Errorf(chat.CodeInvalid, "%s has no JSON file: import reads a JSON file such as conversations.json", name))
	}
	return nil
}

// zipMember visits one text of an archive.
func (s *sources) zipMember(f *zip.File, name string) error {
	if f.Flags&1 != 0 {
		return s.fail(name, chat.Errorf(chat.CodeInvalid, "%s is encrypted: unpack the archive with its password, and import the folder", name))
	}
	r, err := f.Open()
	if err != nil {
		return s.fail(name, packedError(name, err))
	}
	defer func() { _ = r.Close() }()                                                                    // it was only read
	text := &limitedReader{r: r, name: name, packed: func() int64 { return int64(f.CompressedSize64) }} // no file has 2^63 bytes
	if strings.HasSuffix(strings.ToLower(f.Name), ".gz") {
		return s.gzip(text, name, true)
	}
	return s.visit(source{name, true, text})
}

// folder visits the texts and the archives in a folder and its subfolders.
func (s *sources) folder(name string) error {
	found := 0
	err := filepath.WalkDir(name, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return s.fail(at, output.CannotRead(at, err))
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
		err = s.fail(name, chat.Errorf(chat.CodeInvalid, "%s has no JSON file: import reads a JSON file such as conversations.json", name))
	}
	return err
}

// packedError returns the error of an archive for the user.
func packedError(name string, err error) error {
	switch {
	case chat.CodeOf(err) != chat.CodeInternal:
		return err
	case errors.Is(err, zip.ErrAlgorithm):
		return chat.Errorf(chat.CodeInvalid, "%s uses an unsupported compression method: unpack it, and import the folder", name)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, zip.ErrFormat):
		return chat.Errorf(chat.CodeInvalid, "%s is damaged, or its end is missing: download or copy it again", name)
	}
	return chat.Errorf(chat.CodeInvalid, "%s cannot be unpacked: %s", name, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "gzip: "), "zip: "))
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// limitedReader reads an uncompressed text and fails if it is implausibly large.
type limitedReader struct {
	r      io.Reader
	name   string
	packed func() int64 // the compressed bytes so far
	n      int64
}

func (b *limitedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > maxUnpacked || b.n > freeRatio && b.n/maxRatio > b.packed() {
		return 0, chat.Errorf(chat.CodeTooLarge, "%s expands to far more data than text does (%s so far): reading stopped", b.name, fmt.Sprintf("%d MiB", b.n>>20))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = packedError(b.name, err)
	}
	return n, err
}
