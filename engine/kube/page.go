// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"fmt"
)

const (
	// firstLimit is how many objects the first page of a list may have, before
	// anything is known of their size: if each is as large as can be, it is 150 MiB,
	// which the API server has in memory and has to send within its request timeout.
	firstLimit = 100
	// pageBytes is how large a page should become.
	pageBytes = 16 << 20
	// calmPages is after how many pages in a row that arrived a page may be twice as
	// large again: what broke one off may have been the restart of an API server.
	calmPages = 16
	// maxPage bounds what an API brings in one page, whatever it was asked for.
	maxPage = 1 << 20
	// maxEmpty bounds the pages in a row that bring nothing but the promise of more: an
	// API may leave out of a page what a selector does not match.
	maxEmpty = 1000
)

// errCircle: the list does not come to an end.
var errCircle = errors.New("the list goes round in circles: leave the type out, or have its API mended")

// paging decides how many objects a page is asked for, and which of them are new.
// Large objects make pages smaller, and so does a page that broke off: what
// cannot be sent in the time that an API server gives a request never arrives,
// however often it is asked for.
type paging struct {
	// limit is what the next page is asked for, most what it may become, and ceiling
	// what most may.
	limit, most, ceiling int
	// calm counts the pages that arrived since one broke off, and empty those in a row
	// that had nothing in them.
	calm, empty int
	// objects and bytes are what the attempt under way has brought, and fresh those
	// of the objects that are new.
	objects, bytes, fresh int64
	// begun is how many objects of the page attempts that broke off have yielded. owed
	// is how many of those may come again: a later page can have them too, because it
	// need not end where the page would have that broke off.
	begun, owed int64
	seen        seen
}

func newPaging(most int) paging {
	return paging{limit: min(firstLimit, most), most: most, ceiling: most, seen: newSeen()}
}

// saw notes an object, and reports whether it is new.
func (p *paging) saw(name objectName, size int) (bool, error) {
	p.objects++
	p.bytes += int64(size)
	fresh, err := p.seen.add(name, p.owed > 0)
	if fresh {
		p.fresh++
	}
	if err == nil && p.objects > maxPage {
		err = fmt.Errorf("the list has more than %d objects in a page of %d", maxPage, p.limit)
	}
	return fresh, err
}

// arrived ends a page that is complete. It fails where the list goes on behind it, but
// has brought nothing for too long.
func (p *paging) arrived(more bool) error {
	p.owed -= p.objects - p.fresh
	if p.empty++; p.objects > 0 {
		p.empty = 0
	}
	if more && (p.empty > maxEmpty || p.objects > 0 && p.fresh == 0 && p.owed < 0) {
		return errCircle
	}
	p.owed = max(p.owed, 0)
	if p.calm++; p.calm%calmPages == 0 {
		p.most = min(2*p.most, p.ceiling)
	}
	p.limit = p.most
	if p.bytes > 0 {
		p.limit = int(min(int64(p.most), max(1, pageBytes*p.objects/p.bytes)))
	}
	p.begun = 0
	p.seen.trim()
	p.begin()
	return nil
}

// broke ends an attempt that failed with err.
func (p *paging) broke(err error) {
	if p.objects > 0 || errors.Is(err, errTimedOut) || errors.Is(err, errSilent) {
		p.most = max(1, p.limit/2)
		p.limit, p.calm = p.most, 0
	}
	p.begun += p.fresh
	p.owed += p.fresh
	p.begin()
}

// begin forgets the attempt before.
func (p *paging) begin() { p.objects, p.bytes, p.fresh = 0, 0, 0 }
