#!/usr/bin/env bash
# R CMD check --as-cran on the built package, in .build/check. Errors, warnings, and notes
# that cran-comments.md does not list fail, and so does a package without its guides. The
# last line printed is "N passed, N failed, 0 skipped", the check being one.
set -euo pipefail
R=${R:-R}
export MAKEFLAGS=-j${JOBS:-2}

failed() {
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

tools/build.sh || failed
tree=$PWD
rm -rf .build/check
mkdir -p .build/check
cd .build/check

# Without a manual, as TeX is large; the pages themselves are checked.
check=("$R" CMD check --as-cran --no-manual)
if ! command -v pandoc > /dev/null; then check+=(--ignore-vignettes); fi
# Where the tests of this tree have just run, and its guides have just been built.
if [ "${CHECK_AGAIN:-yes}" = no ]; then check+=(--no-tests --no-build-vignettes); fi

# Nothing that depends on the network, on the clock, or on what else the machine does. The
# program that compares sizes of PDFs has nothing to do, and need not be there.
if ! command -v qpdf > /dev/null; then export R_QPDF=true; fi
export _R_CHECK_CRAN_INCOMING_REMOTE_=false
export _R_CHECK_EXAMPLE_TIMING_THRESHOLD_=1000
export _R_CHECK_SYSTEM_CLOCK_=0 _R_CHECK_FUTURE_FILE_TIMESTAMPS_=false
export _R_CHECK_FORCE_SUGGESTS_=true
status=0
"${check[@]}" ../vgfm_*.tar.gz || status=$?

log=vgfm.Rcheck/00check.log
if [ "$status" -ne 0 ] || ! grep -q '^Status: ' "$log" ||
  grep -qE '^Status: .*(ERROR|WARNING)' "$log"; then
  shown=(vgfm.Rcheck/tests/*.fail)
  if grep -qE 'can be installed \.\.\. (ERROR|WARNING)' "$log"; then
    shown+=(vgfm.Rcheck/00install.out)
  fi
  for file in "${shown[@]}"; do
    if [ -e "$file" ]; then
      echo "== $file"
      tail -n 60 "$file"
    fi
  done
  failed
fi

# Every line of a note has to stand in cran-comments.md.
notes=$(awk '/^(\*|Status:)/ { inside = / NOTE$/ } inside && NF' "$log")
unlisted=$(grep -vxFf <(sed 's/^    //' "$tree/cran-comments.md") <<< "$notes" || true)
if [ -n "$unlisted" ]; then
  printf 'A note, or a part of it, that cran-comments.md does not list:\n%s\n' "$unlisted"
  failed
fi

# README says that these are the guides.
guides='nrow(vignette(package = "vgfm", lib.loc = "vgfm.Rcheck")$results)'
if command -v pandoc > /dev/null; then
  there=$("${R}script" --vanilla -e "cat($guides)")
  written=$(find "$tree/vignettes" -name '*.Rmd' | wc -l)
  if [ "$there" -ne "$written" ]; then
    echo "The installed package has $there guides, and vignettes/ has $written"
    failed
  fi
fi
echo "1 passed, 0 failed, 0 skipped"
