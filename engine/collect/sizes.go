// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	// unknownSize stands for a number of objects that the API server does not tell.
	unknownSize = math.MaxInt64
	// noAnswer stands for that of a type that could not be asked for it.
	noAnswer = -1
)

// sizes are how many objects types had when they were asked for their revision. It
// is safe for concurrent use.
type sizes struct {
	mu sync.Mutex
	of map[schema.GroupResource]int64
}

// answered notes how many objects a type has.
func (s *sizes) answered(t engine.Resource, state engine.State) {
	if state.Objects < 0 {
		s.note(t, unknownSize)
		return
	}
	s.note(t, state.Objects)
}

// failed notes that a type could not be asked.
func (s *sizes) failed(t engine.Resource) { s.note(t, noAnswer) }

func (s *sizes) note(t engine.Resource, objects int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[schema.GroupResource]int64{}
	}
	s.of[t.GroupResource()] = objects
}

// objects returns how many objects a type had, where that is known.
func (s *sizes) objects(t engine.Resource) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, asked := s.of[t.GroupResource()]
	return n, asked && n != noAnswer && n != unknownSize
}

// sort puts the types with the most objects first: one that is listed last keeps one
// core busy while the others have nothing to do. One that does not tell may have
// many. One that could not be asked comes last: its list may well take until every
// retry is used up, and nothing should wait for that.
func (s *sizes) sort(tasks []task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(tasks, func(a, b task) int {
		return cmp.Compare(s.of[b.resource.GroupResource()], s.of[a.resource.GroupResource()])
	})
}
