// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"errors"
	"fmt"
	"strings"
)

// errListing says that a listing cannot be relied on.
var errListing = errors.New("the listing cannot be relied on")

// progress makes sure that a listing goes forward: one that repeats a page, or
// goes back to one, would be counted twice, or never end. Services list in the
// order of the keys' bytes, or folder by folder (Azure's accounts with a
// hierarchical namespace); a listing has to keep to one of the two orders.
type progress struct {
	last string
	// notBytes and notFolders say which order was broken already.
	notBytes, notFolders bool
}

// next notes a key, and returns an error where the listing does not go forward.
func (p *progress) next(key string) error {
	if p.last != "" {
		p.notBytes = p.notBytes || key <= p.last
		p.notFolders = p.notFolders || folderOrder(key) <= folderOrder(p.last)
	}
	if p.notBytes && p.notFolders {
		return explained{errListing, fmt.Sprintf(
			"the server's listing goes back: %q comes after %q; nothing is concluded from it: check the server", key, p.last)}
	}
	p.last = key
	return nil
}

// folderOrder is a text whose order is that of the folders in a key.
func folderOrder(key string) string { return strings.ReplaceAll(key, "/", "\x00") }
