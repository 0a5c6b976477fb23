# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.select_test

import data.ark.select

service_account_tokens_cases := {
	"a token is left out": {
		"input": {
			"resource": {"key": "secrets"},
			"object": {"type": "kubernetes.io/service-account-token"},
		},
		"want": {"service-account-token"},
	},
	"an opaque secret is taken": {
		"input": {
			"resource": {"key": "secrets"},
			"object": {"type": "Opaque"},
		},
		"want": set(),
	},
	"another type with the same field is taken": {
		"input": {
			"resource": {"key": "things.example.org"},
			"object": {"type": "kubernetes.io/service-account-token"},
		},
		"want": set(),
	},
	"an object without a type is taken": {
		"input": {
			"resource": {"key": "configmaps"},
			"object": {"metadata": {"name": "settings"}},
		},
		"want": set(),
	},
}

test_service_account_tokens[name] if {
	some name, tc in service_account_tokens_cases
	got := select.exclude & {"service-account-token"} with input as tc.input
	got == tc.want
}
