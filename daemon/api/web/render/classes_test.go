package render_test

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"chat/daemon/api/web/render"
)

// spellings write an address so that a filter may not recognize it and a browser may.
var spellings = map[string]func(string) string{
	"plain": func(s string) string { return s },
	"mixed case": func(s string) string {
		var b strings.Builder
		for i, r := range s {
			if i%2 == 0 {
				b.WriteString(strings.ToUpper(string(r)))
			} else {
				b.WriteRune(r)
			}
		}
		return b.String()
	},
	"decimal entities":           func(s string) string { return eachRune(s, "&#%d;") },
	"decimal without semicolons": func(s string) string { return eachRune(s, "&#%07d") },
	"hex entities":               func(s string) string { return eachRune(s, "&#x%X;") },
	"entities twice":             func(s string) string { return strings.ReplaceAll(eachRune(s, "&#%d;"), "&", "&amp;") },
	"percent":                    func(s string) string { return eachRune(s, "%%%02X") },
	"backslashes":                func(s string) string { return strings.ReplaceAll(s, ":", `\:`) },
	"colon by name":              func(s string) string { return strings.Replace(s, ":", "&colon;", 1) },
	"tab":                        func(s string) string { return s[:2] + "\t" + s[2:] },
	"tab by name":                func(s string) string { return s[:2] + "&Tab;" + s[2:] },
	"newline":                    func(s string) string { return s[:2] + "\n" + s[2:] },
	"newline by name":            func(s string) string { return s[:2] + "&NewLine;" + s[2:] },
	"return before the colon":    func(s string) string { return strings.Replace(s, ":", "&#13;:", 1) },
	"control before":             func(s string) string { return "\x01" + s },
	"control by entity":          func(s string) string { return "&#1;" + s },
	"no-break space before":      func(s string) string { return "\u00a0" + s },
	"zero width":                 func(s string) string { return s[:2] + "\u200b" + s[2:] },
	"byte order mark":            func(s string) string { return "\ufeff" + s },
	"full-width colon":           func(s string) string { return strings.Replace(s, ":", "\uff1a", 1) },
	"soft hyphen":                func(s string) string { return s[:2] + "&shy;" + s[2:] },
	"after a good address":       func(s string) string { return "https://a.example/ " + s },
	"after a quote":              func(s string) string { return `https://a.example"href="` + s },
	"behind view-source":         func(s string) string { return "view-source:" + s },
	"with a host":                func(s string) string { return strings.Replace(s, ":", "://a.example/%0a", 1) },
}

func eachRune(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// Whatever the scheme, its spelling and its place, a link leads to the web or writes a mail.
func TestNoOtherSchemeBecomesALink(t *testing.T) {
	t.Parallel()
	places := []string{
		"[x](%s)", "[x](<%s>)", "[x](%s 'title')", "![x](%s)", "[![y](%[1]s)](%[1]s)", "<%s>", "%s", "[x]\n\n[x]: %s", "| a |\n|---|\n| [x](%[1]s) <%[1]s> |",
		"# [x](%s)", "> - [x](%s)", "**[x](%s)**", "<a href=%s>x</a>", `<a href="%s">x</a>`, "<a\nhref='%s'>x</a>", `<a xlink:href="%s" formaction="%[1]s" ping="%[1]s" srcdoc="%[1]s">x</a>`, `<a href="https://a.example" href="%s">x</a>`,
	}
	for _, address := range []string{
		"javascript:alert(1)", "vbscript:msgbox(1)", "data:text/html,<script>alert(1)</script>", "data:image/svg+xml;base64,PHN2Zz4=", "file:///etc/passwd", "blob:https://a.example/1",
		"filesystem:https://a.example/t", "about:blank", "ws://a.example", "intent://a#Intent;end", "ms-word:ofe|u|https://a.example", "tel:110", "sms:110", "ssh://a", "x-apple:1", "//evil.example", "/web/session", "?q", "#/c/1", "https:evil",
	} {
		for name, spell := range spellings {
			for _, place := range places {
				text := fmt.Sprintf(place, spell(address))
				for _, b := range render.Blocks(text) {
					inspect(t, name+" "+text, b.HTML())
				}
				inspect(t, name+" "+text, render.Sanitize(text))
			}
		}
	}
}

// Each element of HTML, SVG and MathML with attributes that act or name something is
// reduced to what is allowed.
func TestNoOtherElementOrAttributeRemains(t *testing.T) {
	t.Parallel()
	names := strings.Fields(`a abbr address animate annotation-xml applet area article aside audio b base bdo bgsound blink blockquote body br button canvas caption center code col
		colgroup command content datalist dd del desc details dialog dir div dl dt element em embed fieldset figure font foreignObject form frame frameset h1 h2 h3 h6 head header hr html i
		iframe image img input ins isindex kbd keygen label legend li link listing main malignmark map mark marquee math menu meta meter mglyph mi mtext nav nobr noembed noframes noscript
		object ol optgroup option output p param picture plaintext portal pre progress q s script section select set shadow slot small source span strike strong style sub summary sup svg
		table tbody td template textarea tfoot th thead time title tr track tt u ul use var video wbr x-custom xml xmp`)
	attributes := []string{
		"onload=alert(1)", "ONERROR=alert(1)", "onfocus=alert(1) autofocus tabindex=1", "style=position:fixed;background:url(//evil.example)", "id=app", "name=cookie", "class='skip unseen'", "class=k", "role=alert", "aria-label=x",
		"href=javascript:alert(1)", "xlink:href=javascript:alert(1)", "src=//evil.example", "srcset=//evil.example", "action=//evil.example", "formaction=//evil.example", "background=//evil.example", "data=//evil.example",
		"http-equiv=refresh content=0;url=//evil.example", "is=x-custom", "slot=x", "part=x", "contenteditable", "data-x=1", "start=1e9", "start=99999999999999999999", "align=justify", "align='left;x'", "target=_self rel=opener href=https://a.example", "xmlns=http://www.w3.org/2000/svg", `"=x onload=alert(1)`, "/onload=alert(1)", "\fonload=alert(1)",
	}
	for _, name := range names {
		for _, a := range attributes {
			for _, form := range []string{"<%s %s>x", "<%s %s/>x", "<p><%s %s>x</p>", "<svg><%s %s>x", "<math><mtext><%s %s>x", "<table><%s %s>x</table>", "<%s %s><style><img src=x onerror=alert(1)>", "<%s %s></%[1]s><script>x</script>"} {
				text := fmt.Sprintf(form, name, a)
				result := render.Sanitize(text)
				inspect(t, text, result)
				if again := render.Sanitize(result); again != result {
					t.Errorf("%q: %q becomes %q", text, result, again)
				}
			}
		}
		text := "<" + name + " onload=alert(1)>"
		for _, b := range render.Blocks(text) {
			if result := b.HTML(); name != "br" && !strings.Contains(html.UnescapeString(result), "onload=alert(1)") {
				t.Errorf("%q is not shown as text: %s", text, result)
			}
		}
	}
}
