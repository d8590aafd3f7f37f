package attach

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"chat"
	"chat/internal/term/charset"
)

// Dirs are the directories in which paths begin.
type Dirs struct {
	Dir  string // for relative paths
	Home string // for paths with ~, "" if unknown
	// Fetch gets the file at a web address; nil leaves these as text.
	Fetch func(ctx context.Context, url string) (name string, data []byte, err error)
}

// IsURL reports whether a path is a web address.
func IsURL(path string) bool {
	scheme, rest, ok := strings.Cut(path, "://")
	return ok && rest != "" && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// resolve returns the path of a mention.
func (p Dirs) resolve(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && p.Home != "" {
		return filepath.Join(p.Home, rest)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.Dir, path)
	}
	return filepath.Clean(path)
}

// IsFile reports whether a path is that of a regular file.
func (p Dirs) IsFile(path string) bool {
	info, err := os.Stat(p.resolve(path))
	return err == nil && info.Mode().IsRegular()
}

// Message returns a draft followed by the files that it mentions. missing lists the
// mentions that look like paths but do not exist, and err is the first error of the
// files that cannot be read; all of these stay text, so that the message can be
// sent as it is.
func (p Dirs) Message(ctx context.Context, draft string) (message Message, missing []string, err error) {
	message.Parts = ParseDraft(draft)
	referred := map[string]int{} // by name, as in an edited message
	for _, part := range message.Parts {
		if part.Digest != "" {
			referred[part.Name]++
		}
	}
	seen := map[string]bool{}
	leave := func(why error) {
		if err == nil {
			err = why
		}
	}
	add := func(name string, a chat.Attachment, why error) {
		with := message
		if why == nil {
			with.Add(name, a)
			why = with.Parts.CheckSize()
		}
		if why != nil {
			leave(why)
			return
		}
		message = with
	}
	for _, m := range Mentions(draft) {
		path := p.resolve(m.Path)
		fromWeb := p.Fetch != nil && IsURL(m.Path)
		if fromWeb {
			path = m.Path
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		if name := filepath.Base(path); referred[name] > 0 { // the reference stands for this mention
			referred[name]--
			continue
		}
		if fromWeb {
			name, a, why := p.fetch(ctx, path)
			add(name, a, why)
			continue
		}
		info, statErr := os.Stat(path)
		switch {
		case errors.Is(statErr, fs.ErrPermission) && looksLikePath(m.Path):
			leave(failed(m.Path, statErr))
			continue
		case statErr != nil || info.IsDir(): // not a file, for example a path that is too long
			if looksLikePath(m.Path) {
				missing = append(missing, m.Path)
			}
			continue
		}
		a, why := readRegular(path, m.Path, info)
		add(filepath.Base(path), a, why)
	}
	return message, missing, err
}

// fetch gets the file at a web address that a message mentions. The message has the address, which
// therefore must not have a password.
func (p Dirs) fetch(ctx context.Context, address string) (string, chat.Attachment, error) {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return "", chat.Attachment{}, chat.Errorf(chat.CodeInvalid, "the address of %s has a name or a password, which the message would show: attach it with chat send -f", u.Host)
	}
	name, data, err := p.Fetch(ctx, address)
	if err != nil {
		return "", chat.Attachment{}, err
	}
	a, err := Bytes(name, data)
	return name, a, err
}

func readRegular(path, name string, info fs.FileInfo) (chat.Attachment, error) {
	if !info.Mode().IsRegular() {
		return chat.Attachment{}, chat.Errorf(chat.CodeInvalid, "%s is not a regular file", name)
	}
	return Read(path, name)
}

// Read reads a file. Its contents determine its type, not its name. Errors use
// name.
func Read(path, name string) (chat.Attachment, error) {
	f, err := os.Open(path)
	if err != nil {
		return chat.Attachment{}, failed(name, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, chat.MaxDocument+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return chat.Attachment{}, failed(name, err)
	}
	return Bytes(name, data)
}

// Bytes returns the attachment for the contents of a file. It converts text to
// UTF-8 with \n as line ends.
func Bytes(name string, data []byte) (chat.Attachment, error) {
	if chat.ImageType(data) != "" {
		if len(data) > chat.MaxImage {
			return chat.Attachment{}, chat.Errorf(chat.CodeTooLarge, "%s is larger than %d MiB, the limit of an image: make it smaller", name, chat.MaxImage>>20)
		}
		return chat.NewAttachment(data)
	}
	if chat.IsPDF(data) {
		if len(data) > chat.MaxDocument {
			return chat.Attachment{}, chat.Errorf(chat.CodeTooLarge, "%s is larger than %d MiB, the limit of a PDF: attach a part of it", name, chat.MaxDocument>>20)
		}
		return chat.NewAttachment(data)
	}
	text, err := Text(name, data)
	if err != nil {
		return chat.Attachment{}, err
	}
	return chat.NewAttachment([]byte(text))
}

// Stdin is the name of the standard input in errors.
const Stdin = "stdin"

// Text returns the text of a file in any Unicode encoding, with \n as line ends.
// Its error names any other encoding.
func Text(name string, data []byte) (string, error) {
	large := chat.Errorf(chat.CodeTooLarge, "%s is larger than %d KiB, the limit of a message", name, chat.MaxText>>10)
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
			what += ", and neither an image (PNG, JPEG, WebP or GIF) nor a PDF"
		}
		return "", chat.Errorf(chat.CodeInvalid, "%s", what)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if len(text) > chat.MaxText {
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
