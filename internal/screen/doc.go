// Package screen tests chat as a user sees it: the real binary on a pseudo terminal
// that records every byte, and in tmux, whose screen is read back. The same scenes
// in colour are the pictures in docs/pictures.
package screen
