package schema

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// suite are the files of the official JSON-Schema-Test-Suite, by path; see
// testdata/README.md.
func suite(t *testing.T) map[string][]byte {
	t.Helper()
	file, err := os.Open("testdata/JSON-Schema-Test-Suite.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	zip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if files[h.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

// drafts are the directories of the suite.
var drafts = map[string]*jsonschema.Draft{
	"draft4":       jsonschema.Draft4,
	"draft6":       jsonschema.Draft6,
	"draft7":       jsonschema.Draft7,
	"draft2019-09": jsonschema.Draft2019,
	"draft2020-12": jsonschema.Draft2020,
}

// remotes loads the documents that the suite expects at localhost:1234.
type remotes map[string][]byte

func (r remotes) Load(url string) (any, error) {
	name, _ := strings.CutPrefix(url, "http://localhost:1234/")
	raw, ok := r["remotes/"+name]
	if !ok {
		return noLoader{}.Load(url)
	}
	return decode(raw)
}

// All required tests of all drafts pass through the validator. The tests with remote
// documents have a loader of their own here; without it, such a schema is refused.
func TestOfficialSuite(t *testing.T) {
	files := suite(t)
	counts := map[string]int{}
	for name, raw := range files {
		dir := path.Base(path.Dir(name))
		if !strings.HasPrefix(name, "tests/") {
			continue
		}
		var groups []struct {
			Description string          `json:"description"`
			Schema      json.RawMessage `json:"schema"`
			Tests       []struct {
				Description string          `json:"description"`
				Data        json.RawMessage `json:"data"`
				Valid       bool            `json:"valid"`
			} `json:"tests"`
		}
		if err := json.Unmarshal(raw, &groups); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range groups {
			s, err := compileWith(g.Schema, drafts[dir], remotes(files))
			if err != nil {
				t.Errorf("%s: %s: %v", name, g.Description, err)
				continue
			}
			for _, c := range g.Tests {
				counts[dir]++
				if got := s.Check(c.Data); (len(got) == 0) != c.Valid {
					t.Errorf("%s: %s: %s: valid is %v, but: %q", name, g.Description, c.Description, c.Valid, got)
				}
			}
		}
	}
	for dir, least := range map[string]int{"draft4": 600, "draft6": 800, "draft7": 900, "draft2019-09": 1200, "draft2020-12": 1200} {
		t.Logf("%s: %d tests", dir, counts[dir])
		if counts[dir] < least {
			t.Errorf("%s has only %d tests", dir, counts[dir])
		}
	}
}

// Without the suite's own loader, no schema leads to another document.
func TestSuiteLoadsNothing(t *testing.T) {
	refused := 0
	for name, raw := range suite(t) {
		if !strings.HasSuffix(name, "/refRemote.json") {
			continue
		}
		var groups []struct {
			Schema json.RawMessage `json:"schema"`
		}
		if err := json.Unmarshal(raw, &groups); err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			if _, err := Compile(g.Schema); err != nil {
				refused++
			}
		}
	}
	if refused < 50 {
		t.Errorf("only %d schemas with remote references were refused", refused)
	}
}
