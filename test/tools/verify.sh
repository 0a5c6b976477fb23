#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# Regenerates everything in a copy of the tree and fails on a difference: so what
# is checked is what lies here, committed or not, and nothing here is changed.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

cd "$root"
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
  tar -c --null -T - | tar -x -C "$copy"
cd "$copy"
git init -q
git add -A
git -c user.name=verify -c user.email=verify@localhost commit -q -m copy

mkdir -p bin
ln -s "$root/bin/tools" bin/tools
make -s generate
gofmt -w $(git ls-files '*.go')
for module in . test/lab/components test/lab/gcs test/lab/helm test/lab/promql test/lab/s3 test/tools; do
  (cd "$module" && go mod tidy)
done

if ! git diff --exit-code; then
  echo "verify: the files above are not up to date: run make generate, gofmt -w and go mod tidy" >&2
  exit 1
fi
untracked=$(git ls-files --others --exclude-standard)
if [[ -n $untracked ]]; then
  printf 'verify: make generate made files that are not in the tree:\n%s\n' "$untracked" >&2
  exit 1
fi
