// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package follow_test

import (
	"strings"
	"testing"

	"github.com/gopherwood/ark/cmd/ark/internal/follow"
)

func TestLine(t *testing.T) {
	tests := map[string]struct {
		line follow.Line
		want string
	}{
		"elsewhere, every change is a line": {
			follow.Line{}, "a\nb c\na long line that a terminal would wrap\n",
		},
		"on a terminal, one line is written over, cut to fit, and removed": {
			follow.Line{Terminal: true, Width: 12}, "\r\x1b[Ka\r\x1b[Kb c\r\x1b[Ka long lin…\r\x1b[K",
		},
		"a terminal whose width is not known": {
			follow.Line{Terminal: true}, "\r\x1b[Ka\r\x1b[Kb c\r\x1b[Ka long line that a terminal would wrap\r\x1b[K",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			tc.line.W = &b
			for _, text := range []string{"a", "a", "b\n c", "b c", "a long line that a terminal would wrap"} {
				if err := tc.line.Show(text); err != nil {
					t.Fatal(err)
				}
			}
			if err := tc.line.End(); err != nil {
				t.Fatal(err)
			}
			if b.String() != tc.want {
				t.Errorf("got %q, want %q", b.String(), tc.want)
			}
		})
	}
}
