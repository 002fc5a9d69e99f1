#!/bin/sh
# What the Makefile has to know about this machine's R and compiler, as make variables.
set -eu

R=${R:-R}
command -v "$R" >/dev/null || {
  echo "No R found. Install R 4.1 or later, or say which: make R=/path/to/R" >&2
  exit 1
}
config() { "$R" CMD config "$1"; }
CC=$(config CC)

# Does the compiler take these flags, and does what it makes run?
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'int main(void) { return 0; }' > "$folder/probe.c"
works() {
  $CC "$@" "$folder/probe.c" -o "$folder/probe" >/dev/null 2>&1 && "$folder/probe"
}

openmp=
if works -fopenmp; then openmp=-fopenmp; fi
sanitize=
if works -fsanitize=address,undefined; then sanitize='-fsanitize=address,undefined'; fi

cat <<MK
CORE_CC := $CC
OPENMP := $openmp
SANITIZE := $sanitize
MK
