package fetch

import (
	"bytes"
	"fmt"
	"io"

	htmltomarkdown "github.com/JohannesKaufmann/html-to-markdown/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// markdown returns a page of HTML as Markdown, which has less that is of no use to a model.
func markdown(data []byte, contentType string) ([]byte, error) {
	utf8, err := charset.NewReader(bytes.NewReader(data), contentType)
	if err != nil {
		return nil, fmt.Errorf("its encoding is unknown: %w", err)
	}
	root, err := html.Parse(utf8) // it refuses what is nested too deep
	if err != nil {
		return nil, fmt.Errorf("its HTML cannot be read: %w", err)
	}
	out, err := htmltomarkdown.ConvertNode(root)
	if err != nil {
		return nil, fmt.Errorf("it cannot be converted to text: %w", err)
	}
	return out, nil
}

// decode returns text in an encoding as UTF-8, unchanged if the encoding is unknown.
func decode(data []byte, label string) []byte {
	r, err := charset.NewReaderLabel(label, bytes.NewReader(data))
	if err != nil {
		return data
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return data // what it means is found later
	}
	return out
}
