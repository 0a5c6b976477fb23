// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// newcomer is a service account without any right, and its way into the cluster.
func newcomer(t *testing.T, name string) (rbacv1.Subject, *kube.Cluster, *definitions.Guard) {
	t.Helper()
	shared := labtest.Shared(t)
	admin := labtest.Client(t, shared)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name}}
	if err := admin.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	token := &authenticationv1.TokenRequest{}
	if err := admin.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	cfg := rest.AnonymousClientConfig(shared.Config())
	cfg.BearerToken = token.Status.Token
	cluster, err := kube.New(cfg, kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := client.New(cfg, client.Options{Scheme: labtest.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: labtest.Namespace, Name: name}, cluster, &definitions.Guard{Reader: reader}
}

// Installers create the bindings after the Deployment, or all at once.
func TestBindingsThatComeLaterAreWaitedFor(t *testing.T) {
	account, cluster, guard := newcomer(t, "late")
	admin := labtest.Client(t, labtest.Shared(t))
	var once sync.Once
	var mu sync.Mutex
	var lines []string
	log := funcr.New(func(_, args string) {
		mu.Lock()
		lines = append(lines, args)
		mu.Unlock()
		once.Do(func() {
			binding := &rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: "late"}, Subjects: []rbacv1.Subject{account},
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			}
			if err := admin.Create(t.Context(), binding); err != nil {
				t.Error(err)
			}
		})
	}, funcr.Options{})
	uid, err := awaitAccess(t.Context(), Options{Logger: log}, cluster, guard, time.Minute)
	if err != nil || uid == "" {
		t.Fatalf("awaitAccess = %q, %v", uid, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(lines) == 0 || !strings.Contains(lines[0], `"Waiting for the rights of the service account"`) || !strings.Contains(lines[0], "forbidden") {
		t.Errorf("lines = %q", lines)
	}
}

func TestBindingsThatDoNotComeEndTheServer(t *testing.T) {
	_, cluster, guard := newcomer(t, "never")
	_, err := awaitAccess(t.Context(), Options{Logger: logr.Discard()}, cluster, guard, 10*time.Millisecond)
	if err == nil || !strings.HasPrefix(err.Error(), "wait for the rights of the service account for 10ms: see that the chart's roles and their bindings are there: ") {
		t.Errorf("awaitAccess: %v", err)
	}
}
