// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// azureVersion is as pinned in azure/package.json.
const azureVersion = "3.37.0"

// Azure is a server that speaks Azure's blob storage.
type Azure struct{ *ObjectStore }

// AzureServer returns the script that is the server, for node to run. It installs
// it with npm when it is not in the cache.
func AzureServer(ctx context.Context, log io.Writer) (string, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("install Azurite: %s is missing: install Node.js 20 or later (Debian: apt-get install nodejs npm)", program)
		}
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	src := filepath.Join(root, "test", "lab", "azure")
	pinned, err := os.ReadFile(filepath.Join(src, "package-lock.json"))
	if err != nil {
		return "", fmt.Errorf("install Azurite: %w", err)
	}
	base, err := cacheBase()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pinned)
	cache := filepath.Join(base, "azure-v"+azureVersion+"-"+hex.EncodeToString(sum[:])[:12])
	script := filepath.Join(cache, "node_modules", "azurite", "dist", "src", "blob", "main.js")
	if err := os.MkdirAll(filepath.Dir(cache), 0o750); err != nil {
		return "", fmt.Errorf("create the lab's cache: %w", err)
	}
	unlock, err := lockFile(ctx, cache+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(script); err == nil {
		return script, nil
	}
	fmt.Fprintf(log, "Installing Azurite (v%s; about a minute, once)\n", azureVersion)
	return script, installAzure(ctx, src, cache, log)
}

// installAzure installs into a folder of its own and then moves it into the
// cache, so that what is in the cache is whole.
func installAzure(ctx context.Context, src, cache string, log io.Writer) error {
	tmp, err := os.MkdirTemp(filepath.Dir(cache), "install-")
	if err != nil {
		return fmt.Errorf("install Azurite: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, os.DirFS(src)); err != nil {
		return fmt.Errorf("install Azurite: %w", err)
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir, cmd.Stdout, cmd.Stderr = tmp, log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install Azurite: npm ci: %w", err)
	}
	return errors.Join(os.RemoveAll(cache), os.Rename(tmp, cache))
}

// StartAzure starts the server with these accounts; their keys are base64. ctx
// bounds the start only: Stop ends it.
func StartAzure(ctx context.Context, log io.Writer, accounts ...Account) (*Azure, error) {
	script, err := AzureServer(ctx, orStandardError(log))
	if err != nil {
		return nil, err
	}
	o, err := newObjectStore()
	if err != nil {
		return nil, err
	}
	var pairs []string
	for _, a := range accounts {
		pairs = append(pairs, a.Name+":"+a.Key)
	}
	o, err = started(o, o.run(ctx, "/usr/bin/env", func(port string) []string {
		return []string{
			"AZURITE_ACCOUNTS=" + strings.Join(pairs, ";"), "node", script,
			"--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence", "--disableTelemetry", "--silent",
			"--skipApiVersionCheck", "--cert", o.file(serverCert), "--key", o.file(serverKey),
		}
	}))
	if err != nil {
		return nil, err
	}
	return &Azure{o}, nil
}
