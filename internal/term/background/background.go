// Package background tells lipgloss the terminal's background before anyone
// asks. Importing bubbletea v1 makes its init ask the terminal and wait up to
// five seconds for an answer, in every command of the program, and what is typed
// meanwhile is lost.
//
// It works by its place: Go initialises packages in the order of their import
// paths once their imports are ready, and this one imports nothing but lipgloss
// and sorts before github.com/charmbracelet/bubbletea.
package background

import "github.com/charmbracelet/lipgloss"

// The answer itself does not matter: our colours are the terminal's own sixteen
// and its own foreground, which fit either background.
func init() { lipgloss.SetHasDarkBackground(true) }
