package attach

import (
	"bytes"
	"encoding/binary"
	"image"
	_ "image/gif"  // for its header
	_ "image/jpeg" // for its header
	_ "image/png"  // for its header
	"slices"
	"strings"

	"chat"
)

// Damaged returns the names of the images of a message whose headers cannot be
// read. A model will probably reject them.
func (m Message) Damaged() []string {
	broken := map[string]bool{} // by digest
	for _, a := range m.Attachments {
		broken[a.Digest] = slices.Contains(chat.ImageTypes(), a.MediaType) && !hasSize(a.MediaType, a.Data)
	}
	var names []string
	for _, p := range m.Parts {
		if broken[p.Digest] {
			names = append(names, strings.Join(strings.Fields(p.Name), " "))
		}
	}
	return names
}

// hasSize reports whether the header of an image contains its width and height.
func hasSize(typ string, data []byte) bool {
	if typ == "image/webp" {
		return isWebP(data)
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	return err == nil && cfg.Width > 0 && cfg.Height > 0
}

// webPHeader is the length of a WebP file's header with that of its first chunk,
// which contains the name and the size (RFC 9649, section 2).
const webPHeader = 20

func isWebP(data []byte) bool {
	if len(data) < webPHeader {
		return false
	}
	size := binary.LittleEndian.Uint32(data[4:8])
	switch string(data[12:16]) {
	case "VP8 ", "VP8L", "VP8X":
		return size >= webPHeader-8 && uint64(size) <= uint64(len(data)-8)
	}
	return false
}
