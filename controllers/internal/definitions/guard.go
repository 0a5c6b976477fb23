// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definitions

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
)

const (
	// lookEvery is how often definitions are looked at: five small requests.
	lookEvery = 10 * time.Second
	// again is when to look again at an object of which the kind is not served whole.
	again = 30 * time.Second
)

// Guard knows which of Ark's kinds are served whole. It is safe for concurrent use and
// must not be copied.
type Guard struct {
	// Reader reads past any cache.
	Reader client.Reader

	mu sync.Mutex
	// verdicts are what is wrong, by resource; nil where nothing is.
	verdicts map[string]error
	// looked are the generations of the definitions whose stored objects were looked at.
	looked map[string]looked
}

// looked is what stored objects need more than a definition of one generation has.
type looked struct {
	uid        string
	generation int64
	beyond     []string
}

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=configs.ark.gopherwood.dev;backuppolicies.ark.gopherwood.dev;schedules.ark.gopherwood.dev;backups.ark.gopherwood.dev;restores.ark.gopherwood.dev,verbs=get
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs;backuppolicies;schedules;backups;restores,verbs=list

// Check looks at all definitions. It returns a stall for DefinitionOutdated when one of
// them lacks what is needed, and any other error when that cannot be told.
func (g *Guard) Check(ctx context.Context) error {
	var problems []error
	for _, k := range kinds {
		verdict, err := g.judge(ctx, k)
		if err != nil {
			return fmt.Errorf("look at the definitions of Ark's kinds: %w", err)
		}
		g.mu.Lock()
		if g.verdicts == nil {
			g.verdicts = map[string]error{}
		}
		g.verdicts[k.resource] = verdict
		g.mu.Unlock()
		problems = append(problems, verdict)
	}
	return step.Join(problems...)
}

// Verdict returns what was wrong with a kind when it was last looked at.
func (g *Guard) Verdict(resource string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.verdicts[resource]
}

// judge looks at one definition.
func (g *Guard) judge(ctx context.Context, k kind) (verdict, err error) {
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(runtimeschema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	err = g.Reader.Get(ctx, client.ObjectKey{Name: k.definition()}, definition)
	if apierrors.IsNotFound(err) {
		return step.StallFor(again, v1alpha1.DefinitionOutdatedReason,
			"there is no definition %s: apply those of Ark's chart (helm upgrade --install)", k.definition()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.definition(), err)
	}
	if missing := k.needs(definition.Object); len(missing) > 0 {
		return step.StallFor(again, v1alpha1.DefinitionOutdatedReason,
			"the definition %s lacks %s, which this version of Ark needs: apply the definitions of its chart (helm upgrade), "+
				"and find out who changed this one. Until then no %s is read or written, and nothing is restored",
			k.definition(), strings.Join(cut(missing), ", "), k.name), nil
	}
	beyond, err := g.beyond(ctx, k, definition)
	if err != nil {
		return nil, err
	}
	if len(beyond) > 0 {
		return step.StallFor(again, v1alpha1.DefinitionOutdatedReason,
			"the definition %s is older than what is stored, and lacks %s: to write it would drop that. "+
				"Apply the definitions of the chart that it was made with; where that may be lost, "+
				"kubectl patch the object with --type merge -p '{\"metadata\":{\"managedFields\":[{}]}}'. "+
				"Until then no %s is read or written, and nothing is restored",
			k.definition(), strings.Join(cut(beyond), "; "), k.name), nil
	}
	return nil, nil
}

// beyond looks at the stored objects once for each generation of a definition. Where
// some need more, it looks again.
func (g *Guard) beyond(ctx context.Context, k kind, definition *unstructured.Unstructured) ([]string, error) {
	is := looked{uid: string(definition.GetUID()), generation: definition.GetGeneration()}
	g.mu.Lock()
	was, known := g.looked[k.resource]
	g.mu.Unlock()
	if known && was.uid == is.uid && was.generation == is.generation && len(was.beyond) == 0 {
		return nil, nil
	}
	var err error
	if is.beyond, err = g.stored(ctx, k, definition.Object); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.looked == nil {
		g.looked = map[string]looked{}
	}
	g.looked[k.resource] = is
	return is.beyond, nil
}

// Start looks at the definitions until ctx ends, and logs what changes.
func (g *Guard) Start(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	logger := log.FromContext(ctx).WithName("definitions")
	said := ""
	for {
		switch err := g.Check(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil && err.Error() != said:
			said = err.Error()
			logger.Error(err, "Refusing restores")
		case err == nil && said != "":
			said = ""
			logger.Info("Serving all kinds again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// NeedLeaderElection says that every replica looks.
func (*Guard) NeedLeaderElection() bool { return false }
