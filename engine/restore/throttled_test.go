// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// restorer is whom the API server gives few seats.
const restorer = "restorer"

// limitRestorer makes the API server refuse what goes beyond a dozen requests of
// the restorer at a time, and returns what ends that.
func limitRestorer(t *testing.T, admin client.Client, cfg *rest.Config) (lift func(context.Context) error) {
	t.Helper()
	name, none := metav1.ObjectMeta{Name: restorer}, new(int32)
	level := &flowcontrolv1.PriorityLevelConfiguration{ObjectMeta: name, Spec: flowcontrolv1.PriorityLevelConfigurationSpec{
		Type: flowcontrolv1.PriorityLevelEnablementLimited,
		Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
			NominalConcurrencyShares: new(int32(1)), LendablePercent: none, BorrowingLimitPercent: none,
			LimitResponse: flowcontrolv1.LimitResponse{Type: flowcontrolv1.LimitResponseTypeReject},
		},
	}}
	subject := flowcontrolv1.Subject{Kind: flowcontrolv1.SubjectKindUser, User: &flowcontrolv1.UserSubject{Name: restorer}}
	every := []string{"*"}
	flow := &flowcontrolv1.FlowSchema{ObjectMeta: name, Spec: flowcontrolv1.FlowSchemaSpec{
		PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: restorer}, MatchingPrecedence: 50,
		Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
			Subjects: []flowcontrolv1.Subject{subject},
			ResourceRules: []flowcontrolv1.ResourcePolicyRule{{
				Verbs: every, APIGroups: every, Resources: every, Namespaces: every, ClusterScope: true,
			}},
		}},
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: restorer}},
	}
	for _, o := range []client.Object{level, flow, binding} {
		must(t, admin.Create(t.Context(), o))
	}
	http, err := rest.HTTPClientFor(cfg)
	must(t, err)
	must(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		resp, err := http.Get(cfg.Host + "/api/v1/namespaces/default/configmaps")
		if err != nil {
			return false, err
		}
		_ = resp.Body.Close()
		return resp.StatusCode == 200 && resp.Header.Get(flowcontrolv1.ResponseHeaderMatchedPriorityLevelConfigurationUID) == string(level.UID), nil
	}))
	return func(ctx context.Context) error { return admin.Delete(ctx, flow) }
}

// traffic watches requests on their way.
type traffic struct {
	mu                      sync.Mutex
	underWay, sent, refused int
	// most is how many were under way at a time since it was last reset.
	most int
}

func (c *traffic) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		c.mu.Lock()
		c.underWay++
		c.sent++
		c.most = max(c.most, c.underWay)
		c.mu.Unlock()
		resp, err := next.RoundTrip(r)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.underWay--
		if err == nil && resp.StatusCode == http.StatusTooManyRequests {
			c.refused++
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A real API server has a dozen seats for the restore, which begins with 32 requests
// at a time. In the middle the limit is lifted.
func TestARestoreSendsWhatTheServerHasSeatsFor(t *testing.T) {
	started := labtest.Start(t, lab.Options{})
	cfg := started.Config()
	cfg.Impersonate.UserName = restorer
	lift := limitRestorer(t, labtest.Client(t, started), cfg)
	seen := &traffic{}
	cfg.Wrap(seen.wrap)
	cluster, err := kube.New(cfg, kube.Options{})
	must(t, err)

	const objects, lifted = 2400, 800
	source := newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"many"}}`)
	for n := range objects {
		source.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"many","name":"c%04d"}}`, n))
	}
	req := request()
	req.Workers = 32
	req.Selection.IncludedNamespaces, req.Selection.IncludedResources = []string{"many"}, []string{"configmaps"}
	var once sync.Once
	var sent, refused int
	var lifting error
	report, err := restore.Run(t.Context(), restore.Target{Discoverer: cluster, Getter: cluster, Writer: cluster}, req, backup(t, source),
		restore.Options{Sleep: restore.Sleep, Progress: func(p restore.Progress) {
			if p.Results.Created < lifted {
				return
			}
			once.Do(func() {
				lifting = lift(t.Context())
				seen.mu.Lock()
				defer seen.mu.Unlock()
				sent, refused, seen.most = seen.sent, seen.refused, 0
			})
		}})
	must(t, errors.Join(err, lifting))
	if report.Results.Created < objects || report.Results.Failed > 0 {
		t.Errorf("results %+v, errors %v, want %d created", report.Results, report.Errors, objects)
	}
	if refused == 0 || refused > lifted/4 {
		t.Errorf("%d of the first %d requests were refused, want a few", refused, sent)
	}
	if seen.most < 24 {
		t.Errorf("never more than %d requests at a time after the limit was lifted, want nearly 32 again", seen.most)
	}
	t.Logf("%d of %d requests refused until the limit was lifted, %d of %d in all", refused, sent, seen.refused, seen.sent)
}
