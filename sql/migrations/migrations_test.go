package migrations

import (
	"io/fs"
	"slices"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMigrationsComeInPairs(t *testing.T) {
	var names [2][]string
	for i, engine := range []string{"postgres", "sqlite"} {
		entries, err := fs.ReadDir(files, engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names[i] = append(names[i], e.Name())
		}
	}
	if !slices.Equal(names[0], names[1]) {
		t.Errorf("postgres has %v, sqlite has %v", names[0], names[1])
	}
	newest := names[0][len(names[0])-1]
	if n, err := strconv.Atoi(newest[:5]); err != nil || max(n, blocksVersion) != latest {
		t.Errorf("the newest migration is %s, but latest is %d", newest, latest)
	}
}
