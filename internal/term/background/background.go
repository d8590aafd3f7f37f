// Package background sets lipgloss's background before anything asks for it.
// Importing bubbletea v1 makes its init ask the terminal and wait up to five
// seconds for an answer, in every command of the program, and text that is typed
// meanwhile is lost.
//
// It depends on its import path: Go initialises packages in the order of their
// import paths once their imports are ready, and this one imports only lipgloss and
// sorts before github.com/charmbracelet/bubbletea.
package background

import "github.com/charmbracelet/lipgloss"

// The value does not matter: our colours are the terminal's own sixteen and its own
// foreground, which fit either background.
func init() { lipgloss.SetHasDarkBackground(true) }
