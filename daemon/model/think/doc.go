// Package think separates reasoning from content where models write it into the content,
// between tags. Only the beginning of an answer can be reasoning; the same tags elsewhere
// are text. A Reader holds back no more than what may become a tag.
package think
