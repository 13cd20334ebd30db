#!/bin/sh
# What a launcher executes when no resident process serves its call: Node does all of it.

bin=${0%/*}
script=oci-alone.mjs
# By the link in the launcher's home.
set -- "${bin%/*}" "$bin" "$@"
. "$bin/run-node.sh"
