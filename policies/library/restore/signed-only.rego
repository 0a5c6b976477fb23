# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# METADATA
# scope: package
# title: Signed backups only
# description: >-
#   Denies restores from backups that no trusted key vouches for: those that are
#   not signed, and those that are signed by a key which the Config does not
#   name in trustedKeys.
package ark.restore

# METADATA
# title: Backup not verified
# description: No trusted key signed the backup, so nobody vouches for what it holds.
deny contains {"code": "backup-not-verified", "msg": msg} if {
	input.backup.verification != "Verified"
	msg := sprintf(
		"backup %s is %s: restore one that is signed, or add the key of its cluster to trustedKeys of the Config",
		[input.backup.name, input.backup.verification],
	)
}
