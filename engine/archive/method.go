// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"encoding/binary"

	"github.com/klauspost/compress/gzip"
)

// method is how hard a member of the contents is compressed. Whatever it is, the
// member is gzip.
type method int

const (
	// thorough is for most objects.
	thorough method = iota
	// quick is for large objects: of the text of settings it makes a tenth to a seventh
	// more bytes in a sixth of the time, and one core compresses a type.
	quick
	// entropy is for what has no repetitions to be found, such as the releases that
	// Helm keeps in Secrets: compressed, and encoded in base64 twice. It makes no
	// more bytes of them than thorough does, in a tenth of the time.
	entropy
	methods
)

// levels are those of the compression library.
var levels = [methods]int{thorough: CompressionLevel, quick: 6, entropy: gzip.HuffmanOnly}

const (
	// largeObject is from how many bytes on an object is compressed quickly.
	largeObject = 128 << 10
	// probedObject is from how many bytes on it pays to look for repetitions first.
	probedObject = 8 << 10
)

// methodFor chooses how an object is compressed.
func methodFor(raw []byte) method {
	switch {
	case len(raw) >= probedObject && !repeats(raw):
		return entropy
	case len(raw) >= largeObject:
		return quick
	}
	return thorough
}

const (
	samples    = 3
	sampleSize = 2 << 10
	// fewRepeats is one of how many bytes of the samples may be the beginning of a
	// repetition that is none worth looking for. Text and JSON have one of three or
	// more; digits, which hold nothing but chance repetitions, one of forty.
	fewRepeats = 16
)

// repeats looks for sequences of five bytes that come again in samples of raw.
func repeats(raw []byte) bool {
	const (
		five     = 1<<40 - 1
		hashBits = 12
	)
	var seen [1 << hashBits]uint64
	found := 0
	for i := range samples {
		at := (len(raw) - sampleSize) * (2*i + 1) / (2 * samples)
		for end := at + sampleSize - 8; at < end; at++ {
			v := binary.LittleEndian.Uint64(raw[at:]) & five
			slot := &seen[v*0x9e3779b97f4a7c15>>(64-hashBits)]
			if *slot == v {
				found++
			}
			*slot = v
		}
	}
	return found*fewRepeats > samples*sampleSize
}
