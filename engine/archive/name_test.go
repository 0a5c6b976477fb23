// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/archive"
)

func TestCheckName(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := map[string]struct{ name, want string }{
		"a name":                        {name: "shop.nightly-20261123030000"},
		"a part of 63 characters":       {name: long},
		"two such parts":                {name: long + "." + long},
		"200 characters":                {name: strings.Repeat(strings.Repeat("a", 39)+".", 5)[:199] + "a"},
		"a part of 64 characters":       {long + "a", `name "` + long + `a" has a part of more than 63 characters: choose a shorter one, or put dots in between`},
		"a later part of 64 characters": {"a." + long + "a", `name "a.` + long + `a" has a part of more than 63 characters: choose a shorter one, or put dots in between`},
		"201 characters": {
			strings.Repeat("a.", 100) + "a", `name "` + strings.Repeat("a.", 40) + `…" has more than 200 characters: choose a shorter one`,
		},
		"no characters": {"", `name "" is not a DNS name: write lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit`},
		"upper case":    {"A", `name "A" is not a DNS name: write lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit`},
		"an empty part": {"a..b", `name "a..b" is not a DNS name: write lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := archive.CheckName(tc.name); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("CheckName() = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestFitName(t *testing.T) {
	const suffix = "-20261123120000"
	tests := map[string]struct{ base, want string }{
		"what fits stays":                {"shop", "shop" + suffix},
		"48 characters fit":              {strings.Repeat("a", 48), strings.Repeat("a", 48) + suffix},
		"49 are cut":                     {strings.Repeat("a", 49), strings.Repeat("a", 30) + "-8f9bec6a62" + suffix},
		"dots make room":                 {strings.Repeat("a", 60) + ".b", strings.Repeat("a", 60) + ".b" + suffix},
		"no dot is left before the hash": {strings.Repeat("a", 28) + ".-" + strings.Repeat("b", 60), strings.Repeat("a", 28) + "-d9e47581f2" + suffix},
		"200 characters are cut":         {strings.Repeat(strings.Repeat("a", 39)+".", 5)[:199] + "a", strings.Repeat("a", 30) + "-8ff8691ba2" + suffix},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := archive.FitName(tc.base, suffix)
			if got != tc.want {
				t.Errorf("FitName() = %s, want %s", got, tc.want)
			}
			if err := archive.CheckName(got); err != nil {
				t.Error(err)
			}
		})
	}
	if got := archive.FitName("Not_a_name", suffix); got != "Not_a_name"+suffix {
		t.Errorf("FitName() = %s, want what is wrong for another reason as it is", got)
	}
	if a, b := archive.FitName(strings.Repeat("a", 60), suffix), archive.FitName(strings.Repeat("a", 61), suffix); a == b {
		t.Errorf("two names became one: %s", a)
	}
}
