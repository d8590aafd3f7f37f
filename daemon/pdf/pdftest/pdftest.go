// Package pdftest makes PDF files for tests, good ones and hostile ones.
package pdftest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// Pages returns a PDF that has one page for each text. A page without text is empty.
func Pages(texts ...string) []byte {
	var f file
	var kids []string
	for i, text := range texts {
		page, content := 4+2*i, 5+2*i
		kids = append(kids, fmt.Sprintf("%d 0 R", page))
		escaped := strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`).Replace(text)
		f.object(page, fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>", content))
		f.stream(content, "", fmt.Appendf(nil, "BT /F1 12 Tf 72 720 Td (%s) Tj ET", escaped))
	}
	f.object(1, "<</Type/Catalog/Pages 2 0 R>>")
	f.object(2, fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", strings.Join(kids, " "), len(texts)))
	f.object(3, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	return f.end()
}

// Cycle returns a PDF whose tree of pages contains itself.
func Cycle() []byte {
	var f file
	f.object(1, "<</Type/Catalog/Pages 2 0 R>>")
	f.object(2, "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 1000000/Parent 3 0 R>>")
	f.object(3, "<</Type/Pages/Kids[2 0 R 3 0 R]/Count 1000000/Parent 2 0 R>>")
	return f.end()
}

// Bomb returns a PDF of one page whose content has so many bytes when it is decompressed.
func Bomb(size int) []byte {
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		panic(err) // cannot happen: there is such a level
	}
	line := bytes.Repeat([]byte("BT /F1 12 Tf 72 720 Td (bomb) Tj ET\n"), 1000)
	for n := 0; n < size; n += len(line) {
		_, _ = w.Write(line) // to memory
	}
	_ = w.Close()
	var f file
	f.object(1, "<</Type/Catalog/Pages 2 0 R>>")
	f.object(2, "<</Type/Pages/Kids[4 0 R]/Count 1>>")
	f.object(3, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	f.object(4, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R>>")
	f.stream(5, "/Filter/FlateDecode", packed.Bytes())
	return f.end()
}

// file is a PDF that is being written.
type file struct {
	b       bytes.Buffer
	offsets map[int]int
}

func (f *file) object(id int, body string) {
	f.begin(id)
	fmt.Fprintf(&f.b, "%s\nendobj\n", body)
}

func (f *file) stream(id int, entries string, data []byte) {
	f.begin(id)
	fmt.Fprintf(&f.b, "<<%s/Length %d>>\nstream\n%s\nendstream\nendobj\n", entries, len(data), data)
}

func (f *file) begin(id int) {
	if f.offsets == nil {
		f.offsets = map[int]int{}
		f.b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	}
	f.offsets[id] = f.b.Len()
	fmt.Fprintf(&f.b, "%d 0 obj\n", id)
}

// end writes the table of objects, which are numbered without a gap.
func (f *file) end() []byte {
	at, n := f.b.Len(), len(f.offsets)+1
	fmt.Fprintf(&f.b, "xref\n0 %d\n0000000000 65535 f \n", n)
	for id := 1; id < n; id++ {
		fmt.Fprintf(&f.b, "%010d 00000 n \n", f.offsets[id])
	}
	fmt.Fprintf(&f.b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", n, at)
	return f.b.Bytes()
}
