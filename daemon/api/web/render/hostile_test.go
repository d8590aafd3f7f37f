package render_test

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

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

// inspect checks what a browser makes of a result, which is the content of an element.
func inspect(t *testing.T, text, result string) {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(result), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range nodes {
		inspectNode(t, text, top)
		for n := range top.Descendants() {
			inspectNode(t, text, n)
		}
	}
}

func inspectNode(t *testing.T, text string, n *html.Node) {
	t.Helper()
	if n.Type == html.TextNode {
		return
	}
	attributes, ok := elements[n.Data]
	if n.Type != html.ElementNode || !ok || n.Namespace != "" {
		t.Errorf("%q has a <%s>", text, n.Data)
		return
	}
	found := map[string]string{}
	for _, a := range n.Attr {
		found[a.Key] = a.Val
		if !strings.Contains(" "+attributes+" ", " "+a.Key+" ") {
			t.Errorf("%q has %s=%q on <%s>", text, a.Key, a.Val, n.Data)
		}
	}
	if n.Data == "a" {
		inspectLink(t, text, found)
	}
}

func inspectLink(t *testing.T, text string, attributes map[string]string) {
	t.Helper()
	u, err := url.Parse(attributes["href"])
	rel, target := "nofollow noreferrer noopener", "_blank"
	switch {
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
	case err == nil && u.Scheme == "mailto":
		rel, target = "nofollow noreferrer", ""
	default:
		t.Errorf("%q leads to %q", text, attributes["href"])
		return
	}
	if attributes["rel"] != rel || attributes["target"] != target {
		t.Errorf("%q has a link with %v", text, attributes)
	}
}

func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	for _, text := range hostile(t) {
		for _, blocks := range [][]render.Block{render.Blocks(text), render.CodeBlocks("html", text)} {
			for _, b := range blocks {
				result := b.HTML()
				inspect(t, text, result)
				if again := render.Sanitize(result); again != result {
					t.Errorf("%q changes when it is sanitized again:\n%s\n%s", text, result, again)
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

// Texts that make parsers slow take a bounded time.
func TestHostileTextIsNotSlow(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"quotes": strings.Repeat(">", 50_000) + "a", "quotes and spaces": strings.Repeat("> ", 50_000), "lists": strings.Repeat("- ", 50_000) + "a", "brackets": strings.Repeat("[", 50_000),
		"links": strings.Repeat("[a](", 5000), "images": strings.Repeat("![", 20_000), "stars": strings.Repeat("*a **b ", 10_000), "ticks": strings.Repeat("`a ``b ", 10_000),
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
