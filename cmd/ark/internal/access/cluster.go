// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package access reaches the cluster that the command line works on, and puts
// what goes wrong on the way into words that say what to do.
package access

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// Cluster says which cluster to work on. The zero value is the one that kubectl
// would use, or inside a pod the pod's own.
type Cluster struct {
	// Kubeconfig is a file; when empty, $KUBECONFIG or ~/.kube/config.
	Kubeconfig string
	// Context within it; when empty, the current one.
	Context string
}

// Config returns how to reach the API server.
func (c Cluster) Config() (*rest.Config, error) {
	cfg, err := c.loader().ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, exit.Usagef("no cluster is configured: set --kubeconfig or KUBECONFIG, or read a bucket alone with --store")
	case err != nil:
		return nil, exit.Usagef("read %s: %w: check --kubeconfig and --context", c.files(), err)
	}
	return cfg, nil
}

// Client returns a client that knows Ark's kinds, Secrets, ConfigMaps and Namespaces. It
// asks the API server nothing yet.
func (c Cluster) Client() (client.WithWatch, error) {
	cfg, err := c.Config()
	if err != nil {
		return nil, err
	}
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	cl, err := client.NewWithWatch(cfg, client.Options{Scheme: scheme, Mapper: mapper()})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", cfg.Host, err)
	}
	return cl, nil
}

// Scheme returns the kinds that Client knows.
func Scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		return nil, err
	}
	return s, corev1.AddToScheme(s)
}

// mapper knows where the few kinds lie that the command line reads, so that no
// command begins with a discovery of everything the cluster serves.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion, corev1.SchemeGroupVersion})
	for _, kind := range []string{"Config", "BackupPolicy", "Schedule", "Backup", "Restore"} {
		m.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeRoot)
	}
	m.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	m.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	m.Add(corev1.SchemeGroupVersion.WithKind("ConfigMap"), meta.RESTScopeNamespace)
	return m
}

func (c Cluster) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: c.Context})
}

// files names the kubeconfig that is read, for messages.
func (c Cluster) files() string {
	if c.Kubeconfig != "" {
		return c.Kubeconfig
	}
	return c.loader().ConfigAccess().GetDefaultFilename()
}
