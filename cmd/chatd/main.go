// Command chatd is the daemon in the foreground: HTTP and SSE, the worker, or both.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr, os.LookupEnv))
}
