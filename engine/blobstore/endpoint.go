// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Parameters of URLs.
const (
	accountParameter   = "account"
	endpointParameter  = "endpoint"
	pathStyleParameter = "pathStyle"
	plainParameter     = "plainHTTP"
	regionParameter    = "region"
)

// endpoint is a server other than the cloud's own; nil when the URL names none.
//
// It decides who is shown the credentials, so that the author of a URL could
// have those of the process sent to a server of his. Therefore an endpoint goes
// only with credentials of the location's own, which its author may read anyway.
func endpoint(u *url.URL, opts Options) (*url.URL, error) { //nolint:cyclop // a flat list of what is refused
	raw := u.Query().Get(endpointParameter)
	plain, err := flag(u, plainParameter, false)
	if err != nil {
		return nil, err
	}
	if raw == "" {
		if plain || u.Query().Has(endpointParameter) {
			return nil, fmt.Errorf("parameter %s goes with an endpoint: add endpoint=http://host:port, or remove it", plainParameter)
		}
		return nil, nil
	}
	if len(opts.Credentials) == 0 && !opts.OwnURL {
		return nil, errors.New("an endpoint needs credentials of the location's own: name their Secret in credentialsSecretName; " +
			"those of the controller are never sent to a server that a url names")
	}
	e, err := url.Parse(raw)
	if err != nil || e.Host == "" || e.User != nil || e.RawQuery != "" || e.ForceQuery || e.Fragment != "" {
		return nil, fmt.Errorf("parameter %s is no address of a server: write https://host:port", endpointParameter)
	}
	switch {
	case e.Scheme == "https":
	case e.Scheme != "http":
		return nil, fmt.Errorf("parameter %s is no address of a server: write https://host:port", endpointParameter)
	case !plain && !isLoopback(e.Hostname()):
		return nil, fmt.Errorf("the endpoint is not encrypted, and backups hold Secrets: use https, with caSecretName for a private "+
			"authority, or add %s=true where the network itself is trusted", plainParameter)
	case len(opts.CA) > 0:
		return nil, errors.New("a server without TLS has no certificate to check: use https, or remove caSecretName")
	}
	e.Path = strings.TrimSuffix(e.Path, "/")
	return e, nil
}

// noPath refuses an endpoint with a path, which a scheme could not use.
func noPath(e *url.URL) error {
	if e != nil && e.Path != "" {
		return fmt.Errorf("parameter %s holds a path: write https://host:port, and put folders into prefix", endpointParameter)
	}
	return nil
}

// flag reads a parameter that is true or false.
func flag(u *url.URL, name string, otherwise bool) (bool, error) {
	if !u.Query().Has(name) {
		return otherwise, nil
	}
	value, err := strconv.ParseBool(u.Query().Get(name))
	if err != nil {
		return false, fmt.Errorf("parameter %s is neither true nor false", name)
	}
	return value, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bucketName returns the host of a URL that names nothing but a bucket.
func bucketName(u *url.URL, valid func(string) bool) (string, error) {
	if u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("the url holds a path: write %s://name, and put folders into prefix", u.Scheme)
	}
	if !valid(u.Host) {
		return "", fmt.Errorf("the url names no bucket: write %s://name, as the storage service spells it", u.Scheme)
	}
	return u.Host, nil
}

// validName reports whether s is a name of lower-case letters, digits and the
// characters in between, of which none stands at an end.
func validName(s, between string, shortest, longest int) bool {
	if len(s) < shortest || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		plain := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !plain && (i == 0 || i == len(s)-1 || strings.IndexByte(between, c) < 0) {
			return false
		}
	}
	return true
}
