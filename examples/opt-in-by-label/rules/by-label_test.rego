# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.select_test

import data.ark.select

by_label_cases := {
	"an object with the label is taken": {
		"input": {"object": {"metadata": {"labels": {"backup": "yes"}}}, "namespace": {"labels": {}}},
		"include": {"object-asked-for"},
		"exclude": set(),
	},
	"an object in a namespace with the label is taken": {
		"input": {"object": {"metadata": {"name": "web"}}, "namespace": {"labels": {"backup": "yes"}}},
		"include": {"namespace-asked-for"},
		"exclude": set(),
	},
	"an object can decline in a namespace that asks": {
		"input": {"object": {"metadata": {"labels": {"backup": "no"}}}, "namespace": {"labels": {"backup": "yes"}}},
		"include": {"namespace-asked-for"},
		"exclude": {"declined"},
	},
	"nobody asks for an object without labels": {
		"input": {"object": {"metadata": {"name": "web"}}, "namespace": {"labels": {}}},
		"include": set(),
		"exclude": set(),
	},
	"any other value asks for nothing": {
		"input": {"object": {"metadata": {"labels": {"backup": "true"}}}, "namespace": {"labels": {"backup": "maybe"}}},
		"include": set(),
		"exclude": set(),
	},
	"a cluster-scoped object with the label is taken": {
		"input": {"object": {"metadata": {"labels": {"backup": "yes"}}}},
		"include": {"object-asked-for"},
		"exclude": set(),
	},
}

test_by_label[name] if {
	some name, tc in by_label_cases
	included := select.include with input as tc.input
	excluded := select.exclude with input as tc.input
	included == tc.include
	excluded == tc.exclude
}
