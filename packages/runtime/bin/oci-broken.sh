#!/bin/sh
# What a launcher executes when the resident process has gone in the middle of its call: Node undoes it, or does the rest.

bin=${0%/*}
script=oci-broken.mjs
set -- "" "$bin" "$@"
. "$bin/run-node.sh"
