// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import "fmt"

// IdentityKey is where a store's identity lies.
const IdentityKey = "ark-store.json"

// ProbePrefix begins the keys of the short-lived blobs that find out what a
// store can do.
const ProbePrefix = "ark-probe-"

// ClusterPrefix is where everything of a cluster lies.
func ClusterPrefix(clusterUID string) string { return clusterUID + "/" }

// MarkersPrefix is where a cluster's markers lie: one flat listing.
func MarkersPrefix(clusterUID string) string { return clusterUID + "/markers/" }

// MarkerKey is where the marker of a backup lies.
func MarkerKey(clusterUID, name string) string { return MarkersPrefix(clusterUID) + name + ".json" }

// DataPrefix is where all attempts of a backup lie.
func DataPrefix(clusterUID, name string) string { return clusterUID + "/data/" + name + "/" }

// FileKey is where a file of an attempt lies.
func FileKey(clusterUID, name, attempt, file string) string {
	return DataPrefix(clusterUID, name) + attempt + "/" + file
}

// RecordsPrefix is where the records of a backup lie.
func RecordsPrefix(clusterUID, name string) string { return clusterUID + "/records/" + name + "/" }

// RecordKey is where one record lies. Numbers are padded, so that listings are
// in order.
func RecordKey(clusterUID, name string, seq int) string {
	return fmt.Sprintf("%s%08d.json", RecordsPrefix(clusterUID, name), seq)
}

// AllDataPrefix is where the data of all of a cluster's backups lies.
func AllDataPrefix(clusterUID string) string { return clusterUID + "/data/" }

// AllRecordsPrefix is where the records of all of a cluster's backups lie.
func AllRecordsPrefix(clusterUID string) string { return clusterUID + "/records/" }

// AllRestoresPrefix is where the records of all restores into a cluster lie.
func AllRestoresPrefix(clusterUID string) string { return clusterUID + "/restores/" }

// RestoresPrefix is where the records of the restores of a name lie.
func RestoresPrefix(clusterUID, name string) string { return clusterUID + "/restores/" + name + "/" }

// RestoreKey is where a file about one restore lies.
func RestoreKey(clusterUID, name, uid, file string) string {
	return RestoresPrefix(clusterUID, name) + uid + "/" + file
}
