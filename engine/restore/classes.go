// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

var (
	driverType        = schema.GroupResource{Group: "storage.k8s.io", Resource: "csidrivers"}
	priorityClassType = schema.GroupResource{Group: "scheduling.k8s.io", Resource: "priorityclasses"}
)

// withoutDefault is an object as it is created: a class that is only needed is not made
// the default of a cluster that nobody asked to change.
func (p *prepared) withoutDefault() transform.Manifest {
	if !p.it.related {
		return p.Manifest
	}
	return transform.WithoutDefault(p.it.source.GroupResource, p.Manifest)
}

// noteClass tells of a class that was created what the cluster has to be looked at for:
// another default, and a driver that is not there.
func (r *run) noteClass(ctx context.Context, p *prepared, sent transform.Manifest) error {
	it, gr := p.it, p.it.source.GroupResource
	if transform.IsDefault(gr, p.Manifest) && !transform.IsDefault(gr, sent) {
		it.messages = append(it.messages, "is not the default that it was: it is there for what names it, and the cluster keeps its own default")
	}
	if transform.IsDefault(gr, sent) && gr != priorityClassType {
		others, err := r.defaults(ctx, it, sent)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			it.messages = append(it.messages, fmt.Sprintf("may be a second default beside another one: list %s: %v", gr, err))
		case len(others) > 0:
			it.messages = append(it.messages, fmt.Sprintf("is a second default beside %s: leave the mark to one of them", strings.Join(others, ", ")))
		}
	}
	return r.noteDriver(ctx, p)
}

// defaults returns the other default classes of the cluster.
func (r *run) defaults(ctx context.Context, it *item, class transform.Manifest) ([]string, error) {
	if r.Lister == nil {
		return nil, nil
	}
	gr := it.source.GroupResource
	var found []string
	for o, err := range r.Lister.List(ctx, *it.resource, engine.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		if o.Meta.Name == it.target.Name {
			continue
		}
		m, err := transform.Decode(o.Raw)
		if err != nil {
			return nil, err
		}
		if transform.IsDefault(gr, m) && transform.SameDefaults(gr, class, m) {
			found = append(found, o.Meta.Name)
		}
	}
	slices.Sort(found)
	return found, nil
}

// noteDriver warns of a class whose driver is not registered. A driver comes with its
// own installation, not with its class. Those that are in no need of an object of their
// own are of the kubelet.
func (r *run) noteDriver(ctx context.Context, p *prepared) error {
	driver := transform.DriverOf(p.it.source.GroupResource, p.Manifest)
	registered, served := r.plan.catalog.served[driverType]
	if driver == "" || strings.HasPrefix(driver, "kubernetes.io/") || !served || r.plan.restores(engine.Key{GroupResource: driverType, Name: driver}) {
		return nil
	}
	_, err := r.Getter.Get(ctx, registered, "", driver)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, engine.ErrNotFound):
		p.it.messages = append(p.it.messages, fmt.Sprintf("is of driver %s, and this cluster has no CSIDriver of that name: "+
			"where the driver does not run, install it, or what names the class waits for it", driver))
	}
	return nil
}

// isSecondDefault reports whether a PriorityClass was refused because the cluster has a
// global default: the API server takes no second one.
func isSecondDefault(p *prepared, err error) bool {
	return p.it.source.GroupResource == priorityClassType && p.Manifest["globalDefault"] == true &&
		strings.Contains(err.Error(), "already marked as default")
}

// notDefault creates a PriorityClass once more, without being the global default.
func (r *run) notDefault(ctx context.Context, p *prepared) error {
	delete(p.Manifest, "globalDefault")
	if err := r.create(ctx, p); err != nil {
		return err
	}
	p.it.messages = append(p.it.messages, "is not the global default that it was: the cluster has one, and takes no second")
	return nil
}
