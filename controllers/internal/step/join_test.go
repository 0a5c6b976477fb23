// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package step_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gopherwood/ark/controllers/internal/step"
)

func TestJoin(t *testing.T) {
	type judgement struct {
		Reason, Message string
		After           time.Duration
	}
	slow, quick := step.Wait(time.Minute, "Slow", "a is slow"), step.Wait(time.Second, "Quick", "b is quick")
	wrong, worse := step.Stall("Wrong", "c is wrong"), step.Stall("Worse", "d is worse")

	tests := map[string]struct {
		problems []error
		want     *judgement
	}{
		"no problems are none":              {problems: []error{nil, nil}},
		"a problem stays what it is":        {problems: []error{nil, slow}, want: &judgement{"Slow", "a is slow", time.Minute}},
		"of several waits the shortest one": {problems: []error{slow, quick}, want: &judgement{"Quick", "a is slow; b is quick", time.Second}},
		"a stall outweighs waits":           {problems: []error{slow, wrong, quick}, want: &judgement{"Wrong", "a is slow; c is wrong; b is quick", 0}},
		"the first of two stalls":           {problems: []error{wrong, worse}, want: &judgement{"Wrong", "c is wrong; d is worse", 0}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := step.Join(tc.problems...)
			var known *step.Error
			switch {
			case tc.want == nil:
				if err != nil {
					t.Errorf("Join() = %v, want nil", err)
				}
			case !errors.As(err, &known):
				t.Errorf("Join() = %v, want a judgement", err)
			default:
				if got := (judgement{known.Reason, known.Error(), known.After}); got != *tc.want {
					t.Errorf("Join() = %+v, want %+v", got, *tc.want)
				}
			}
		})
	}
	failure := errors.New("the API server is gone")
	if err := step.Join(wrong, failure); !errors.Is(err, failure) || err.Error() != failure.Error() {
		t.Errorf("Join() with a failure = %v, want the failure alone", err)
	}
}
