// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"errors"
	"strings"
)

// Join judges several problems as one; nil when there are none. With a stall
// among them it is a stall, for the reason of the first one: waiting alone cures
// nothing then. Otherwise it is the shortest of the waits. A failure that is
// neither comes first, and alone.
func Join(problems ...error) error {
	var worst *Error
	var messages []string
	for _, problem := range problems {
		var known *Error
		switch {
		case problem == nil:
			continue
		case !errors.As(problem, &known):
			return problem
		}
		messages = append(messages, problem.Error())
		if worst == nil || worst.After > 0 && known.After < worst.After {
			worst = known
		}
	}
	if worst == nil {
		return nil
	}
	return &Error{Reason: worst.Reason, After: worst.After, Watch: worst.Watch, err: errors.New(strings.Join(messages, "; "))}
}
