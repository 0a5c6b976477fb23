#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# fflate 0.8.3 (npm, MIT; github.com/101arrowz/fflate) is what many web pages
# decompress with.
#
# A good guess: gunzipSync returns the whole content of a gzip file. RFC 1952,
# section 2.2, lets a file be several members one after the other, as archives are
# that are compressed in parallel, written by bgzip, or appended to; gunzip, Node.js and
# pako read all of them, and so does fflate's own streaming class, Gunzip.
#
# What happens: gunzipSync and decompressSync return the first member, without an
# error: a reader takes the beginning for the whole.
#
# The cure: the streaming class, which reads every member.
set -euo pipefail

expected='node:zlib          "first\nsecond\n"
pako 3.0.3         "first\nsecond\n"
fflate Gunzip      "first\nsecond\n"
fflate gunzipSync  "first\n"
fflate decompressSync "first\n"'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund fflate@0.8.3 pako@3.0.3 >&2
seen=$(node -e '
const zlib = require("node:zlib"), fflate = require("fflate"), pako = require("pako");
const two = Buffer.concat([zlib.gzipSync("first\n"), zlib.gzipSync("second\n")]);
const show = (who, bytes) => console.log(who.padEnd(18), JSON.stringify(Buffer.from(bytes).toString()));
show("node:zlib", zlib.gunzipSync(two));
show("pako 3.0.3", pako.ungzip(two));
const chunks = [];
new fflate.Gunzip((chunk) => chunks.push(Buffer.from(chunk))).push(two, true);
show("fflate Gunzip", Buffer.concat(chunks));
show("fflate gunzipSync", fflate.gunzipSync(two));
show("fflate decompressSync", fflate.decompressSync(two));
')
echo "$seen"
if [[ $seen != "$expected" ]]; then
  echo "changed: this was seen before:" >&2
  echo "$expected" >&2
  exit 1
fi
