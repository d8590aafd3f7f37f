package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"chat"
	"chat/internal/lazyregexp"
)

// CheckBaseURL reports what is wrong with a base URL, nil if it can be used. It does not
// resolve names: the dialer checks their addresses.
func CheckBaseURL(raw string) error {
	u, err := ParseBase(raw)
	if err != nil {
		shown := PrintableURL(raw)
		if shown == notURL {
			shown = "given"
		}
		return chat.Errorf(chat.CodeInvalid, "the base URL %s %w", shown, err)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && refused(ip) {
		return errAddress(u.Hostname())
	}
	return nil
}

// HostOf returns the host of a base URL, with the port if the URL has one; "" if the URL
// cannot be used.
func HostOf(raw string) string {
	u, err := ParseBase(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// ParseBase reads a base URL as people write and paste it: without a scheme, in quotes,
// with the path of a call at its end. The result has none of that. Errors complete a
// sentence about the URL.
func ParseBase(raw string) (*url.URL, error) {
	text := pasted(raw)
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return nil, errors.New("has a space in it")
	}
	text, err := withScheme(text)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		if authority, _, _ := strings.Cut(text[strings.Index(text, "://")+3:], "/"); strings.Count(authority, ":") > 1 && !strings.Contains(authority, "[") && !strings.Contains(authority, "@") {
			return nil, errors.New("has an IPv6 address without brackets, as in http://[::1]:8080/v1")
		}
		return nil, errors.New("is not a URL") // the reason repeats it, with what may be secret
	}
	switch {
	case u.User != nil:
		return nil, errors.New("has a user name or a password in it: keep a key with chat auth login, or in OPENAI_API_KEY, and leave out what is before the @")
	case u.Hostname() == "":
		return nil, errors.New("names no host")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("has a # in it: leave out what comes after it")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("has a port that is not from 1 to 65535")
		}
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), reachable(u)
	u.ForceQuery = false
	tidyPath(u)
	return u, nil
}

// pasted removes from raw what is copied along with a URL.
func pasted(raw string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, raw)
	edge := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'`<>“”‘’«»,;", r) }
	text = strings.TrimFunc(text, edge)
	for _, prefix := range []string{"export ", "set ", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "base_url"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text = strings.TrimFunc(strings.TrimLeft(rest, " ="), edge)
		}
	}
	return text
}

var (
	webScheme   = lazyregexp.New(`^(?i)(https?):/{0,2}`)
	otherScheme = lazyregexp.New(`^(?i)[a-z][a-z0-9+.-]*://`)
)

// withScheme adds a missing scheme to text: http for hosts nearby, https for all others.
func withScheme(text string) (string, error) {
	if m := webScheme.FindStringSubmatch(text); m != nil {
		return m[1] + "://" + text[len(m[0]):], nil
	}
	if otherScheme.MatchString(text) {
		return "", errors.New("must begin with http:// or https://")
	}
	text = strings.TrimLeft(text, "/")
	authority := text
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		authority = text[:i]
	}
	if strings.HasPrefix(authority, ":") {
		text, authority = "127.0.0.1"+text, "127.0.0.1"+authority
	}
	if text == "" || !strings.ContainsAny(authority, ".:") && authority != "localhost" {
		return "", errors.New("is not a URL")
	}
	if isNear(authority) {
		return "http://" + text, nil
	}
	return "https://" + text, nil
}

// isNear reports whether a host is on this machine or in its network, where TLS is rare.
func isNear(authority string) bool {
	host := authority
	if h, _, err := net.SplitHostPort(authority); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified()
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc([]string{".localhost", ".local", ".lan", ".internal", ".home.arpa"}, func(s string) bool { return strings.HasSuffix(host, s) })
}

// reachable returns the host of u in lower case. The wildcard address, on which servers
// listen, is replaced by the loopback address, to which clients connect.
func reachable(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	switch host {
	case "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port() != "" {
		return fmt.Sprintf("%s:%s", host, u.Port())
	}
	return host
}

var (
	slashes  = lazyregexp.New(`/{2,}`)
	version  = lazyregexp.New(`^v\d+[a-z0-9]*$`)
	calls    = lazyregexp.New(`(?i)/(?:chat/completions|completions|responses|messages|embeddings)$`)
	listings = lazyregexp.New(`(?i)(/v\d+[a-z0-9]*)/(?:models|chat)$`)
	repeated = lazyregexp.New(`(/v\d+[a-z0-9]*)(?:/v\d+[a-z0-9]*)+$`)
)

// tidyPath removes the path of a call, and repeated parts, from the path of u.
func tidyPath(u *url.URL) {
	p := strings.TrimRight(slashes.ReplaceAllString(u.EscapedPath(), "/"), "/")
	p = listings.ReplaceAllString(calls.ReplaceAllString(p, ""), "$1")
	if m := repeated.FindString(p); m != "" && strings.Count(m, repeated.FindStringSubmatch(p)[1]) == strings.Count(m, "/") {
		p = strings.TrimSuffix(p, m) + repeated.FindStringSubmatch(p)[1]
	}
	if IsAzure(u) && (p == "" || p == "/openai") {
		p = "/openai/v1"
		q := u.Query()
		q.Del("api-version") // of the older paths; this one has the version in it
		u.RawQuery = q.Encode()
	}
	plainPath, err := url.PathUnescape(p)
	if err != nil {
		plainPath = p
	}
	u.Path, u.RawPath = plainPath, p
}

// IsAzure reports whether u is a resource of Azure OpenAI or Azure AI Foundry.
func IsAzure(u *url.URL) bool {
	host := "." + u.Hostname()
	return slices.ContainsFunc([]string{".openai.azure.", ".services.ai.azure.", ".cognitiveservices.azure."}, func(s string) bool { return strings.Contains(host, s) })
}

const deployments = "/openai/deployments/"

// AzureKey reports whether calls below u send their key in the header api-key, as Azure
// requires if the version is in the query.
func AzureKey(u *url.URL) bool {
	return strings.Contains(u.Path, deployments) || IsAzure(u) && strings.HasSuffix(u.Path, "/models")
}

// Deployment returns the model that a base URL of Azure names, "" for other base URLs.
func Deployment(u *url.URL) string {
	_, rest, ok := strings.Cut(u.Path, deployments)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// Versioned reports whether a path names a version of the API.
func Versioned(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), version.MatchString)
}

// notURL replaces text that cannot be printed as a URL.
const notURL = "(not a URL)"

// PrintableURL returns raw without user info and query, which may hold secrets.
func PrintableURL(raw string) string {
	u, err := url.Parse(pasted(raw))
	if err != nil || (u.Host == "" && raw != "") {
		return notURL
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
