package chat

import "fmt"

// PDFType is the media type of a PDF.
const PDFType = "application/pdf"

// The limits of PDFs, in bytes. One in base64 fits into a request of every provider.
const (
	MaxDocument     = 20 << 20
	MaxAllDocuments = MaxDocument
	MaxDocumentText = 512 << 10
)

// IsPDF reports whether data begin as a PDF does.
func IsPDF(data []byte) bool {
	const header = "%PDF-"
	return len(data) >= len(header) && string(data[:len(header)]) == header
}

// IsDocument reports whether the part refers to a PDF.
func (p *Part) IsDocument() bool { return p.Type == PartFile && p.MediaType == PDFType }

// FormatExtent formats the size of a part's attachment for people, with its number of pages.
func (p *Part) FormatExtent() string {
	switch p.Pages {
	case 0:
		return FormatSize(p.Size)
	case 1:
		return FormatSize(p.Size) + " · 1 page"
	}
	return fmt.Sprintf("%s · %d pages", FormatSize(p.Size), p.Pages)
}

func documentsTooLarge(size int64) *Error {
	return Errorf(CodeTooLarge, "the PDFs have %.1f MB together, and those of a message have at most %.1f: attach parts of them", float64(size)/1e6, MaxAllDocuments/1e6)
}
