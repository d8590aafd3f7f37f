package main

import (
	"strconv"
	"strings"

	"chat"
)

// titleOf is the title of a conversation that begins with a message: the user's
// own words, or if there are none the names of the files that are attached.
func titleOf(content string) string {
	words := strings.TrimSpace(chat.WithoutImages(content))
	var names []string
	for {
		name, rest, ok := cutAttachment(words)
		if !ok {
			break
		}
		names, words = append(names, name), strings.TrimSpace(rest)
	}
	if words == "" {
		words = strings.Join(names, ", ")
	}
	return chat.TitleFrom(words)
}

// cutAttachment takes an attachment off the beginning of a message.
func cutAttachment(s string) (name, rest string, ok bool) {
	after, ok := strings.CutPrefix(s, attachmentOpen)
	if !ok {
		return "", "", false
	}
	quoted, body, ok := strings.Cut(after, ">\n")
	if !ok {
		return "", "", false
	}
	name, err := strconv.Unquote(quoted)
	if err != nil {
		return "", "", false
	}
	_, rest, _ = strings.Cut(body+"\n", "\n"+attachmentClose+"\n")
	return name, rest, true
}
