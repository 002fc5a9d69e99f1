#!/bin/sh
# Builds the package and installs it: tools/install.sh LIBRARY. Compiles in a copy, so
# that objects of other tools never get in and none are left in src. Makevars lists the
# objects, so a file that is gone does no harm in the copy.
set -eu
R=${R:-R}
library=$1
copy=.build/package

mkdir -p "$copy" "$library"
for folder in src/core/*/; do mkdir -p "$copy/$folder"; done
rm -rf "$copy/R" "$copy/man" "$copy/inst"
for path in DESCRIPTION NAMESPACE LICENSE R man inst; do
  if [ -e "$path" ]; then cp -R "$path" "$copy/"; fi
done

# Only files that differ, so that make compiles those; all, if it is a header.
anew=no
for file in src/Makevars* src/*.[ch] src/core/*/*.[ch]; do
  if ! cmp -s "$file" "$copy/$file"; then
    cp "$file" "$copy/$file"
    case $file in *.c) ;; *) anew=yes ;; esac
  fi
done
if [ "$anew" = yes ]; then rm -f "$copy"/src/*.o "$copy"/src/core/*/*.o; fi

echo "Installing vgfm into its own library"
if ! MAKEFLAGS=-j${JOBS:-2} "$R" CMD INSTALL --library="$library" "$copy" \
  > .build/install.log 2>&1; then
  cat .build/install.log >&2
  exit 1
fi
