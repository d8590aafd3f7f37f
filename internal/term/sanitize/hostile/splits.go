package hostile

import "os"

// everything is the environment variable that has no split left out.
const everything = "CHAT_TEST_ALL_SPLITS"

// All reports whether no split is to be left out, however long that takes.
func All() bool { return os.Getenv(everything) != "" }

// Splits are places where a text that came in two pieces can have been cut: in
// front of what text begins with, behind it, and at most so many of those
// between, evenly spread. With All it is every place.
func Splits(text string, between int) []int {
	if All() || len(text)-1 <= between {
		between = len(text) - 1
	}
	cuts := []int{0}
	for i := 1; i <= between; i++ {
		cuts = append(cuts, i*len(text)/(between+1))
	}
	return append(cuts, len(text))
}
