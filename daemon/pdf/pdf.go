// Package pdf reads the text of PDF files, which are untrusted: PDFium runs as WebAssembly, without
// files and network, and within limits on time, memory, pages and output. Nothing is prepared
// before the first file is read, and nothing is kept afterwards but the compiled code on disk.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"chat"
)

// The limits of reading one file.
const (
	// memoryPages is the memory of the sandbox, in units of 64 KiB.
	memoryPages = 256 << 20 >> 16
	// compileTimeout bounds the preparation. The code is compiled once for each version, which takes
	// seconds.
	compileTimeout = 2 * time.Minute
	// readTimeout bounds the reading of one file.
	readTimeout = 20 * time.Second
	// maxWaiting is the number of files that wait while one is read: each is in memory.
	maxWaiting = 16
	// maxPages is the number of pages whose text is read.
	maxPages = 3000
)

// Reader reads files, one at a time. It is safe for concurrent use.
type Reader struct {
	cacheDir string
	turn     chan struct{} // holds a token while a file is read
	waiting  chan struct{} // holds a token for each file that waits or is read
	timeout  time.Duration
}

// New returns a Reader that keeps the compiled code in a directory, which it creates. Without
// one, or if it cannot be written, the code is compiled for each file.
func New(cacheDir string) *Reader {
	return &Reader{cacheDir: cacheDir, turn: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting+1), timeout: readTimeout}
}

// errTooLong is the cause of a context that ended because a limit on time was reached.
var errTooLong = errors.New("it took too long")

// Read returns a PDF with its number of pages and its text: that of each page after a line such as
// "[page 1]". The text is empty if no page has any, and has at most chat.MaxDocumentText bytes: a
// line at its end says what is missing.
//
// The error has the code CodeUnsupported if the file is encrypted, damaged, or exceeds the limits
// before its pages are known, and CodeTooMany if too many files wait.
func (r *Reader) Read(ctx context.Context, a chat.Attachment) (chat.Attachment, error) {
	select {
	case r.waiting <- struct{}{}:
		defer func() { <-r.waiting }()
	default:
		return a, chat.Retryable(chat.Errorf(chat.CodeTooMany, "the server is reading other PDF files: send again"))
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return a, context.Cause(ctx)
	}
	defer debug.FreeOSMemory() // compiling takes 300 MB
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(compileTimeout, func() { cancel(errTooLong) })
	defer timer.Stop()
	pool, closeCache, err := r.prepare(ctx)
	if ctx.Err() != nil {
		if err == nil {
			_ = pool.Close() // it is not used
			closeCache()
		}
		return a, refusal(ctx, err)
	}
	if err != nil {
		return a, fmt.Errorf("prepare the reader of PDF files: %w", err)
	}
	defer closeCache()
	defer func() { _ = pool.Close() }() // the memory of the sandbox
	timer.Reset(r.timeout)
	instance, err := pool.GetInstanceWithContext(ctx)
	if ctx.Err() != nil {
		return a, refusal(ctx, err)
	}
	if err != nil {
		return a, fmt.Errorf("start the reader of PDF files: %w", err)
	}
	a.Pages, a.Text, err = read(ctx, instance, a.Data)
	return a, err
}

// prepare returns PDFium in a sandbox that ends with ctx, and what is to be called after it was
// closed.
func (r *Reader) prepare(ctx context.Context) (pool pdfium.Pool, closeCache func(), err error) {
	config := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(memoryPages).WithCloseOnContextDone(true).WithDebugInfoEnabled(false)
	closeCache = func() {}
	if cache, err := r.cache(); err == nil { // without it, reading takes longer
		config = config.WithCompilationCache(cache)
		closeCache = func() { _ = cache.Close(context.WithoutCancel(ctx)) } // the code in memory
	}
	pool, err = webassembly.Init(webassembly.Config{
		Context: experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), MaxIdle: 1, MaxTotal: 1,
		RuntimeConfig: config, FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		closeCache()
	}
	return pool, closeCache, err
}

// cache opens the directory of compiled code. Whoever can write there can run code, so that only
// the user may.
func (r *Reader) cache() (wazero.CompilationCache, error) {
	if r.cacheDir == "" {
		return nil, errors.New("there is no directory")
	}
	if err := os.MkdirAll(r.cacheDir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Lstat(r.cacheDir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s can be written by others", filepath.Base(r.cacheDir))
	}
	return wazero.NewCompilationCacheWithDir(r.cacheDir)
}

// read reads a file. Pages that come after a limit are left out, and the text says so.
func read(ctx context.Context, instance pdfium.Pdfium, data []byte) (pages int, text string, err error) {
	opened, err := instance.OpenDocument(&requests.OpenDocument{File: &data})
	if err != nil {
		return 0, "", refusal(ctx, err)
	}
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	switch {
	case err != nil:
		return 0, "", refusal(ctx, err)
	case count.PageCount <= 0:
		return 0, "", refusal(ctx, errors.New("it has no pages"))
	}
	text, err = textOf(ctx, instance, opened.Document, count.PageCount)
	return count.PageCount, text, err
}

func textOf(ctx context.Context, instance pdfium.Pdfium, doc references.FPDF_DOCUMENT, pages int) (string, error) {
	var b strings.Builder
	read, some := 0, false
	for ; read < min(pages, maxPages) && ctx.Err() == nil; read++ {
		text, err := instance.GetPageText(&requests.GetPageText{Page: requests.Page{ByIndex: &requests.PageByIndex{Document: doc, Index: read}}})
		if err != nil && ctx.Err() != nil {
			break
		}
		head := fmt.Sprintf("[page %d]\n", read+1)
		body := "(this page cannot be read)"
		if err == nil {
			body = clean(text.Text)
			some = some || body != ""
		}
		if b.Len()+len(head)+len(body)+len("\n\n") > chat.MaxDocumentText-maxEnding {
			break
		}
		b.WriteString(head + body + "\n\n")
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTooLong) {
		return "", cause // of the caller
	}
	if !some {
		return "", nil
	}
	if read < pages {
		fmt.Fprintf(&b, "[the text of %d of %d pages was read; the rest is left out]", read, pages)
	}
	return strings.TrimRight(b.String(), "\n"), nil
}

// maxEnding is the length of the line about pages that were left out, at most.
const maxEnding = 128

// clean returns text without control characters, which are invalid in messages or mean nothing
// to a model.
func clean(text string) string {
	text = strings.ReplaceAll(chat.NormalizeText(text), "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r == '\r':
			return '\n'
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0xfffe && r <= 0xffff: // PDFium's mark of a hyphen is among them
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// refusal says why a file cannot be read.
func refusal(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTooLong) {
		return cause // of the caller
	}
	why := "the PDF is damaged or incomplete: save it again with another program"
	switch {
	case ctx.Err() != nil:
		why = fmt.Sprintf("the PDF could not be read in %d seconds: save it again with another program, or attach a part of it", int(readTimeout.Seconds()))
	case errors.Is(err, pdfiumerrors.ErrPassword):
		why = "the PDF is protected with a password: save it without one, for example with qpdf --decrypt"
	case errors.Is(err, pdfiumerrors.ErrSecurity):
		why = "the PDF is encrypted in a way that is not supported: save it without encryption"
	}
	out := chat.Errorf(chat.CodeUnsupported, "%s", why)
	out.Cause = err
	return out
}
