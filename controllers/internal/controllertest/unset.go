// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package controllertest

import (
	"reflect"
	"time"
)

// Unset returns the paths of the fields that are zero in every one of the
// structs, which are of one type.
func Unset(structs ...any) []string {
	var unset []string
	values := make([]reflect.Value, len(structs))
	for i, s := range structs {
		values[i] = reflect.ValueOf(s)
	}
	collectUnset("", values, &unset)
	return unset
}

func collectUnset(path string, values []reflect.Value, unset *[]string) {
	for i := range values[0].NumField() {
		name := path + values[0].Type().Field(i).Name
		fields := make([]reflect.Value, len(values))
		zero := true
		for j, v := range values {
			fields[j] = v.Field(i)
			zero = zero && fields[j].IsZero()
		}
		switch {
		case fields[0].Kind() == reflect.Struct && fields[0].Type() != reflect.TypeFor[time.Time]():
			collectUnset(name+".", fields, unset)
		case zero:
			*unset = append(*unset, name)
		}
	}
}
