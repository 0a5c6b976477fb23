// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"flag"
	"testing"

	"github.com/gopherwood/ark/test/lab/labtest"
)

// update writes docs/fidelity.md anew instead of comparing it.
var update = flag.Bool("update", false, "write docs/fidelity.md")

// waiting is how many tests run at a time: they wait for controllers, and do
// little themselves.
const waiting = "16"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", waiting); err != nil {
		panic(err) // the flag is the testing package's
	}
	labtest.Main(m)
}
