# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What every script here shares: where the repository and the cache are, and how
# to speak. Sourced, never run. Progress goes to standard error, so that
# standard output carries only a script's answer.

top=$(cd "$(dirname "$0")/.." && pwd)
while [ ! -e "$top/scripts/lib.sh" ] && [ "$top" != / ]; do top=$(dirname "$top"); done
# Services and cron may have no HOME.
home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
cache=${VSCSI_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/virtio-scsi}
jobs=$(nproc)
# shellcheck disable=SC2034 # for the scripts that source this file
readonly top cache jobs

# A make that called us must not lend its flags to the ones we call.
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }

# make and kbuild split paths at blanks and colons.
case $top$cache in
*[[:space:]:]*) die "make cannot work below a path with a blank or a colon in it: $top, $cache" ;;
esac

# needs_room MIB: die now rather than half way through.
needs_room() {
	mkdir -p "$cache"
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] || die "$cache: $1 MiB are needed and $free MiB are free"
}

# lock FD FILE: wait for another process that has it, and say so.
lock() {
	flock -n "$1" && return
	say "waiting for another process (lock: $2)"
	flock "$1"
}

# run LOG COMMAND...: run it with all output in LOG; when it fails, show the
# end of the log and say where the whole of it is.
run() {
	run_log=$1
	shift
	if "$@" >>"$run_log" 2>&1; then return 0; fi
	tail -n 15 "$run_log" >&2
	die "failed: $* (log: $run_log)"
}

# fill_in WORD TEXT: standard input, with TEXT, whatever is in it, in the place of WORD.
fill_in() { sed "s/$1/$(printf '%s' "$2" | sed 's|[\\/&]|\\&|g')/"; }

# The version that the module says, and make dkms takes.
version_of_module() { sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' "$top/include/compat/version.c"; }

# last_commit OPTION...: what git log says of it. GIT_DIR: git does not ask whose directory it is.
last_commit() { GIT_DIR=${GIT_DIR:-$top/.git} git log -1 "$@"; }

# The version of packages: newer commits have higher ones, so that a package manager takes
# the rebuilt package for an upgrade.
version_of_package() {
	commit=
	if [ -e "$top/.git" ]; then
		commit=$(TZ=UTC last_commit --format=%cd.%h --date=format-local:%Y%m%d.%H%M%S) ||
			die "git does not name the commit, which is part of the version"
	fi
	echo "$(version_of_module)${commit:++$commit}"
}

# set_version DIR VERSION: let the copy of the source in DIR have that version.
set_version() { sed -i "s/^MODULE_VERSION(\".*\");/MODULE_VERSION(\"$2\");/" "$1/include/compat/version.c"; }
