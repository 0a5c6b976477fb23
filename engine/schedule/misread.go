// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// dayName and monthName are names that people write out, of which cron knows the
	// first three letters.
	dayName   = regexp.MustCompile(`(?i)\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b`)
	monthName = regexp.MustCompile(`(?i)\b(january|february|march|april|june|july|august|september|october|november|december)\b`)
	shortDay  = regexp.MustCompile(`(?i)\b(mon|tue|wed|thu|fri|sat|sun)\b`)
	sunday    = regexp.MustCompile(`\b7\b`)
	// extension is what other schedulers add: the last day, the nearest weekday, the
	// second Monday, a time of the scheduler's choice.
	extension = regexp.MustCompile(`(?i)(^|[,-])([0-9]*[lwh])($|[,(-])|#`)
)

const fieldsHint = "write minute, hour, day of month, month and day of week, such as \"0 3 * * *\""

// misread says, of an expression that the cron package does not read, what to write
// instead. cause is what the package says.
func misread(expr string, cause error) error {
	if strings.HasPrefix(expr, "@") {
		return errors.New("is not known: write @hourly, @daily, @weekly, @monthly or @yearly, or an expression such as \"0 3 * * MON\"")
	}
	fields := strings.Fields(expr)
	if len(fields) != 5 {
		return errors.New("does not have 5 fields: " + fieldsHint + ", and no space within a field, as in \"0 3 * * MON,FRI\"")
	}
	week := fields[4]
	if long := dayName.FindString(expr); long != "" {
		return fmt.Errorf("has the name of a day written out: write %s for %s, in the last field", strings.ToUpper(long[:3]), long)
	}
	if long := monthName.FindString(expr); long != "" {
		return fmt.Errorf("has the name of a month written out: write %s for %s, in the fourth field", strings.ToUpper(long[:3]), long)
	}
	if day := shortDay.FindString(strings.Join(fields[:4], " ")); day != "" {
		return fmt.Errorf("has a day of the week, %s, in another field than the last: write such as \"0 3 * * MON\"", day)
	}
	for _, field := range fields {
		if extension.MatchString(field) {
			return fmt.Errorf("has %q, which is not part of cron: write days by number or name, such as \"0 3 1 * *\" or \"0 3 * * MON\"", field)
		}
	}
	switch {
	case sunday.MatchString(week):
		return errors.New("has 7 as a day of the week: days are 0 to 6, and Sunday is 0 or SUN")
	case strings.Contains(cause.Error(), "beyond end of range") && strings.Contains(cause.Error(), week):
		return fmt.Errorf("has a range, %s, past the end of the week, which begins with Sunday: name the days, such as FRI,SAT,SUN,MON", week)
	}
	return fmt.Errorf("cannot be read: %w: %s", cause, fieldsHint)
}
