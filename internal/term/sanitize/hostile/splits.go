package hostile

import "os"

// everything is the environment variable that selects every split.
const everything = "CHAT_TEST_ALL_SPLITS"

// All reports whether every split is to be tested, however long that takes.
func All() bool { return os.Getenv(everything) != "" }

// Splits returns offsets at which a text can be cut in two: before the first byte
// of text, after its last byte, and at most n offsets between, evenly spread. With
// All it returns every offset.
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
