// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// TestLabMoment takes backups of real API servers and etcds whose types do not
// stand still, do not lie together, or are forgotten.
func TestLabMoment(t *testing.T) {
	own := newLive(t, lab.Options{OwnEtcd: []string{"/events"}})
	forgetful := newLive(t, lab.Options{CompactEvery: time.Second})

	t.Run("what is written meanwhile is in the backup as one moment saw it", own.writersRun)
	t.Run("a type of another etcd", own.anotherEtcd)
	t.Run("a type behind an aggregated API", func(t *testing.T) { own.aggregates(t, forgetful) })
	t.Run("a revision that is compacted in the middle of a type", forgetful.compactsWithin)
	t.Run("a revision that is compacted between types", forgetful.compactsBetween)
}

// live is a real cluster, with a namespace for the test.
type live struct {
	*lab.Cluster
	client.Client

	cluster *kube.Cluster
}

const place = "moment"

func newLive(t *testing.T, opts lab.Options) *live {
	t.Helper()
	l := &live{Cluster: labtest.Start(t, opts)}
	l.Client = labtest.Client(t, l.Cluster)
	var err error
	if l.cluster, err = kube.New(labtest.ServiceAccount(t, l.Cluster, labtest.WithoutRestores), kube.Options{PageSize: 10}); err != nil {
		t.Fatal(err)
	}
	l.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: place}})
	return l
}

func (l *live) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := l.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// take collects the test's namespace, one type after the other unless opts says
// otherwise.
func (l *live) take(t *testing.T, lister engine.Lister, opts collect.Options) (*sink, *collect.Report) {
	t.Helper()
	opts.Lists = cmp.Or(opts.Lists, 1)
	opts.Template = selection.Template{IncludedNamespaces: []string{place + "*"}} // a glob lists everything
	s := newSink()
	report, err := collect.Collect(t.Context(), collect.Source{Discoverer: l.cluster, Lister: lister, Historian: l.cluster}, nil, s, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.twice) > 0 {
		t.Errorf("archived more than once: %v", s.twice)
	}
	if !report.Complete() {
		t.Errorf("errors %v", report.Results.Errors)
	}
	return s, report
}

// interrupted lets things happen while types are listed.
type interrupted struct {
	engine.Lister
	// before is called when the list of a type begins, within after each object.
	before func(resource string, opts engine.ListOptions)
	within func(resource string, n int, opts engine.ListOptions)
}

func (i interrupted) List(ctx context.Context, r engine.Resource, opts engine.ListOptions) iter.Seq2[engine.Object, error] {
	return func(yield func(engine.Object, error) bool) {
		name, n := r.GroupResource().String(), 0
		if i.before != nil {
			i.before(name, opts)
		}
		for o, err := range i.Lister.List(ctx, r, opts) {
			if !yield(o, err) {
				return
			}
			if n++; i.within != nil {
				i.within(name, n, opts)
			}
		}
	}
}

// writer writes to objects of several types, one after the other, round after
// round, and each round replaces a Deployment and the ReplicaSet that it owns.
type writer struct {
	live *live
	// rounds receives the number of a round that ended, if somebody waits for it.
	rounds chan int
	failed chan error
}

var written = []client.Object{
	&unstructured.Unstructured{Object: map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}},
	&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}},
	&unstructured.Unstructured{Object: map[string]any{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}},
	&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret"}},
	&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "LimitRange"}},
	&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount"}},
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) {
	defer close(w.failed)
	for round := 1; ctx.Err() == nil; round++ {
		if err := w.round(ctx, round); err != nil && ctx.Err() == nil {
			w.failed <- err
			return
		}
		select {
		case w.rounds <- round:
		default:
		}
	}
}

