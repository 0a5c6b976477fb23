# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

SHELL := /bin/bash
TOOLS := $(CURDIR)/bin/tools
CRDS  := charts/ark/files/crds

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: generate
generate: $(TOOLS)/controller-gen ## Generate deepcopy code and CRDs from the API types
	$(TOOLS)/controller-gen object:headerFile=test/tools/header.txt paths=./api/...
	$(TOOLS)/controller-gen crd paths=./api/... output:crd:dir=$(CRDS)

# The tools are pinned in a module of their own. go build is quick when nothing changed.
$(TOOLS)/controller-gen: test/tools/go.mod test/tools/go.sum
	go build -C test/tools -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen
	@touch $@
