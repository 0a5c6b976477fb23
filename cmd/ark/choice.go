// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
)

// choice is a flag whose value is one of a few words, in any case.
type choice[T ~string] struct {
	of    []T
	value T
}

// String is the word chosen, or nothing.
func (c *choice[T]) String() string { return string(c.value) }

// Type is what help shows as the flag's type.
func (*choice[T]) Type() string { return "word" }

// Set takes a word from the command line.
func (c *choice[T]) Set(value string) error {
	for _, word := range c.of {
		if strings.EqualFold(value, string(word)) {
			c.value = word
			return nil
		}
	}
	return errors.New("must be " + c.choices())
}

// choices lists the words for people.
func (c *choice[T]) choices() string {
	words := make([]string, 0, len(c.of))
	for _, w := range c.of {
		words = append(words, string(w))
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