func (w *writer) round(ctx context.Context, round int) error {
	for _, o := range written {
		ticked := o.DeepCopyObject().(client.Object)
		ticked.SetNamespace(place)
		ticked.SetName("ticking")
		ticked.SetAnnotations(map[string]string{"tick": strconv.Itoa(round)})
		write := func() error { return w.live.Patch(ctx, ticked, client.Merge) }
		if round == 1 {
			write = func() error { return w.live.Create(ctx, ticked) }
		}
		if err := write(); err != nil {
			return err
		}
	}
	deployment := workload("Deployment", round)
	if err := w.live.Create(ctx, deployment); err != nil {
		return err
	}
	set := workload("ReplicaSet", round)
	set.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: deployment.GetName(), UID: deployment.GetUID()}})
	if err := w.live.Create(ctx, set); err != nil || round == 1 {
		return err
	}
	return errors.Join(w.live.Delete(ctx, workload("ReplicaSet", round-1)), w.live.Delete(ctx, workload("Deployment", round-1)))
}

func workload(kind string, round int) client.Object {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": kind,
		"spec": map[string]any{
			"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"a": "b"}},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "none"}}},
			},
		},
	}}
	o.SetNamespace(place)
	o.SetName(fmt.Sprintf("round-%d", round))
	return o
}

// writersRun lets two rounds pass before each list: lists of different moments
// cannot look like one.
func (l *live) writersRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &writer{live: l, rounds: make(chan int), failed: make(chan error, 1)}
	go w.run(ctx)
	defer func() {
		cancel()
		if err := <-w.failed; err != nil {
			t.Error(err)
		}
	}()
	pass := func() {
		for range 2 {
			select {
			case <-w.rounds:
			case err, first := <-w.failed:
				if first {
					t.Errorf("the writer ended: %v", err)
				}
				return
			}
		}
	}
	pass()
	lister := interrupted{Lister: l.cluster, before: func(string, engine.ListOptions) { pass() }}

	for _, lists := range []int{1, collect.DefaultLists} {
		s, report := l.take(t, lister, collect.Options{Lists: lists})
		if problem := tornApart(t, s); problem != "" {
			t.Errorf("%d lists at a time, revision %s: %s", lists, report.Revision, problem)
		}
		for name, raw := range s.raw {
			if r := revisionOf(t, raw); r > number(t, report.Revision) && !strings.HasPrefix(name, "events/") {
				t.Errorf("%d lists at a time: %s is of revision %d, after %s", lists, name, r, report.Revision)
			}
		}
	}
	// The same without a moment must show that this test can tell.
	s, report := l.take(t, lister, collect.Options{AnyMoment: true})
	if problem := tornApart(t, s); problem == "" || report.Revision != "" {
		t.Errorf("with pointInTime off, nothing is torn apart, and the revision is %q", report.Revision)
	}
}

