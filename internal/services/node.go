package services

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed node/package.json node/package-lock.json node/browser/package.json node/browser/package-lock.json
var nodeFiles embed.FS

// The directories with lists of npm packages.
const (
	NodeTests   = "node"         // what the tests use
	NodeBrowser = "node/browser" // what task clients uses beside them
)

// InstallNodeModules installs the npm packages of the package-lock.json in list, at
// exactly those versions, below cache and returns their node_modules directory.
// What was installed before is used again.
func InstallNodeModules(ctx context.Context, cache, list string) (string, error) {
	files, err := fs.Sub(nodeFiles, list)
	if err != nil {
		return "", err
	}
	lock, err := fs.ReadFile(files, "package-lock.json")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "node-"+hex.EncodeToString(sum[:6]))
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	// Installed in another directory and renamed, so that dir is always complete.
	aside, err := os.MkdirTemp(cache, "npm-")
	if err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	if err := npmInstall(ctx, files, aside); err != nil {
		return "", errors.Join(err, os.RemoveAll(aside))
	}
	if err := os.Rename(aside, dir); err != nil {
		err = errors.Join(err, os.RemoveAll(aside))
		if _, there := os.Stat(modules); there == nil {
			return modules, nil // another process was faster
		}
		return "", err
	}
	return modules, nil
}

func npmInstall(ctx context.Context, files fs.FS, dir string) error {
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := fs.ReadFile(files, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
}
