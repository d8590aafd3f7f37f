package render_test

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"

	"chat/daemon/api/web/render"
)

// hostileJSON has texts against pages, from OWASP's list of filter evasions and its like. The
// tests in a browser use it, too.
//
//go:embed testdata/hostile.json
var hostileJSON []byte

func hostile(t *testing.T) []string {
	t.Helper()
	var list []string
	if err := json.Unmarshal(hostileJSON, &list); err != nil || len(list) < 100 {
		t.Fatalf("%d texts, %v", len(list), err)
	}
	n := len(list)
	for i := range n { // nested, and one in the other
		list = append(list, "> - "+strings.ReplaceAll(list[i], "\n", "\n>   "), "**"+list[i]+"** ["+list[(i*7+3)%n]+"](https://a.example)", list[i]+list[(i*5+1)%n])
	}
	return list
}

// elements are what the result of any text may consist of.
var elements = map[string]string{
	"p": "", "br": "", "hr": "", "em": "", "strong": "", "del": "", "blockquote": "", "ul": "", "li": "", "pre": "", "h3": "", "h4": "", "h5": "", "h6": "",
	"table": "", "thead": "", "tbody": "", "tr": "", "ol": "start", "th": "align", "td": "align", "code": "class", "span": "class role aria-label", "a": "href rel target",
}

// inspect checks what a browser makes of a result.
func inspect(t *testing.T, text, result string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader("<!doctype html><body><div>" + result + "</div><section></section></body>"))
	if err != nil {
		t.Fatal(err)
	}
	body := root.LastChild.LastChild
	if body.FirstChild == nil || body.FirstChild.NextSibling == nil || body.FirstChild.NextSibling.Data != "section" || body.FirstChild.NextSibling.NextSibling != nil {
		t.Errorf("%q leaves its place: %s", text, result)
	}
	for n := range body.FirstChild.Descendants() {
		if n.Type == html.TextNode {
			continue
		}
		attributes, ok := elements[n.Data]
		if n.Type != html.ElementNode || !ok || n.Namespace != "" {
			t.Errorf("%q has a <%s>: %s", text, n.Data, result)
			continue
		}
		for _, a := range n.Attr {
			if !strings.Contains(" "+attributes+" ", " "+a.Key+" ") {
				t.Errorf("%q has %s=%q: %s", text, a.Key, a.Val, result)
			}
			if a.Key != "href" {
				continue
			}
			u, err := url.Parse(a.Val)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
				t.Errorf("%q leads to %q", text, a.Val)
			}
			if !strings.Contains(result, `rel="noopener noreferrer nofollow" target="_blank"`) {
				t.Errorf("%q has a link without rel and target: %s", text, result)
			}
		}
	}
}

// second is another sanitizer's opinion of the same rules.
func second() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "blockquote", "ul", "ol", "li", "pre", "code", "span", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").OnElements("ol")
	p.AllowAttrs("align").OnElements("th", "td")
	p.AllowAttrs("class").OnElements("code", "span")
	p.AllowAttrs("role", "aria-label").OnElements("span")
	p.AllowAttrs("href", "rel", "target").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowNoAttrs().OnElements("span", "a")
	return p
}

func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	policy := second()
	for _, text := range hostile(t) {
		for name, blocks := range map[string][]render.Block{"Markdown": render.Blocks(text), "code": render.CodeBlocks("html", text)} {
			for _, b := range blocks {
				result := b.HTML()
				inspect(t, text, result)
				tokens := func(s string) string { return strings.Join(tokensOf(s), "\n") }
				if again := policy.Sanitize(result); tokens(again) != tokens(result) {
					t.Errorf("%s %q: bluemonday changes\n%s to\n%s", name, text, result, again)
				}
			}
		}
		inspect(t, text, render.Plain(text))
	}
}

// The sanitizer does not depend on the renderer: what it gets may be anything.
func TestHostileHTMLIsSanitized(t *testing.T) {
	t.Parallel()
	for _, text := range hostile(t) {
		inspect(t, text, render.Sanitize(text))
		inspect(t, text, render.Sanitize("<p><a href='https://a.example'>"+text))
	}
}

func tokensOf(s string) (list []string) {
	z := html.NewTokenizer(strings.NewReader(s))
	for z.Next() != html.ErrorToken {
		list = append(list, z.Token().String())
	}
	return list
}

// Texts that make parsers slow take a bounded time.
func TestHostileTextIsNotSlow(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"quotes": strings.Repeat(">", 50_000) + "a", "quotes and spaces": strings.Repeat("> ", 50_000), "lists": strings.Repeat("- ", 50_000) + "a", "brackets": strings.Repeat("[", 50_000),
		"links": strings.Repeat("[a](", 10_000), "images": strings.Repeat("![", 20_000), "stars": strings.Repeat("*a **b ", 10_000), "ticks": strings.Repeat("`a ``b ", 10_000),
		"tildes": strings.Repeat("~~a ~b ", 10_000), "angles": strings.Repeat("<a", 20_000), "pipes": strings.Repeat("|", 20_000) + "\n" + strings.Repeat("|-", 10_000) + "\n" + strings.Repeat("|", 20_000),
		"rows": "|" + strings.Repeat("a|", 1000) + "\n|" + strings.Repeat("-|", 1000) + "\n" + strings.Repeat("|\n", 20_000), "deep list": deepList(), "entities": strings.Repeat("&", 50_000), "urls": strings.Repeat("http://", 10_000), "mails": strings.Repeat("a@", 20_000),
		"escapes": strings.Repeat("\\", 50_000), "underscores": strings.Repeat("_a", 20_000),
	} {
		began := time.Now()
		for _, b := range render.Blocks(text) {
			inspect(t, name, b.HTML())
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		} else {
			t.Logf("%s: %s", name, took)
		}
	}
}

func deepList() string {
	var b strings.Builder
	for i := range 200 {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}
