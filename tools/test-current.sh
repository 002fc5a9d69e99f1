#!/usr/bin/env bash
# All tests and R CMD check with the R and the Seurat of Debian trixie (R 4.5, Seurat 5),
# in a tree of its own, .build/trixie, which is made once. Needs root, and a system whose
# apt knows a mirror of Debian. The last line printed is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
exec < /dev/null
suite=trixie
tree=$PWD/.build/$suite
log=.build/$suite.log

say() { printf 'current: %s\n' "$*"; }

skip() {
  echo "skipped: tests with Debian $suite: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

fail() {
  echo "failed: tests with Debian $suite: $1"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

# Runs this script again where its mounts are its own: they end with it, however it ends,
# and so do the processes it has started.
apart() { unshare --mount --pid --fork --kill-child -- "$0" "$@"; }

# Runs a command in the tree, with the machine's settings but none of its paths. Signals
# of a terminal are heard, also where this was started in the background: tests send some.
within() {
  chroot "$tree" /usr/bin/env --default-signal=INT -u R_LIBS -u R_LIBS_USER \
    -u R_LIBS_SITE -u R_HOME -u R -u RSCRIPT -u TMPDIR -u MAKEFLAGS -u MAKELEVEL \
    -u MAKEOVERRIDES -u MFLAGS HOME=/root \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive VGFM_DATA=/data "$@"
}

# Removes what was made here, but nothing that someone has mounted in it.
remove() { rm -rf --one-file-system -- "$@"; }

# Where apt gets Debian itself from; not its security updates, nor other software.
mirror() {
  local format='$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)'
  apt-get indextargets --format "$format" 'Created-By: Packages' 2> /dev/null |
    sed -n 's/^Debian|Debian|main|//p' | sed -n 1p
}

have_debootstrap() {
  command -v debootstrap > /dev/null && [ -e "/usr/share/debootstrap/scripts/$suite" ]
}

install_debootstrap() {
  local options=(-q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  say "installing debootstrap from the system's packages"
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get "${options[@]}" update &&
      apt-get "${options[@]}" install --no-install-recommends debootstrap
  } > "$log" 2>&1 || tail -n 20 "$log"
}

# This tree of files, without what was made from it.
copy_sources() {
  remove "$tree/vgfm"
  mkdir "$tree/vgfm"
  tar -c --exclude=./.build --exclude=./.git --exclude=./demo . | tar -x -C "$tree/vgfm"
}

# Debian, and in it the packages that tools/setup.R finds missing. Devices are in memory,
# never in the tree itself: what copies a tree would read them without end.
make_tree() {
  local final=$tree
  tree=$final.new
  remove "$final" "$tree"
  mkdir -p "$tree/dev" "$tree/etc/dpkg/dpkg.cfg.d" "$tree/etc/apt/apt.conf.d"
  mount -t tmpfs -o mode=755 tmpfs "$tree/dev"
  # Nothing here has to outlive a power cut, and nobody reads manuals.
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/man/*' \
    'path-exclude=/usr/share/locale/*' > "$tree/etc/dpkg/dpkg.cfg.d/quick"
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [ -n "${proxy-}" ]; then export http_proxy=$proxy; fi
  debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev,make,r-base-core \
    "$suite" "$tree" "$(mirror)"
  # How the machine reaches its mirrors.
  apt-config dump --no-empty | grep -E '^Acquire::(https?|Retries|Check)' \
    > "$tree/etc/apt/apt.conf.d/machine" || true
  mountpoint -q "$tree/proc" || mount -t proc proc "$tree/proc"
  copy_sources
  within make -C /vgfm setup-test
  within apt-get clean
  remove "$tree/vgfm"
  echo "$recipe" > "$tree/recipe"
  mv "$tree" "$final"
}

# A tree that was made otherwise, or not to the end, is made anew.
recipe=$(declare -f make_tree | cksum)

# What this is about has to be there.
versions='
  least <- list(Seurat = "5", SeuratObject = "5", SingleCellExperiment = "1")
  has <- vapply(names(least), function(p) format(packageVersion(p)), "")
  cat(sprintf("current: R %s, %s\n", getRversion(), toString(paste(names(has), has))))
  new <- unlist(Map(function(p, v) packageVersion(p) >= v, names(least), least))
  quit(status = !(getRversion() >= "4.5" && all(new)))'

run_tests() {
  local data=${VGFM_DATA:-../shared/data}
  mount --rbind /dev "$tree/dev"
  mount -t proc proc "$tree/proc"
  if [ -d "$data" ]; then
    mkdir -p "$tree/data"
    mount -o bind,ro "$data" "$tree/data"
  fi
  # Names are looked up as the machine does it today.
  cp /etc/resolv.conf /etc/hosts "$tree/etc/"
  copy_sources
  within Rscript --vanilla -e "$versions" || fail "its R or Seurat is too old"
  within CHECK_AGAIN=no /vgfm/.ci/run test check
}

# A process apart is the first of its own; elsewhere its mounts would stay.
case $$:${1-} in
  1:make) make_tree ;;
  1:run) run_tests ;;
  *:)
    if [ "$(id -u)" -ne 0 ]; then skip "making a tree of Debian needs root"; fi
    if ! unshare --mount --pid --fork true 2> /dev/null; then
      skip "root may not mount here"
    fi
    if ! command -v apt-get > /dev/null || [ -z "$(mirror)" ]; then
      skip "apt knows no mirror of Debian here"
    fi
    mkdir -p .build
    exec 9> .build/$suite.lock
    flock 9
    if [ "$(cat "$tree/recipe" 2> /dev/null)" != "$recipe" ]; then
      have_debootstrap || install_debootstrap
      have_debootstrap || skip "debootstrap for $suite is not to be had"
      say "making a tree of Debian $suite in .build/$suite: some minutes, 2 GB"
      apart make > "$log" 2>&1 || {
        tail -n 20 "$log"
        fail "the tree could not be made; $log has it all"
      }
    fi
    status=0
    apart run 2>&1 | tee "$log" || status=$?
    if grep -q '^skipped: .*Seurat' "$log"; then
      fail "a test was skipped for want of what this is about"
    fi
    exit "$status"
    ;;
  *) fail "usage: tools/test-current.sh" ;;
esac
