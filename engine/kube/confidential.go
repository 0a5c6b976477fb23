// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// shortest is the length from which a value is looked for in a message. What is
// shorter is no secret, and part of many words.
const shortest = 4

// withheld stands for what is left out of a message.
const withheld = "…"

// admissions are how messages begin whose rest is in the words of a webhook or
// of an admission policy. Those see the whole object, and may quote it.
var admissions = regexp.MustCompile(`(?s)^(.*?denied (?:the )?request): .*$`)

// confidential removes from a message of the API server what it may quote of a
// Secret: messages go into statuses, results and logs.
func (r request) confidential(message string) string {
	if r.target.resource.Group != "" || r.target.resource.Name != "secrets" {
		return message
	}
	message = admissions.ReplaceAllString(message, "$1: what it said is left out, because it may quote the Secret")
	for _, value := range secretValues(r.body) {
		message = strings.ReplaceAll(message, value, withheld)
	}
	return message
}

// secretValues returns the values of a Secret in every form in which a message
// may hold them, the longest first: encoded, plain, and line by line.
func secretValues(body []byte) []string {
	var secret struct {
		Data       map[string]any `json:"data"`
		StringData map[string]any `json:"stringData"`
	}
	_ = json.Unmarshal(body, &secret) // what is not read has no values, and the API server takes none of it
	var values []string
	add := func(value string) {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= shortest {
				values = append(values, line)
			}
		}
	}
	for _, value := range secret.Data {
		encoded, _ := value.(string)
		add(encoded)
		if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			add(string(plain))
		}
	}
	for _, value := range secret.StringData {
		plain, _ := value.(string)
		add(plain)
	}
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	return values
}
