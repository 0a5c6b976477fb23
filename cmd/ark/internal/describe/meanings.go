// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// meanings explains the reason codes that Ark itself gives.
var meanings = map[string]string{
	restore.CodeNeverRestored:         "the type describes the old cluster; name it in the restored types to have it",
	restore.CodeOwnRecord:             "Backups and Restores come back from storage",
	restore.CodeRemade:                "a controller makes it again from another object; name its type in the restored types to have it",
	restore.CodeNotInBackup:           "it was left out of the backup",
	transform.CodeMirrorPod:           "the kubelet makes the pod from a file on its node",
	transform.CodeCompleted:           "the pod or Job ran to its end; restored, it would run again",
	transform.CodeServiceAccountToken: "a token that no other cluster accepts; the controllers make a new one",
}
