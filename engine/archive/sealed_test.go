// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// encodeRecord and the others below leave signatures out.
func encodeRecord(r *archive.Record) ([]byte, error) { return archive.EncodeRecord(r) }

func decodeRecord(b []byte) (*archive.Record, error) {
	r, _, err := archive.DecodeRecord(b)
	return r, err
}

func encodeRestore(s *archive.RestoreSummary) ([]byte, error) { return archive.EncodeRestore(s) }

func decodeRestore(b []byte) (*archive.RestoreSummary, error) {
	s, _, err := archive.DecodeRestore(b)
	return s, err
}

// must returns what was encoded.
func must(t testing.TB) func([]byte, error) []byte {
	t.Helper()
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestSealsAreVerified(t *testing.T) {
	ours, ourKey := keys(1)
	_, theirKey := keys(2)
	replaced := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("%s holds no %s", b, old)
			}
			return bytes.Replace(b, []byte(old), []byte(with), 1)
		}
	}
	same := func(b []byte) []byte { return b }
	tests := map[string]struct {
		signers         []ed25519.PrivateKey
		record, restore func([]byte) []byte
		want            archive.Trust
	}{
		"nobody signed":             {nil, same, same, archive.Unsigned},
		"a trusted key signed":      {[]ed25519.PrivateKey{ourKey}, same, same, archive.Verified},
		"an unknown key signed":     {[]ed25519.PrivateKey{theirKey}, same, same, archive.UnknownKey},
		"one of two is trusted":     {[]ed25519.PrivateKey{theirKey, ourKey}, same, same, archive.Verified},
		"the store was changed":     {[]ed25519.PrivateKey{ourKey}, replaced(storeID, clusterUID), replaced(storeID, clusterUID), archive.Tampered},
		"the cluster was changed":   {[]ed25519.PrivateKey{ourKey}, replaced(`"cluster":"`+clusterUID, `"cluster":"`+storeID), replaced(`"uid":"`+clusterUID, `"uid":"`+storeID), archive.Tampered},
		"the name was changed":      {[]ed25519.PrivateKey{ourKey}, replaced(`"name":"`, `"name":"x`), replaced(`"name":"back"`, `"name":"front"`), archive.Tampered},
		"the number or the outcome": {[]ed25519.PrivateKey{ourKey}, replaced(`"seq":`, `"seq":1`), replaced(`"Denied"`, `"Succeeded"`), archive.Tampered},
		"the type or a digest":      {[]ed25519.PrivateKey{ourKey}, replaced(`"time":"2026`, `"time":"2027`), replaced(`"size":3`, `"size":4`), archive.Tampered},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, vouches, err := archive.DecodeRecord(tc.record(must(t)(archive.EncodeRecord(record(), tc.signers...))))
			if err != nil {
				t.Fatal(err)
			}
			if got := vouches.Verify([]ed25519.PublicKey{ours}); got != tc.want {
				t.Errorf("record: %s, want %s", got, tc.want)
			}
			_, vouches, err = archive.DecodeRestore(tc.restore(must(t)(archive.EncodeRestore(restoreSummary(), tc.signers...))))
			if err != nil {
				t.Fatal(err)
			}
			if got := vouches.Verify([]ed25519.PublicKey{ours}); got != tc.want {
				t.Errorf("restore: %s, want %s", got, tc.want)
			}
		})
	}
}

