package attach

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	_ "image/gif"  // for its header
	_ "image/jpeg" // for its header
	_ "image/png"  // for its header
	"strings"

	"chat"
)

// Damaged are the names of the images in a message whose headers cannot be read. A model
// will hardly take them.
func Damaged(message string) []string {
	var names []string
	for _, p := range chat.SplitImages(message) {
		if p.Image == nil {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(p.Image.Data)
		if err != nil || !hasSize(p.Image.Type, data) {
			names = append(names, strings.Join(strings.Fields(p.Image.Name), " "))
		}
	}
	return names
}

// hasSize reports whether the header of an image says how wide and high it is.
func hasSize(typ string, data []byte) bool {
	if typ == "image/webp" {
		return isWebP(data)
	}
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	return err == nil && cfg.Width > 0 && cfg.Height > 0
}

// webPHeader is the length of a WebP file's header with that of its first chunk, which
// has the name and the size (RFC 9649, section 2).
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
