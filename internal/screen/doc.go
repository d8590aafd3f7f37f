// Package screen tests chat as a person sees it: the real binary on a pseudo
// terminal that remembers every byte, and in tmux, whose screen is read back. The
// same scenes, taken with their colours, are the pictures in docs/pictures.
package screen
