// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gopherwood/ark/engine"
)

// mebibyte is what an API server takes as data of a ConfigMap or Secret.
const mebibyte = 1 << 20

// withData returns an object with that field.
func withData(kind, namespace, name, field string, value map[string]any) *object {
	o := newObject("v1", kind, namespace, name)
	o.Object[field] = value
	return o
}

func largeObjects() []*object {
	random := make([]byte, mebibyte-len("k"))
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(random) // never fails
	return []*object{
		newObject("v1", "Namespace", "", "large"),
		withData("ConfigMap", "large", "text", "data", map[string]any{"k": strings.Repeat("x", mebibyte-len("k"))}),
		withData("Secret", "large", "random", "data", map[string]any{"k": base64.StdEncoding.EncodeToString(random)}),
		withData("ConfigMap", "large", "random", "binaryData", map[string]any{"k": base64.StdEncoding.EncodeToString(random)}),
		withData("ConfigMap", "large", "many", "data", manyKeys()),
	}
}

func manyKeys() map[string]any {
	keys := map[string]any{}
	for i := range 10000 {
		keys["key-"+strconv.Itoa(i)] = ""
	}
	return keys
}

func longNames() []*object {
	long := strings.Repeat("n", 253)
	dotted := strings.Repeat("a.", 126) + "a"
	namespace := strings.Repeat("s", 63)
	role := func(name string) *object {
		return newObject("rbac.authorization.k8s.io/v1", "Role", namespace, name)
	}
	return []*object{
		newObject("v1", "Namespace", "", namespace),
		newObject("v1", "ConfigMap", namespace, long),
		newObject("v1", "ConfigMap", namespace, long[:252]+"m"),
		newObject("v1", "Secret", namespace, dotted),
		newObject("v1", "ConfigMap", namespace, "a-b.c-d.0"),
		newObject("v1", "ConfigMap", namespace, "a.json"),
		role(strings.Repeat("r:", 126) + "r"), role("..."), role("-"), role("~"), role("con"), role("a\\b"), role("ÄÖ 世界 🙂"),
	}
}

// requests are what names who asked, and what has happened.
func requests() []*object {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // a machine without randomness
	}
	asked, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "fidelity"}}, key)
	if err != nil {
		panic(err) // the template is fixed
	}
	csr := newObject("certificates.k8s.io/v1", "CertificateSigningRequest", "", "fidelity")
	csr.Object["spec"] = map[string]any{
		"request":    base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: asked})),
		"signerName": "fidelity.example/none", "usages": []any{"client auth"},
	}
	event := newObject("v1", "Event", "events", "happened")
	event.Object["involvedObject"] = map[string]any{"kind": "ConfigMap", "namespace": "events", "name": "none"}
	return []*object{newObject("v1", "Namespace", "", "events"), csr, event}
}

// everyText holds every code point of Unicode, in as many ConfigMaps as it takes.
func everyText() []*object {
	objects := []*object{newObject("v1", "Namespace", "", "texts")}
	var text strings.Builder
	add := func() {
		objects = append(objects, withData("ConfigMap", "texts", "unicode-"+strconv.Itoa(len(objects)), "data", map[string]any{"k": text.String()}))
		text.Reset()
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			text.WriteRune(r)
		}
		if text.Len() > mebibyte-utf8.UTFMax-len("k") {
			add()
		}
	}
	add()
	var all bytes.Buffer
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	objects = append(objects, withData("ConfigMap", "texts", "bytes", "binaryData", map[string]any{"k": base64.StdEncoding.EncodeToString(all.Bytes())}))
	described := newObject("v1", "ConfigMap", "texts", "annotated")
	described.SetAnnotations(map[string]string{"note": "line\none\ttab \"quoted\" \\ </script>\u2028\u2029\u0000\U0001F469\u200D\U0001F4BB\uFFFD", "empty": ""})
	described.SetLabels(map[string]string{"empty": "", "a.b/c": "D_e-f.9"})
	return append(objects, described)
}

// markup adds an object that is six times as large when JSON is made safe for
// HTML, and then more than an API server takes.
func markup(t *testing.T, s *stage) []*object {
	t.Helper()
	raw := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"markup"},"data":{"k":"` + strings.Repeat("<", mebibyte-len("k")) + `"}}`)
	_, err := s.writer.Create(t.Context(), engine.Resource{Version: "v1", Name: "configmaps", Kind: "ConfigMap", Namespaced: true}, "large", "", raw)
	must(t, err)
	return []*object{newObject("v1", "ConfigMap", "large", "markup")}
}

// controlCharacters makes a Role that no archive takes: nobody could look at its
// name on a terminal, or in a listing of the tarball.
func controlCharacters(t *testing.T, s *stage) []*object {
	t.Helper()
	s.create(t, newObject("rbac.authorization.k8s.io/v1", "Role", "rights", "tab\tnew\nline"))
	return nil
}
