package attach

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chat"
	"chat/internal/term/charset"
)

// MaxMessage is the server's limit on a message, in bytes.
const MaxMessage = 768 << 10

// Place is where paths begin.
type Place struct {
	Dir  string // of relative ones
	Home string // of those with ~, "" if there is none
}

// resolve is the path of a mention.
func (p Place) resolve(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && p.Home != "" {
		return filepath.Join(p.Home, rest)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.Dir, path)
	}
	return filepath.Clean(path)
}

// IsFile reports whether a path is that of a regular file.
func (p Place) IsFile(path string) bool {
	info, err := os.Stat(p.resolve(path))
	return err == nil && info.Mode().IsRegular()
}

// Message is a draft with the files that it mentions behind it. missing are the
// mentions that look like paths and are none, and err says why the first of the others
// that are not there is not; all these stay words, with which it can be sent, too.
func (p Place) Message(draft string) (message string, missing []string, err error) {
	parts := []string{strings.TrimRight(draft, "\n")}
	seen := map[string]bool{}
	leave := func(why error) {
		if err == nil {
			err = why
		}
	}
	for _, m := range Mentions(draft) {
		path := p.resolve(m.Path)
		if seen[path] {
			continue
		}
		seen[path] = true
		info, statErr := os.Stat(path)
		switch {
		case errors.Is(statErr, fs.ErrPermission) && looksLikePath(m.Path):
			leave(failed(m.Path, statErr))
			continue
		case statErr != nil || info.IsDir(): // a path that is too long, say, is none
			if looksLikePath(m.Path) {
				missing = append(missing, m.Path)
			}
			continue
		}
		block, why := readRegular(path, m.Path, info)
		if why == nil {
			why = Check(strings.Join(append(slices.Clip(parts), block), "\n\n"))
		}
		if why != nil {
			leave(why)
			continue
		}
		parts = append(parts, block)
	}
	return strings.Join(parts, "\n\n"), missing, err
}

func readRegular(path, name string, info fs.FileInfo) (string, error) {
	if !info.Mode().IsRegular() {
		return "", chat.Errorf(chat.CodeInvalid, "%s is no regular file", name)
	}
	return Read(path, name)
}

// Check refuses a message that is too long, or has too many or too large images.
func Check(message string) error {
	if text := len(chat.WithoutImages(message)); text > MaxMessage {
		return chat.Errorf(chat.CodeTooLarge, "with its files the message has %d KiB; a message has %d at most", text>>10, MaxMessage>>10)
	}
	return chat.CheckImages(message)
}

// Read reads a file into the block that stands for it in a message. What it is,
// its contents say, not its name. Errors call it by name.
func Read(path, name string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", failed(name, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, chat.MaxImage+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", failed(name, err)
	}
	return Bytes(filepath.Base(path), name, data)
}

// Bytes is the block of a file with the given contents.
func Bytes(base, name string, data []byte) (string, error) {
	if chat.ImageType(data) != "" {
		if len(data) > chat.MaxImage {
			return "", chat.Errorf(chat.CodeTooLarge, "%s is larger than %d MiB, the limit of an image: make it smaller", name, chat.MaxImage>>20)
		}
		img, err := chat.NewImage(base, data)
		return img.Block(), err
	}
	text, err := Text(name, data)
	if err != nil {
		return "", err
	}
	return Block(base, text), nil
}

// Stdin is what errors call the standard input.
const Stdin = "stdin"

// Text is the text of a file in any encoding of Unicode, with \n as its line ends.
// What is in another encoding is refused, by name.
func Text(name string, data []byte) (string, error) {
	large := chat.Errorf(chat.CodeTooLarge, "%s is larger than %d KiB, the limit of a message", name, MaxMessage>>10)
	if len(data) > chat.MaxImage {
		return "", large
	}
	text, err := charset.Decode(data)
	if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
		path := name
		if name == Stdin {
			path = ""
		}
		what := p.Sentence(name, path)
		if p.NUL || p.Kind != "" && p.Hint == "" {
			what += ", and no image (PNG, JPEG, WebP or GIF)"
		}
		return "", chat.Errorf(chat.CodeInvalid, "%s", what)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if len(text) > MaxMessage {
		return "", large
	}
	return text, err
}

func failed(name string, err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return chat.Errorf(chat.CodeInvalid, "cannot read %s: %w", name, err)
}
