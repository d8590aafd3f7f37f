// Package fetch gets a file at a web address, for a message. The address may come from anywhere, so
// that its size, its time, its type, its redirects and the addresses to which it leads are limited.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/http/httpproxy"

	"chat"
)

// The limits of one file.
const (
	timeout      = 30 * time.Second
	dialTimeout  = 10 * time.Second
	maxRedirects = 5
	maxHeader    = 64 << 10
	maxPage      = 4 << 20 // of HTML, which becomes shorter
)

// Flag is the name of the flag that allows addresses that are not public, and Variable that of
// the variable.
const (
	Flag     = "allow-private-urls"
	Variable = "CHAT_ALLOW_PRIVATE_URLS"
)

// Client gets files.
type Client struct {
	// Private allows addresses that are not public.
	Private bool
	// Lookup returns a variable of the environment: the proxies are named there.
	Lookup func(name string) (string, bool)
}

// File is a file at a web address.
type File struct {
	Name  string // a file name, without directories and control characters
	Shown string // the address for messages, without credentials and query
	// Data are the contents. A page of HTML is Markdown, and text with a declared encoding UTF-8.
	Data []byte
}

// Get returns the file at a web address. Its errors say what to change.
func (c Client) Get(ctx context.Context, address string) (File, error) {
	u, err := parse(address)
	if err != nil {
		return File{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	f := File{Shown: shown(u)}
	resp, err := c.follow(ctx, u)
	if err != nil {
		return f, c.explain(ctx, f.Shown, err)
	}
	defer func() { _ = resp.Body.Close() }() // the file is read, or an error is known
	f.Name = nameOf(resp)
	if f.Data, err = read(resp, f.Shown); err != nil {
		return f, c.explain(ctx, f.Shown, err)
	}
	return f, nil
}

var errTimeout = errors.New("it took too long")

func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || !isWeb(u) || u.Hostname() == "" {
		return nil, chat.Errorf(chat.CodeInvalid, "the address is not a URL of the form https://host/path")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func isWeb(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// shown is an address without what may be secret.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// follow sends the request, and follows its redirects. Each is checked like the first address.
func (c Client) follow(ctx context.Context, u *url.URL) (*http.Response, error) {
	for n := 0; ; n++ {
		resp, err := c.request(ctx, u)
		if err != nil {
			return nil, err
		}
		next, err := resp.Location()
		if resp.StatusCode < 300 || resp.StatusCode > 399 || err != nil {
			if resp.StatusCode != http.StatusOK {
				err = chat.Errorf(chat.CodeInvalid, "%s cannot be attached: the server answered %d %s", shown(u), resp.StatusCode, http.StatusText(resp.StatusCode))
				_ = resp.Body.Close() // not wanted
				return nil, err
			}
			return resp, nil
		}
		_ = resp.Body.Close() // not wanted
		switch {
		case n == maxRedirects:
			return nil, chat.Errorf(chat.CodeInvalid, "%s redirects more than %d times: give the address of the file itself", shown(u), maxRedirects)
		case !isWeb(next):
			return nil, chat.Errorf(chat.CodeInvalid, "%s redirects to an address that is not http or https: give the address of the file itself", shown(u))
		case u.Scheme == "https" && next.Scheme == "http":
			return nil, chat.Errorf(chat.CodeInvalid, "%s redirects to %s, which is not encrypted: give that address if you want it", shown(u), shown(next))
		}
		next.Fragment, next.RawFragment = "", ""
		u = next
	}
}

// request makes one request, through the proxy that the environment names, or directly.
func (c Client) request(ctx context.Context, u *url.URL) (*http.Response, error) {
	if isOddNumber(u.Hostname()) {
		return nil, chat.Errorf(chat.CodeInvalid, "%q is not an address: write it as four decimal numbers, as in 192.0.2.1", u.Hostname())
	}
	proxy, err := c.proxy(u)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader,
	}
	switch {
	case proxy != nil:
		transport.Proxy = http.ProxyURL(proxy)
		if err := checkName(u); err != nil && !c.Private {
			return nil, err
		}
	case !c.Private:
		dialer.Control = checkDial
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if u.User != nil {
		password, _ := u.User.Password()
		req.SetBasicAuth(u.User.Username(), password)
		req.URL.User = nil
	}
	req.Header.Set("User-Agent", "chat")
	req.Header.Set("Accept", "text/markdown, text/plain;q=0.9, text/html;q=0.8, */*;q=0.7")
	resp, err := transport.RoundTrip(req)
	if err != nil && proxy != nil {
		err = fmt.Errorf("through the proxy %s: %w", shown(proxy), err)
	}
	return resp, err
}

// proxy returns the proxy for a URL, nil for none.
func (c Client) proxy(u *url.URL) (*url.URL, error) {
	env := func(names ...string) string {
		for _, name := range names {
			if v, ok := c.Lookup(name); ok && v != "" {
				return v
			}
		}
		return ""
	}
	config := httpproxy.Config{
		HTTPProxy:  env("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
		HTTPSProxy: env("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
		NoProxy:    env("NO_PROXY", "no_proxy"),
	}
	proxy, err := config.ProxyFunc()(u)
	if err != nil {
		return nil, chat.Errorf(chat.CodeNotConfigured, "the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: %w", err)
	}
	return proxy, nil
}

// explain says what to do about an error.
func (c Client) explain(ctx context.Context, shown string, err error) error {
	if e, ok := errors.AsType[*addressError](err); ok {
		return chat.Errorf(chat.CodeInvalid, "%s leads to %s, which is not on the public Internet: if you trust it, add --%s (or set %s=1)", shown, e.address, Flag, Variable)
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeout):
		return chat.Errorf(chat.CodeInvalid, "%s did not arrive within %d seconds: download it and attach the file", shown, int(timeout.Seconds()))
	case cause != nil:
		return cause
	}
	out := chat.Errorf(chat.CodeInvalid, "%s cannot be attached: %s", shown, err)
	out.Cause = err
	return out
}

// nameOf is the name of a file: that which the server gives, the last part of its path, or the host.
func nameOf(resp *http.Response) string {
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	name := ""
	if err == nil {
		name = clean(params["filename"])
	}
	u := resp.Request.URL // after redirects
	return cmp.Or(name, clean(u.Path), clean(u.Hostname()), "file")
}

// clean returns the last part of a path without characters that have a meaning elsewhere.
func clean(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`"<>|:*?`, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.Trim(name, ". /")
	const longest = 100
	if r := []rune(name); len(r) > longest {
		name = string(r[len(r)-longest:]) // with its extension
	}
	return name
}

// read reads the contents up to the limit of their type.
func read(resp *http.Response, shown string) ([]byte, error) {
	declared := resp.Header.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(declared)
	if err != nil {
		kind = ""
	}
	if !attachable(kind) {
		return nil, chat.Errorf(chat.CodeUnsupported, "%s is %s: only text, JSON, XML, HTML, images (PNG, JPEG, WebP, GIF) and PDF can be attached", shown, kind)
	}
	limit := int64(chat.MaxDocument)
	switch {
	case strings.HasPrefix(kind, "image/"):
		limit = chat.MaxImage
	case isPage(kind):
		limit = maxPage
	case kind != "" && kind != "application/octet-stream" && kind != chat.PDFType:
		limit = chat.MaxText
	}
	tooLarge := chat.Errorf(chat.CodeTooLarge, "%s is larger than %s, the limit for %s: download it and attach a part of it", shown, chat.FormatSize(limit), cmp.Or(kind, "files"))
	if resp.ContentLength > limit {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, tooLarge
	case isPage(kind) || kind == "" && strings.HasPrefix(http.DetectContentType(data), "text/html"):
		return markdown(data, declared)
	case params["charset"] != "":
		return decode(data, params["charset"]), nil
	}
	return data, nil
}

func isPage(kind string) bool { return kind == "text/html" || kind == "application/xhtml+xml" }

// attachable reports whether contents of a declared type may be ones that can be attached.
func attachable(kind string) bool {
	main, sub, _ := strings.Cut(kind, "/")
	switch {
	case kind == "", main == "text", strings.HasSuffix(sub, "+json"), strings.HasSuffix(sub, "+xml"):
		return true
	case main == "image":
		return slices.Contains(chat.ImageTypes(), kind)
	case main == "application":
		return slices.Contains([]string{
			"octet-stream", "pdf", "json", "xml", "javascript", "x-javascript", "yaml", "x-yaml", "toml", "sql", "graphql", "x-sh", "x-shellscript",
			"x-ndjson", "jsonl", "x-tex", "x-latex", "x-httpd-php", "typescript", "rtf", "x-python", "x-perl", "x-ruby",
		}, sub)
	}
	return false
}
