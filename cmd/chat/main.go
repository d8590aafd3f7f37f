// Command chat is an AI chat for the terminal. A daemon generates the answers, so
// that no answer is lost when a terminal closes.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, stdio{os.Stdin, os.Stdout, os.Stderr}, os.LookupEnv))
}
