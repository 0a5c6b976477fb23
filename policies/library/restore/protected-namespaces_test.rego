# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.restore_test

import data.ark.restore

protected_namespaces_default := {
	"namespaces": ["kube-system", "kube-public", "kube-node-lease", "ark-system"],
	"label": "ark.gopherwood.dev/protected",
}

protected_namespaces_cases := {
	"a system namespace is refused": {
		"parameters": protected_namespaces_default,
		"namespaces": [
			{"name": "shop", "source": "shop", "exists": false, "labels": {}},
			{"name": "kube-system", "source": "kube-system", "exists": true, "labels": {}},
		],
		"want": {{
			"code": "protected-namespace",
			"msg": "namespace kube-system is protected: exclude it, or map it to another",
		}},
	},
	"mapping onto a system namespace is refused": {
		"parameters": protected_namespaces_default,
		"namespaces": [{"name": "ark-system", "source": "shop", "exists": true, "labels": {}}],
		"want": {{
			"code": "protected-namespace",
			"msg": "namespace ark-system is protected: exclude it, or map it to another",
		}},
	},
	"mapping a system namespace elsewhere is allowed": {
		"parameters": protected_namespaces_default,
		"namespaces": [{"name": "inspect", "source": "kube-system", "exists": false, "labels": {}}],
		"want": set(),
	},
	"a namespace with the label is refused": {
		"parameters": protected_namespaces_default,
		"namespaces": [{
			"name": "shop", "source": "shop", "exists": true,
			"labels": {"ark.gopherwood.dev/protected": "true"},
		}],
		"want": {{
			"code": "namespace-protected-by-label",
			"msg": "namespace shop is protected by its label ark.gopherwood.dev/protected: exclude it, or map it to another",
		}},
	},
	"any other value of the label is allowed": {
		"parameters": protected_namespaces_default,
		"namespaces": [{
			"name": "shop", "source": "shop", "exists": true,
			"labels": {"ark.gopherwood.dev/protected": "false"},
		}],
		"want": set(),
	},
	"other names can be chosen": {
		"parameters": {"namespaces": ["bank"], "label": "example.org/keep"},
		"namespaces": [
			{"name": "bank", "source": "bank", "exists": true, "labels": {}},
			{"name": "kube-system", "source": "kube-system", "exists": true, "labels": {}},
		],
		"want": {{
			"code": "protected-namespace",
			"msg": "namespace bank is protected: exclude it, or map it to another",
		}},
	},
	"a restore of cluster-scoped objects is allowed": {
		"parameters": protected_namespaces_default,
		"namespaces": [],
		"want": set(),
	},
}

test_protected_namespaces[name] if {
	some name, tc in protected_namespaces_cases
	got := {reason |
		some reason in restore.deny
		reason.code in {"protected-namespace", "namespace-protected-by-label"}
	} with input as {"plan": {"namespaces": tc.namespaces}}
		with data.ark.parameters as {"restore/protected-namespaces": tc.parameters}
	got == tc.want
}
