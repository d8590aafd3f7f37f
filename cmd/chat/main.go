// Command chat is a terminal-first AI chat whose answers are made by a daemon, so
// that nothing that happens to the terminal loses one.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, stdio{os.Stdin, os.Stdout, os.Stderr}, os.LookupEnv))
}