// A signature of one kind of document is worth nothing under another: the same bytes are
// signed behind another text.
func TestASignatureServesForOneKindOfDocument(t *testing.T) {
	ours, ourKey := keys(1)
	var made struct {
		Record     json.RawMessage     `json:"record"`
		Restore    json.RawMessage     `json:"restore"`
		Marker     json.RawMessage     `json:"marker"`
		Signatures []archive.Signature `json:"signatures"`
	}
	lift := func(b []byte) []byte {
		made.Signatures = nil
		if err := json.Unmarshal(b, &made); err != nil {
			t.Fatal(err)
		}
		s, err := json.Marshal(made.Signatures)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	signatures := map[string][]byte{
		"a marker":            lift(must(t)(archive.EncodeMarker(marker(), ourKey))),
		"a record":            lift(must(t)(archive.EncodeRecord(record(), ourKey))),
		"a record of restore": lift(must(t)(archive.EncodeRestore(restoreSummary(), ourKey))),
	}
	for from, signature := range signatures {
		for to, body := range map[string]json.RawMessage{"marker": made.Marker, "record": made.Record, "restore": made.Restore} {
			document := fmt.Appendf(nil, `{%q:%s,"signatures":%s}`, to, body, signature)
			verdict := archive.Unsigned
			switch to {
			case "marker":
				_, env, err := archive.DecodeMarker(document)
				if err != nil {
					t.Fatal(err)
				}
				verdict = archive.Verify(env, []ed25519.PublicKey{ours})
			case "record":
				_, vouches, err := archive.DecodeRecord(document)
				if err != nil {
					t.Fatal(err)
				}
				verdict = vouches.Verify([]ed25519.PublicKey{ours})
			case "restore":
				_, vouches, err := archive.DecodeRestore(document)
				if err != nil {
					t.Fatal(err)
				}
				verdict = vouches.Verify([]ed25519.PublicKey{ours})
			}
			want := archive.Tampered
			if from == "a "+to || from == "a record of restore" && to == "restore" {
				want = archive.Verified
			}
			if verdict != want {
				t.Errorf("the signature of %s under a %s: %s, want %s", from, to, verdict, want)
			}
		}
	}
	// The very bytes of a marker that say what a record says are signed otherwise.
	record := must(t)(archive.EncodeRecord(record()))
	env := &archive.Envelope{Marker: record}
	archive.Sign(env, ourKey)
	signature, err := json.Marshal(env.Signatures)
	if err != nil {
		t.Fatal(err)
	}
	_, vouches, err := archive.DecodeRecord(fmt.Appendf(nil, `{"record":%s,"signatures":%s}`, record, signature))
	if err != nil || vouches.Verify([]ed25519.PublicKey{ours}) != archive.Tampered {
		t.Errorf("signed as a marker is: %v", err)
	}
}

func TestSealsThatAreRefused(t *testing.T) {
	for name, document := range map[string]string{
		"signatures without a document": `{"format":1,"signatures":[{"publicKey":"","signature":""}]}`,
		"of another kind":               `{"restore":{},"signatures":[{"publicKey":"","signature":""}]}`,
		"nothing":                       `{"record":null}`,
		"no JSON":                       `{"record":`,
	} {
		if _, _, err := archive.DecodeRecord([]byte(document)); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%s: error = %v, want ErrCorrupt", name, err)
		}
	}
	_, key := keys(1)
	signers := make([]ed25519.PrivateKey, 17)
	for i := range signers {
		signers[i] = key
	}
	if _, _, err := archive.DecodeRecord(must(t)(archive.EncodeRecord(record(), signers...))); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("17 signatures: error = %v, want ErrCorrupt", err)
	}
}

// FuzzSealed holds the readers of signed documents to their errors, and to verify only
// what a key signed.
func FuzzSealed(f *testing.F) {
	ours, ourKey := keys(1)
	signed := must(f)(archive.EncodeRecord(record(), ourKey))
	f.Add(signed)
	f.Add(must(f)(archive.EncodeRestore(restoreSummary(), ourKey)))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, vouches, err := archive.DecodeRecord(b)
		if err != nil && !blamed(err) {
			t.Fatalf("error = %v", err)
		}
		if err == nil && vouches.Verify([]ed25519.PublicKey{ours}) == archive.Verified {
			if again := must(t)(archive.EncodeRecord(r, ourKey)); !bytes.Equal(again, signed) {
				t.Fatalf("verified another record: %s", b)
			}
		}
		if _, _, err := archive.DecodeRestore(b); err != nil && !blamed(err) {
			t.Fatalf("error = %v", err)
		}
	})
}
