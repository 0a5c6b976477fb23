// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Location returns the storage location of that name. An empty name asks for the
// default: defaults.storageLocation, else the location marked default, else the only
// one. It is nil when there is none. asked is the name that was looked for; it is
// empty when neither the caller nor the defaults have one.
func (s *ConfigSpec) Location(name string) (found *StorageLocation, asked string) {
	if name == "" && s.Defaults != nil {
		name = s.Defaults.StorageLocation
	}
	for i := range s.Storage {
		l := &s.Storage[i]
		if l.Name == name || name == "" && (l.Default || len(s.Storage) == 1) {
			return l, name
		}
	}
	return nil, name
}
