#!/bin/sh
# Rules of the tree that a compiler does not check. Prints what breaks them, then a tally.
set -u
passed=0
failed=0

# rule "what it says" "what breaks it, if anything"
rule() {
  if [ -z "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'failed: %s:\n%s\n' "$1" "$(printf '%s\n' "$2" | sed 's/^/  /')"
  fi
}

listed=$(mktemp)
present=$(mktemp)
trap 'rm -f "$listed" "$present"' EXIT
sed -n '/^OBJECTS *=/,/[^\\]$/p' src/Makevars | tr ' \\\t' '\n\n\n' | grep '\.o$' |
  LC_ALL=C sort > "$listed"
(cd src && ls ./*.c core/*/*.c) | sed 's,^\./,,; s/\.c$/.o/' | LC_ALL=C sort > "$present"
rule "OBJECTS in src/Makevars are the C files of src and the folders of src/core" \
  "$(LC_ALL=C comm -3 "$listed" "$present")"

calls='malloc|calloc|realloc|free|printf|fprintf|puts|exit|abort'
rule "the core has no R in it, and does not allocate, print or exit" "$(
  grep -nE -e '#include[ <"]+(R\.h|Rinternals|Rmath|R_ext)' \
    -e "(^|[^_[:alnum:]])($calls) *\\(" src/core/*/*.[ch])"

# may_include FOLDER "FOLDER ...": what files of a folder of the core include.
may_include() {
  rule "src/core/$1 includes $1 ${2:+and }${2:-alone}" "$(
    grep -nE '^#include "' src/core/"$1"/*.[ch] |
      grep -vE "\"($(printf '%s' "$1 $2" | sed 's/ *$//; s/ /|/g'))/")"
}
may_include base ""
may_include kernels "base"
may_include nn "kernels base"
may_include transport "kernels base"
may_include field "nn kernels base"
may_include path "transport nn kernels base"
may_include train "path field transport nn kernels base"

words='pairs|bridge|brownian|cone|hermite|coupling|uot|wfr|sf2m|cfm'
rule "training knows no pairs, coupling, path or method" "$(
  grep -niE "(^|[^[:alnum:]])($words)" src/core/train/*.[ch])"

rule "lines have at most 90 columns" "$(
  awk 'length($0) > 90 { print FILENAME ":" FNR }' Makefile .ci/run R/*.R src/*.[ch] \
    src/core/*/*.[ch] tests/core/*.[ch] tests/testthat/*.R tools/*)"

rule "R code is ASCII" "$(LC_ALL=C grep -n '[^ -~	]' R/*.R)"

rule "every C test has a program that reports" "$(
  grep -L 'return check_report(' tests/core/test_*.c)"

rule "no script draws without a device, into Rplots.pdf" "$(
  find . -path ./.build -prune -o -name Rplots.pdf -print)"

echo "rules of the tree: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
