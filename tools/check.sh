#!/usr/bin/env bash
# R CMD check on the built package, in .build/check. Errors and warnings fail; notes are
# shown. The last line printed is "N passed, N failed, 0 skipped", the check being one.
set -euo pipefail
R=${R:-R}

rm -rf .build/check
mkdir -p .build/check
tree=$PWD
cd .build/check

build=("$R" CMD build) check=("$R" CMD check --no-manual)
if ! command -v pandoc > /dev/null; then
  echo "There is no pandoc: vignettes are left out"
  build+=(--no-build-vignettes)
  check+=(--ignore-vignettes)
fi

echo "R CMD build"
if ! "${build[@]}" "$tree" > build.log 2>&1; then
  cat build.log
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

# No note for a clock that cannot be asked for the time, nor for one that runs ahead.
export _R_CHECK_SYSTEM_CLOCK_=0 _R_CHECK_FUTURE_FILE_TIMESTAMPS_=false
export _R_CHECK_FORCE_SUGGESTS_=true
status=0
"${check[@]}" vgfm_*.tar.gz || status=$?

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
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
echo "1 passed, 0 failed, 0 skipped"
