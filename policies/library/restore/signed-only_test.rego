# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.restore_test

import data.ark.restore

signed_only_cases := {
	"a verified backup is allowed": {
		"verification": "Verified",
		"want": set(),
	},
	"an unsigned backup is refused": {
		"verification": "Unsigned",
		"want": {{
			"code": "backup-not-verified",
			"msg": "backup nightly is Unsigned: restore one that is signed, or add the key of its cluster to trustedKeys of the Config",
		}},
	},
	"a backup of a stranger's key is refused": {
		"verification": "UnknownKey",
		"want": {{
			"code": "backup-not-verified",
			"msg": "backup nightly is UnknownKey: restore one that is signed, or add the key of its cluster to trustedKeys of the Config",
		}},
	},
	"a backup that was changed is refused": {
		"verification": "Tampered",
		"want": {{
			"code": "backup-not-verified",
			"msg": "backup nightly is Tampered: restore one that is signed, or add the key of its cluster to trustedKeys of the Config",
		}},
	},
}

test_signed_only[name] if {
	some name, tc in signed_only_cases
	got := {reason |
		some reason in restore.deny
		reason.code == "backup-not-verified"
	} with input as {"backup": {"name": "nightly", "verification": tc.verification}, "plan": {"namespaces": []}}
	got == tc.want
}
