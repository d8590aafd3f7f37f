package codeblock

import (
	"slices"
	"testing"
)

func TestCodeBlocks(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"none":                    {"text and `code`", nil},
		"one":                     {"a\n```go\nx\n\ny\n```\nb", []string{"x\n\ny"}},
		"two":                     {"```\n1\n```\n~~~ sh\n2\n~~~", []string{"1", "2"}},
		"longer fences":           {"````\n```\n````", []string{"```"}},
		"another mark":            {"~~~\n```\n~~~", []string{"```"}},
		"in a list":               {"1. do\n\n   ```sh\n   a\n     b\n   ```\n", []string{"a\n  b"}},
		"never closed":            {"```\nx", []string{"x"}},
		"empty":                   {"```\n```", []string{""}},
		"carriage returns":        {"```\r\nx\r\n```\r\n", []string{"x"}},
		"a span of code":          {"```not a fence```\n", nil},
		"a mark with words after": {"```\nx\n``` y\n```", []string{"x\n``` y"}},
	} {
		if got := Find(tc.text); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
