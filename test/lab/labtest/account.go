// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
)

// Split is how many of its roles the chart gives to its service account.
type Split string

const (
	// WithRestores is all of them, which amounts to cluster-admin.
	WithRestores Split = "with-restores"
	// WithoutRestores is restore.enabled=false: what controllers and backups need.
	WithoutRestores Split = "without-restores"
)

// ServiceAccount returns the way into the cluster of a service account that has
// exactly the roles that the chart generates for its own, and no other right.
func ServiceAccount(tb testing.TB, cluster *lab.Cluster, split Split) *rest.Config {
	tb.Helper()
	cfg, err := serviceAccount(tb.Context(), Client(tb, cluster), cluster.Config(), split)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// ServiceAccountClient returns a client like Client that acts as ServiceAccount.
func ServiceAccountClient(tb testing.TB, cluster *lab.Cluster, split Split) client.Client {
	tb.Helper()
	c, err := client.New(ServiceAccount(tb, cluster, split), client.Options{Scheme: Scheme()})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// ServiceAccountKubeconfig writes a kubeconfig of ServiceAccount and returns its path.
func ServiceAccountKubeconfig(tb testing.TB, cluster *lab.Cluster, split Split) string {
	tb.Helper()
	const name = "ark"
	cfg := ServiceAccount(tb, cluster, split)
	out := clientcmdapi.NewConfig()
	out.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	out.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: cfg.BearerToken}
	out.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	out.CurrentContext = name
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*out, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

func serviceAccount(ctx context.Context, admin client.Client, cfg *rest.Config, split Split) (*rest.Config, error) {
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "ark-" + string(split)}}
	objects, err := roles(split, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: sa.Namespace, Name: sa.Name})
	if err != nil {
		return nil, err
	}
	for _, o := range append(objects, sa) {
		if err := admin.Create(ctx, o); client.IgnoreAlreadyExists(err) != nil {
			return nil, fmt.Errorf("create %T %s: %w", o, o.GetName(), err)
		}
	}
	token := &authenticationv1.TokenRequest{}
	if err := admin.SubResource("token").Create(ctx, sa, token); err != nil {
		return nil, fmt.Errorf("ask for a token: %w", err)
	}
	own := rest.AnonymousClientConfig(cfg)
	own.BearerToken, own.QPS = token.Status.Token, cfg.QPS
	return own, inForce(ctx, own)
}

// inForce waits until the API server's authorization has seen the roles.
func inForce(ctx context.Context, cfg *rest.Config) error {
	c, err := client.New(cfg, client.Options{Scheme: Scheme()})
	if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, establishPoll, establishTimeout, true, func(ctx context.Context) (bool, error) {
		for list, opts := range map[client.ObjectList][]client.ListOption{
			&corev1.NodeList{}: nil, &v1alpha1.ConfigList{}: nil, &corev1.SecretList{}: {client.InNamespace(Namespace)},
		} {
			if err := c.List(ctx, list, opts...); err != nil {
				if apierrors.IsForbidden(err) {
					return false, nil
				}
				return false, err
			}
		}
		return true, nil
	})
}

// roles reads the generated roles of a split and binds them, under names of that
// split.
func roles(split Split, subject rbacv1.Subject) ([]client.Object, error) {
	root, err := lab.Root()
	if err != nil {
		return nil, err
	}
	files := []string{"controllers.yaml", "backup.yaml"}
	if split == WithRestores {
		files = append(files, "restore.yaml")
	}
	var objects []client.Object
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(root, "charts", "ark", "files", "rbac", file))
		if err != nil {
			return nil, fmt.Errorf("read the roles: run make generate: %w", err)
		}
		for document := range bytes.SplitSeq(content, []byte("---\n")) {
			if len(document) == 0 {
				continue
			}
			bound, err := bind(document, string(split), subject)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			objects = append(objects, bound...)
		}
	}
	return objects, nil
}

// bind decodes a role and makes its binding.
func bind(document []byte, suffix string, subject rbacv1.Subject) ([]client.Object, error) {
	var role rbacv1.ClusterRole // a Role has no field that this one lacks
	if err := yaml.UnmarshalStrict(document, &role); err != nil {
		return nil, err
	}
	meta := metav1.ObjectMeta{Name: role.Name + "-" + suffix, Namespace: role.Namespace}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: role.Kind, Name: meta.Name}
	subjects := []rbacv1.Subject{subject}
	if meta.Namespace == "" {
		return []client.Object{
			&rbacv1.ClusterRole{ObjectMeta: meta, Rules: role.Rules},
			&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects},
		}, nil
	}
	return []client.Object{
		&rbacv1.Role{ObjectMeta: meta, Rules: role.Rules},
		&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects},
	}, nil
}