// tornApart says what in an archive cannot have been at one moment.
func tornApart(t *testing.T, s *sink) string {
	t.Helper()
	last, first := -1, -1
	for _, name := range []string{"roles" + rbac, "configmaps", "leases.coordination.k8s.io", "secrets", "limitranges", "serviceaccounts"} {
		var o metav1.PartialObjectMetadata
		if err := json.Unmarshal(s.raw[name+"/"+place+"/ticking"], &o); err != nil {
			return name + " is not in the archive"
		}
		tick := int(number(t, o.Annotations["tick"]))
		switch {
		case first < 0:
			first = tick
		case tick > last, tick < first-1:
			return fmt.Sprintf("%s was written in round %d, before it %d, the first in %d", name, tick, last, first)
		}
		last = tick
	}
	sets := 0
	for name, raw := range s.raw {
		if !strings.HasPrefix(name, "replicasets.apps/") {
			continue
		}
		sets++
		var set metav1.PartialObjectMetadata
		if err := json.Unmarshal(raw, &set); err != nil {
			t.Fatal(err)
		}
		owner, ok := s.entries["deployments.apps/"+place+"/"+set.OwnerReferences[0].Name]
		if !ok || owner.UID != set.OwnerReferences[0].UID {
			return name + " is in the archive without its owner"
		}
	}
	if sets == 0 {
		return "no ReplicaSet is in the archive"
	}
	return ""
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func revisionOf(t *testing.T, raw []byte) int64 {
	t.Helper()
	var o metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return number(t, o.ResourceVersion)
}

// anotherEtcd keeps events in an etcd of their own, whose revisions are behind
// those of all others at first, and then ahead.
func (l *live) anotherEtcd(t *testing.T) {
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: place, Name: "happened"},
		InvolvedObject: corev1.ObjectReference{Namespace: place},
	}
	l.create(t, event)
	check := func(t *testing.T) {
		t.Helper()
		s, report := l.take(t, l.cluster, collect.Options{})
		for name, r := range report.Resources {
			if r.OwnHistory != (name == "events") {
				t.Errorf("%s has a history of its own: %v", name, r.OwnHistory)
			}
			if name != "events" && r.Revision != "" && r.Revision != report.Revision {
				t.Errorf("%s was listed at %s, want %s", name, r.Revision, report.Revision)
			}
		}
		if len(report.Results.Warnings) > 0 {
			t.Errorf("warnings %v", report.Results.Warnings)
		}
		if got := s.raw["events/"+place+"/happened"]; got == nil || revisionOf(t, got) != number(t, event.ResourceVersion) {
			t.Errorf("the event is archived as %s, want resourceVersion %s", got, event.ResourceVersion)
		}
	}
	t.Run("that is behind", check)
	namespaces := engine.Resource{Version: "v1", Name: "namespaces"}
	target, err := l.cluster.Revision(t.Context(), namespaces)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; number(t, event.ResourceVersion) <= number(t, target.Revision)+100; n++ {
		event.Count = int32(n)
		if err := l.Update(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("that is ahead", check)
}

// aggregates serves a type of another cluster as an aggregated API, as the
// extension API servers of a real cluster are served.
func (l *live) aggregates(t *testing.T, behind *live) {
	t.Helper()
	crd := definition("fleet.example.org", "ships")
	behind.create(t, crd)
	// The API server in front is nobody to the one behind, which lets anybody read.
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "anybody"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"fleet.example.org"}, Resources: []string{"*"}, Verbs: []string{"get", "list"}},
			{NonResourceURLs: []string{"/apis", "/apis/*"}, Verbs: []string{"get"}},
		},
	}
	behind.create(t, role, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "anybody"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "anybody"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "system:anonymous"}},
	})
	ship := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "fleet.example.org/v1", "kind": "Ship", "metadata": map[string]any{"namespace": place, "name": "argo"},
	}}
	await(t, func(ctx context.Context) bool { return behind.Create(ctx, ship.DeepCopy()) == nil })
	await(t, func(ctx context.Context) bool { return behind.Get(ctx, client.ObjectKeyFromObject(ship), ship) == nil })

	address, err := url.Parse(behind.Config().Host)
	if err != nil {
		t.Fatal(err)
	}
	port := number(t, address.Port())
	l.create(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: place, Name: "fleet"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1.fleet.example.org"},
		"spec": map[string]any{
			"group": "fleet.example.org", "version": "v1", "groupPriorityMinimum": int64(100), "versionPriority": int64(10),
			"insecureSkipTLSVerify": true, "service": map[string]any{"namespace": place, "name": "fleet", "port": port},
		},
	}})
	const ships = "ships.fleet.example.org"
	await(t, func(ctx context.Context) bool {
		d, err := l.cluster.Discover(ctx)
		return err == nil && len(d.Broken) == 0 && slices.ContainsFunc(d.Resources, func(r engine.Resource) bool { return r.GroupResource().String() == ships })
	})
	s, report := l.take(t, l.cluster, collect.Options{})
	if got := report.Resources[ships]; !got.OwnHistory || got.Included != 1 {
		t.Errorf("%s: %+v, want one object and a history of its own", ships, got)
	}
	if got := s.raw[ships+"/"+place+"/argo"]; got == nil || revisionOf(t, got) != number(t, ship.GetResourceVersion()) {
		t.Errorf("the ship is archived as %s", got)
	}
	if len(report.Results.Warnings) > 0 {
		t.Errorf("warnings %v", report.Results.Warnings)
	}
}

// definition defines a type without a schema.
func definition(group, plural string) client.Object {
	kind := strings.ToUpper(plural[:1]) + strings.TrimSuffix(plural[1:], "s")
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": plural + "." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": plural, "singular": strings.ToLower(kind), "kind": kind},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}}
}

func await(t *testing.T, done func(context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return done(ctx), nil
	})
	if err != nil {
		t.Error(err) // not Fatal: this runs in goroutines of what is tested, too
	}
}

