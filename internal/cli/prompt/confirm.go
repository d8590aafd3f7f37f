package prompt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"chat/internal/cli/output"
	"chat/internal/term/sanitize"
)

// Confirm asks on the terminal; only y and yes mean yes.
func Confirm(p *output.Console, question string) bool {
	fmt.Fprint(p.Err, sanitize.Line(question), " [y/N] ")
	line, err := bufio.NewReader(io.LimitReader(p.In, 64)).ReadString('\n')
	if err != nil {
		fmt.Fprintln(p.Err) // stdin ended without a newline
		return false
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}
