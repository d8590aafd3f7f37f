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

//go:embed node/package.json node/package-lock.json
var nodeFiles embed.FS

// InstallNodeModules installs the npm packages of node/package-lock.json, at
// exactly those versions, below cache and returns their node_modules directory.
// What was installed before is used again.
func InstallNodeModules(ctx context.Context, cache string) (string, error) {
	lock, err := fs.ReadFile(nodeFiles, "node/package-lock.json")
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
	// Installed aside and renamed, so that what stands there is complete.
	aside, err := os.MkdirTemp(cache, "npm-")
	if err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	if err := npmInstall(ctx, aside); err != nil {
		return "", errors.Join(err, os.RemoveAll(aside))
	}
	if err := os.Rename(aside, dir); err != nil {
		err = errors.Join(err, os.RemoveAll(aside))
		if _, there := os.Stat(modules); there == nil {
			return modules, nil // somebody else was faster
		}
		return "", err
	}
	return modules, nil
}

func npmInstall(ctx context.Context, dir string) error {
	files, err := fs.Sub(nodeFiles, "node")
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return fmt.Errorf("copy package.json: %w", err)
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
}
