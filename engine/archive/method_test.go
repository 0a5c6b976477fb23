// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// words is text of a small vocabulary, as settings and manifests are.
func words(rng *rand.Rand, size int) []byte {
	vocabulary := strings.Fields("gateway orders billing search catalog session worker metrics cache queue frontend backend")
	var b []byte
	for len(b) < size {
		b = fmt.Appendf(b, "%s.%s.%s=%d\n", vocabulary[rng.IntN(12)], vocabulary[rng.IntN(12)], vocabulary[rng.IntN(12)], rng.IntN(1_000_000))
	}
	return b[:size]
}

func random(rng *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rng.IntN(256))
	}
	return b
}

// secret is a Secret as Helm keeps its releases in.
func secret(rng *rand.Rand, size int) []byte {
	release := base64.StdEncoding.EncodeToString(random(rng, size))
	return fmt.Appendf(nil, `{"metadata":{"name":"sh.helm.release.v1.web.v7","labels":{"owner":"helm"}},"data":{"release":%q}}`,
		base64.StdEncoding.EncodeToString([]byte(release)))
}

func TestObjectsAreCompressedAsHardAsItPays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		raw  []byte
		want method
	}{
		"text":                             {words(rng, 9<<10), thorough},
		"text just below what is large":    {words(rng, largeObject-1), thorough},
		"large text":                       {words(rng, largeObject), quick},
		"a release of Helm":                {secret(rng, 20<<10), entropy},
		"a large release of Helm":          {secret(rng, 500<<10), entropy},
		"a small secret that looks random": {secret(rng, 3<<10), thorough},
		"random bytes in hex":              {[]byte(hex.EncodeToString(random(rng, 20<<10))), entropy},
		"one byte again and again":         {bytes.Repeat([]byte("a"), probedObject), thorough},
		"nothing":                          {nil, thorough},
	} {
		t.Run(name, func(t *testing.T) {
			if got := methodFor(c.raw); got != c.want {
				t.Errorf("methodFor() = %d, want %d", got, c.want)
			}
			// What is saved in time must not be lost in bytes.
			if got, most := compressed(t, c.raw, levels[c.want]), compressed(t, c.raw, CompressionLevel); float64(got) > 1.16*float64(most) {
				t.Errorf("%d bytes become %d, and %d when compressed thoroughly", len(c.raw), got, most)
			}
		})
	}
}

func compressed(t *testing.T, raw []byte, level int) int {
	t.Helper()
	var buf bytes.Buffer
	gz, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gz.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Len()
}
