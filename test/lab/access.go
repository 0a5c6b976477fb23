// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// requestTimeout bounds one look at whether the API server is ready.
const requestTimeout = 5 * time.Second

// loadConfig returns the administrator's way into the cluster in dir.
func loadConfig(dir, host string) (*rest.Config, error) {
	cfg := &rest.Config{
		Host: host,
		// Tests measure Ark, not the client's own rate limit.
		QPS: -1,
	}
	for file, into := range map[string]*[]byte{
		caCert: &cfg.CAData, adminCert: &cfg.CertData, adminKey: &cfg.KeyData,
	} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, fmt.Errorf("read the lab's certificates: %w", err)
		}
		*into = content
	}
	return cfg, nil
}

// writeKubeconfig writes the same for kubectl, Helm and Ark.
func writeKubeconfig(path string, cfg *rest.Config) error {
	const name = "ark-lab"
	out := clientcmdapi.NewConfig()
	out.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	out.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData}
	out.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	out.CurrentContext = name
	if err := clientcmd.WriteToFile(*out, path); err != nil {
		return fmt.Errorf("write the lab's kubeconfig: %w", err)
	}
	return nil
}

// getter returns a function that reports whether a GET of a path is answered
// with 200. It trusts the cluster's own authority only, so that another server
// that got hold of the port is never mistaken for it.
func getter(cfg *rest.Config) (func(ctx context.Context, path string) error, error) {
	roots := x509.NewCertPool()
	pair, err := tls.X509KeyPair(cfg.CertData, cfg.KeyData)
	if err != nil || !roots.AppendCertsFromPEM(cfg.CAData) {
		return nil, errors.Join(errors.New("read the lab's certificates"), err)
	}
	client := &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{
				RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
			},
			DisableKeepAlives: true,
		},
	}
	return func(ctx context.Context, path string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Host+path, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, tailBytes))
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s: %s", path, resp.Status, body)
		}
		return err
	}, nil
}

// all calls get with each path until one fails.
func all(ctx context.Context, get func(context.Context, string) error, paths ...string) error {
	for _, p := range paths {
		if err := get(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
