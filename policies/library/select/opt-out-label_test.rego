# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.select_test

import data.ark.select

opt_out_label_default := {"select/opt-out-label": {"key": "ark.gopherwood.dev/exclude"}}

opt_out_label_cases := {
	"an object with the label is left out": {
		"parameters": opt_out_label_default,
		"input": {
			"object": {"metadata": {"labels": {"ark.gopherwood.dev/exclude": "true"}}},
			"namespace": {"labels": {}},
		},
		"want": {"opted-out"},
	},
	"an object in a namespace with the label is left out": {
		"parameters": opt_out_label_default,
		"input": {
			"object": {"metadata": {"name": "web"}},
			"namespace": {"labels": {"ark.gopherwood.dev/exclude": "true"}},
		},
		"want": {"namespace-opted-out"},
	},
	"a cluster-scoped object with the label is left out": {
		"parameters": opt_out_label_default,
		"input": {"object": {"metadata": {"labels": {"ark.gopherwood.dev/exclude": "true"}}}},
		"want": {"opted-out"},
	},
	"another key can be chosen": {
		"parameters": {"select/opt-out-label": {"key": "example.org/no-backup"}},
		"input": {"object": {"metadata": {"labels": {"example.org/no-backup": "true"}}}},
		"want": {"opted-out"},
	},
	"the chosen key takes the place of the default": {
		"parameters": {"select/opt-out-label": {"key": "example.org/no-backup"}},
		"input": {"object": {"metadata": {"labels": {"ark.gopherwood.dev/exclude": "true"}}}},
		"want": set(),
	},
	"any other value takes the object": {
		"parameters": opt_out_label_default,
		"input": {
			"object": {"metadata": {"labels": {"ark.gopherwood.dev/exclude": "false"}}},
			"namespace": {"labels": {"ark.gopherwood.dev/exclude": ""}},
		},
		"want": set(),
	},
	"an object without labels is taken": {
		"parameters": opt_out_label_default,
		"input": {"object": {"metadata": {"name": "web"}}},
		"want": set(),
	},
}

test_opt_out_label[name] if {
	some name, tc in opt_out_label_cases
	got := select.exclude & {"opted-out", "namespace-opted-out"} with input as tc.input
		with data.ark.parameters as tc.parameters
	got == tc.want
}
