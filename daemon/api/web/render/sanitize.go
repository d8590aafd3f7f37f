package render

import (
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// Sanitize returns HTML that has only the elements and attributes of an allow list. It is
// the last step of rendering and does not depend on what the steps before it promise. An
// element that the input leaves open stays open: the page parses each block as a fragment.
func Sanitize(in string) string { return policy().Sanitize(in) }

// policy returns the allow list. It allows no id, name, style and event handler, and no
// element that loads, submits or runs anything.
var policy = sync.OnceValue(func() *bluemonday.Policy { //nolint:gochecknoglobals // made once
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "blockquote", "ul", "ol", "li", "pre", "code",
		"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,10}$`)).OnElements("ol")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[a-z0-9+#._-]{1,20}$`)).OnElements("code")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^[a-z]$`)).OnElements("span")
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^img$`)).OnElements("span")
	p.AllowAttrs("aria-label").Matching(regexp.MustCompile(`^(not )?done$`)).OnElements("span")
	p.AllowAttrs("href").OnElements("a")
	p.RequireParseableURLs(true)
	for _, scheme := range []string{"http", "https", "mailto"} {
		p.AllowURLSchemeWithCustomPolicy(scheme, webURL)
	}
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
})

// webAddress reports whether a page may link to an address.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && webURL(u)
}

// webURL is webAddress for a parsed address.
func webURL(u *url.URL) bool {
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return u.Opaque != ""
	}
	return false
}
