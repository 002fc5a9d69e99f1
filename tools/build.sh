#!/usr/bin/env bash
# The source package with its guides: .build/vgfm_VERSION.tar.gz. Built from a copy, as
# R CMD build would copy all of .build, to leave it out afterwards.
set -euo pipefail
R=${R:-R}
export MAKEFLAGS=-j${JOBS:-2}

rm -rf .build/source .build/vgfm_*.tar.gz
mkdir -p .build/source/vgfm
tar -c --exclude=./.build --exclude=./.git --exclude=./demo . |
  tar -x -C .build/source/vgfm
cd .build

build=("$R" CMD build)
if ! command -v pandoc > /dev/null; then
  echo "There is no pandoc: guides are left out"
  build+=(--no-build-vignettes)
fi

echo "R CMD build"
if ! "${build[@]}" source/vgfm > build.log 2>&1; then
  cat build.log
  exit 1
fi
rm -r source