// forget waits until etcd has forgotten the revision of a list.
func (l *live) forget(t *testing.T, opts engine.ListOptions) {
	t.Helper()
	secrets := engine.Resource{Version: "v1", Name: "secrets", Kind: "Secret", Namespaced: true}
	await(t, func(ctx context.Context) bool {
		for _, err := range l.cluster.List(ctx, secrets, engine.ListOptions{Revision: opts.Revision}) {
			return errors.Is(err, engine.ErrRevisionGone)
		}
		return false
	})
}

// fill makes objects of two types.
func (l *live) fill(t *testing.T) {
	t.Helper()
	for i := range 35 {
		name := fmt.Sprintf("o-%02d", i)
		meta := metav1.ObjectMeta{Namespace: place, Name: name}
		if err := l.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta}); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
		if err := l.Create(t.Context(), &corev1.Secret{ObjectMeta: meta}); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	}
}

// compactsWithin compacts when fifteen of the config maps were read, and changes
// one before and one behind.
func (l *live) compactsWithin(t *testing.T) {
	l.fill(t)
	once := false
	s, report := l.take(t, interrupted{Lister: l.cluster, within: func(name string, n int, opts engine.ListOptions) {
		if name != "configmaps" || n != 15 || once {
			return
		}
		once = true
		for _, name := range []string{"o-00", "o-34"} {
			changed := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: place, Name: name}, Data: map[string]string{"changed": "yes"}}
			if err := l.Update(t.Context(), changed); err != nil {
				t.Error(err)
			}
		}
		l.forget(t, opts)
	}}, collect.Options{})
	if !once {
		t.Fatal("nothing was compacted")
	}
	l.checkMoved(t, report, "configmaps")
	for i := range 35 {
		name := fmt.Sprintf("configmaps/%s/o-%02d", place, i)
		if s.raw[name] == nil {
			t.Errorf("%s is not in the archive", name)
		}
	}
	if early, late := string(s.raw["configmaps/"+place+"/o-00"]), string(s.raw["configmaps/"+place+"/o-34"]); strings.Contains(early, "changed") || !strings.Contains(late, "changed") {
		t.Errorf("what was read before is archived as %s, what was read after as %s", early, late)
	}
}

// compactsBetween compacts before the secrets are listed.
func (l *live) compactsBetween(t *testing.T) {
	l.fill(t)
	once := false
	_, report := l.take(t, interrupted{Lister: l.cluster, before: func(name string, opts engine.ListOptions) {
		if name == "secrets" && !once {
			once = true
			l.forget(t, opts)
		}
	}}, collect.Options{})
	l.checkMoved(t, report, "")
}

// checkMoved checks that the types that came after a compaction are of one later
// revision, and that torn, if any, says that it is of both.
func (l *live) checkMoved(t *testing.T, report *collect.Report, torn string) {
	t.Helper()
	later := report.Resources["secrets"].Revision
	if later == "" || number(t, later) <= number(t, report.Revision) {
		t.Fatalf("secrets are of revision %q, want a later one than %s", later, report.Revision)
	}
	for name, r := range report.Resources {
		switch {
		case name == torn:
			if r.Revision != report.Revision || number(t, r.RestRevision) <= number(t, r.Revision) {
				t.Errorf("%s is of revisions %q and %q, want %q and a later one", name, r.Revision, r.RestRevision, report.Revision)
			}
		case r.RestRevision != "" || r.OwnHistory || r.Revision != "" && r.Revision != report.Revision && r.Revision != later:
			t.Errorf("%s: %+v, want revision %s or %s", name, r, report.Revision, later)
		}
	}
	if got := report.Resources["pods"].Revision; torn == "configmaps" && got != later {
		t.Errorf("pods are of revision %s, want %s: types that come later move together", got, later)
	}
	var codes []string
	for _, w := range report.Results.Warnings {
		codes = append(codes, w.Code)
	}
	want := []string{collect.CodeMomentMoved}
	if torn != "" {
		want = append(want, collect.CodeListTorn)
	}
	if !slices.Equal(codes, want) {
		t.Errorf("warnings %v, want %v", report.Results.Warnings, want)
	}
}
