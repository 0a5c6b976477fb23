// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"maps"
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
)

// paging decides how many objects a page is asked for, and remembers which were
// yielded. Large objects make pages smaller, and so does a page that broke off: what
// cannot be sent in the time that an API server gives a request never arrives,
// however often it is asked for.
type paging struct {
	// limit is what the next page is asked for, most what it may become, and ceiling
	// what most may.
	limit, most, ceiling int
	// calm counts the pages that arrived since one broke off.
	calm int
	// objects and bytes are what the attempt under way has brought.
	objects, bytes int64
	// current are the objects of the attempt under way, and earlier those of
	// attempts that broke off. A later page can have these too, because it need not
	// end where the page would have that broke off.
	current, earlier map[objectName]struct{}
}

func newPaging(most int) paging {
	return paging{
		limit: min(firstLimit, most), most: most, ceiling: most,
		current: map[objectName]struct{}{}, earlier: map[objectName]struct{}{},
	}
}

// saw notes an object, and reports whether it is new.
func (p *paging) saw(name objectName, size int) bool {
	p.objects++
	p.bytes += int64(size)
	_, done := p.earlier[name]
	_, twice := p.current[name] // no archive holds two objects of one name, whatever an API lists
	if done || twice {
		return false
	}
	p.current[name] = struct{}{}
	return true
}

// arrived ends a page that is complete.
func (p *paging) arrived() {
	if p.calm++; p.calm%calmPages == 0 {
		p.most = min(2*p.most, p.ceiling)
	}
	p.limit = p.most
	if p.bytes > 0 {
		p.limit = int(min(int64(p.most), max(1, pageBytes*p.objects/p.bytes)))
	}
	p.begin()
}

// broke ends an attempt that failed with err.
func (p *paging) broke(err error) {
	if p.objects > 0 || errors.Is(err, errTimedOut) || errors.Is(err, errSilent) {
		p.most = max(1, p.limit/2)
		p.limit, p.calm = p.most, 0
	}
	maps.Copy(p.earlier, p.current)
	p.begin()
}

// begin forgets the attempt before.
func (p *paging) begin() {
	p.objects, p.bytes = 0, 0
	clear(p.current)
}
