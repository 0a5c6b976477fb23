// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"testing"

	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }
