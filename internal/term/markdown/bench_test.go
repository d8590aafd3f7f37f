package markdown

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkAnswer streams 16 KB in pieces of a token, laying out every 20 bytes,
// which is far more often than a screen does.
func BenchmarkAnswer(b *testing.B) {
	prose := strings.Repeat("The run queue is **per processor**; a worker *steals* only when its own is `empty`. ", 6) + "\n\n"
	list := ""
	for i := range 240 {
		list += fmt.Sprintf("- item %d with **some** text and a [link](http://example.com/%d)\n", i, i)
	}
	table := "| a | b | c |\n|---|---|---|\n" + strings.Repeat("| one | some `code` | 日本語の文章 |\n", 300)
	for name, text := range map[string]string{
		"prose": strings.Repeat(prose, 40), "list": list, "table": table,
		"fence":     "```go\n" + strings.Repeat("\tfunc main() { println(\"x\") }\n", 600),
		"cjk":       strings.Repeat("日本語の文章は空白なしで折り返される。\n\n", 300),
		"paragraph": strings.Repeat("one long paragraph without any end ", 470),
	} {
		text = text[:min(len(text), 16<<10)]
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s := NewStream(117, ANSI16())
				for i := 0; i < len(text); i += 20 {
					s.Append(text[i:min(i+20, len(text))])
				}
			}
		})
	}
}
