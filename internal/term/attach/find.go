package attach

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	maxWalked = 5000 // the maximum number of files visited below the directory
	maxDepth  = 8
)

// errEnough ends a walk.
var errEnough = errors.New("enough")

// gitTimeout is how long git may take to list its files.
const gitTimeout = time.Second

// Files lists regular files below the directory, relative to it, up to the limits.
// It omits hidden files, files that tools generate, and files that git ignores.
func (p Dirs) Files(ctx context.Context) []string {
	if all, ok := p.known(ctx); ok {
		return all
	}
	return p.walk(ctx)
}

// known lists the files that git tracks or would track, including those of nested
// repositories. ok is false if there is no repository, and if git knows no files:
// the directory itself may be ignored.
func (p Dirs) known(ctx context.Context) (all []string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	// Do not run any program that the repository's own settings name.
	cmd := exec.CommandContext(ctx, "git", "-c", "core.fsmonitor=false", "-C", p.Dir,
		"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	cmd.WaitDelay = gitTimeout / 4
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	for path := range strings.SplitSeq(string(out), "\x00") {
		if len(all) >= maxWalked || ctx.Err() != nil {
			break
		}
		parts := strings.Split(path, "/")
		if path == "" || slices.ContainsFunc(parts[:len(parts)-1], skipped) || strings.HasPrefix(parts[len(parts)-1], ".") {
			continue
		}
		switch info, err := os.Lstat(filepath.Join(p.Dir, path)); {
		case err != nil: // deleted, but still tracked
		case info.IsDir(): // a repository of its own
			for _, f := range (Dirs{Dir: filepath.Join(p.Dir, path)}).Files(ctx) {
				all = append(all, filepath.Join(path, f))
			}
		case info.Mode().IsRegular():
			all = append(all, filepath.FromSlash(path))
		}
	}
	return all[:min(len(all), maxWalked)], len(all) > 0 && ctx.Err() == nil
}

func (p Dirs) walk(ctx context.Context) []string {
	var all []string
	_ = filepath.WalkDir(p.Dir, func(path string, d fs.DirEntry, err error) error { // a directory that cannot be read is omitted
		rel, relErr := filepath.Rel(p.Dir, path)
		switch {
		case ctx.Err() != nil || len(all) >= maxWalked:
			return errEnough
		case err != nil || relErr != nil || rel == ".":
			return nil //nolint:nilerr // what cannot be read is not offered
		case d.IsDir():
			if skipped(d.Name()) || strings.Count(rel, string(filepath.Separator)) >= maxDepth {
				return fs.SkipDir
			}
		case d.Type().IsRegular() && !strings.HasPrefix(d.Name(), "."):
			all = append(all, rel)
		}
		return nil
	})
	return all
}

func skipped(dir string) bool {
	return strings.HasPrefix(dir, ".") || slices.Contains([]string{"node_modules", "vendor", "__pycache__", "target", "dist"}, dir)
}

// Match returns the files that a prefix may mean, the best first, n at most.
func Match(files []string, prefix string, n int) []string {
	needle := strings.ToLower(prefix)
	type hit struct {
		path string
		rank int
	}
	var hits []hit
	for _, f := range files {
		if rank := rankOf(strings.ToLower(f), needle); rank < noHit {
			hits = append(hits, hit{f, rank})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(strings.Count(a.path, "/"), strings.Count(b.path, "/")), cmp.Compare(a.path, b.path))
	})
	var out []string
	for _, h := range hits[:min(len(hits), n)] {
		out = append(out, h.path)
	}
	return out
}

const noHit = 4

func rankOf(path, needle string) int {
	base := filepath.Base(path)
	switch {
	case strings.HasPrefix(path, needle):
		return 0
	case strings.HasPrefix(base, needle):
		return 1
	case strings.Contains(base, needle):
		return 2
	case strings.Contains(path, needle):
		return 3
	}
	return noHit
}

// List returns the entries of the directory in a path, in the form of mentions,
// directories with a slash; n at most.
func (p Dirs) List(prefix string, n int) []string {
	if prefix == "~" || prefix == ".." {
		return []string{prefix + "/"}
	}
	dir, name := filepath.Split(prefix)
	entries, err := os.ReadDir(p.resolve(cmp.Or(dir, ".")))
	if err != nil {
		return nil // nothing to offer
	}
	var out []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(name, ".")
		if hidden || !strings.HasPrefix(strings.ToLower(e.Name()), strings.ToLower(name)) || len(out) >= n {
			continue
		}
		path := dir + e.Name()
		if e.IsDir() {
			path += "/"
		}
		out = append(out, path)
	}
	return out
}

// Elsewhere reports whether a path begins outside the directory.
func Elsewhere(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(path, "~") || strings.HasPrefix(path, ".")
}
