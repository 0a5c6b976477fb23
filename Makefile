# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

SHELL   := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
TOOLS   := $(CURDIR)/bin/tools
CRDS    := charts/ark/files/crds
RBAC    := charts/ark/files/rbac

# The linker stamps version and commit. Asking git once more would fail in a checkout that
# belongs to somebody else.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# A binary for others is static and does not tell where it was built. A test that
# builds one leaves both out, so that it shares what tests have compiled already.
# Google's storage library is spoken to over HTTP only; its gRPC paths are 13 MiB.
BUILD_FLAGS ?= -trimpath -tags disable_grpc_modules

# Each test binary starts an API server of its own: more than two at a time only
# wait for each other on a small machine.
TEST_FLAGS ?= -p 2

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/ark
	CGO_ENABLED=$${CGO_ENABLED:-0} go build $(BUILD_FLAGS) -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o bin/ark ./cmd/ark

.PHONY: image
image: build ## Write bin/ark-image.tar, an image of bin/ark, without a builder
	@go run ./test/lab/cmd/image -binary bin/ark -name ark:$(VERSION) -o bin/ark-image.tar

.PHONY: test
test: ## Run all tests, those against a real API server included
	@go run ./test/lab/cmd/lab build
	@go run ./test/lab/cmd/lab s3
	go test $(TEST_FLAGS) ./...

# How many objects make bench spreads over a cluster, and what else it is told.
N           ?= 10000
BENCH_FLAGS ?=

.PHONY: bench
bench: ## Measure backups and restores of N=10000 objects (BENCH_FLAGS="-profile bin/profiles")
	@go run ./test/lab/cmd/lab control-plane
	@go build -o bin/tools/bench ./test/bench
	@bin/tools/bench -n $(N) $(BENCH_FLAGS)

# Each fuzz target runs alone, for this long. By default, go test would spend a
# minute on making the first interesting input smaller.
FUZZTIME ?= 30s

.PHONY: fuzz
fuzz: ## Run every fuzz target of the module for FUZZTIME=30s
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for target in $$(go test -list '^Fuzz' $$dir | grep '^Fuzz'); do \
	    echo "$$dir $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$dir; done; done

.PHONY: test-stores
test-stores: ## Run the tests against servers of Google Cloud's and Azure's storage, too
	@go run ./test/lab/cmd/lab s3
	@go run ./test/lab/cmd/lab stores
	go test -tags stores ./test/stores

.PHONY: test-real
test-real: ## Back up and restore the definitions and samples of eleven real projects
	@go run ./test/lab/cmd/lab control-plane
	go test -tags real -count=1 -run '^TestRealProjectsComeBack$$' -v ./test/fidelity

.PHONY: check
check: lint verify test ## Run what CI runs: lint, verify, test

.PHONY: verify
verify: tools ## Fail if generated files, formatting or go.mod are not up to date
	bash test/tools/verify.sh

.PHONY: generate
generate: $(TOOLS)/controller-gen ## Generate deepcopy code, CRDs and roles from the source
	$(TOOLS)/controller-gen object:headerFile=test/tools/header.txt paths=./api/...
	$(TOOLS)/controller-gen crd paths=./api/... output:crd:dir=$(CRDS)
# What each part may do is said by the markers of that part, and of no other.
	$(TOOLS)/controller-gen rbac:roleName=ark-controllers,fileName=controllers.yaml paths=./controllers/... output:rbac:dir=$(RBAC)
	$(TOOLS)/controller-gen rbac:roleName=ark-backup,fileName=backup.yaml paths=./engine/collect output:rbac:dir=$(RBAC)
	$(TOOLS)/controller-gen rbac:roleName=ark-restore,fileName=restore.yaml paths=./engine/restore output:rbac:dir=$(RBAC)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Run the linters
	$(TOOLS)/golangci-lint run ./...

.PHONY: demo
demo: ## Watch a policy become a backup, and the backup a cluster again
	@go run ./test/lab/cmd/lab control-plane
	@echo "Building ark" >&2
	@$(MAKE) -s build
	@go run ./test/demo -ark bin/ark

.PHONY: lab
lab: ## Start a throwaway API server in the background: eval "$(make -s lab)"
	@go run ./test/lab/cmd/lab up

.PHONY: lab-path
lab-path: ## Print the folder that holds kubectl of the same version
	@go run ./test/lab/cmd/lab path

.PHONY: lab-down
lab-down: ## Stop that API server and remove its data
	@go run ./test/lab/cmd/lab down

.PHONY: tools
tools: $(TOOLS)/controller-gen $(TOOLS)/golangci-lint ## Build the tools into bin/tools

# The tools are pinned in a module of their own, so that go.mod stays the product's.
$(TOOLS)/controller-gen: test/tools/go.mod test/tools/go.sum
	@echo "Building controller-gen" >&2
	@go build -C test/tools -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen && touch $@

$(TOOLS)/golangci-lint: test/tools/go.mod test/tools/go.sum
	@echo "Building golangci-lint (about 2 minutes, once)" >&2
	@go build -C test/tools -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint && touch $@
