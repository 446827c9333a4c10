# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# A copy of this machine for the cases of tests/cases/ship: $root is this machine's root
# under a layer in memory. The only kernel in it is $kernel, a directory of scripts/kernel,
# and $release is its release. in_root runs commands there.
#
# Sourced by a script with mounts and process ids of its own, which all end with it. The
# script sets SCRATCH, TOP (the repository), kernel and release.
cd "$SCRATCH" || exit
mount --make-rprivate /
mkdir -p over
mount -t tmpfs -o size=2G vscsi-over over
root=$SCRATCH/over/root
trap 'tail -n 30 "$root"/var/lib/dkms/virtio-scsi/*/build/make.log || :' EXIT
mkdir "$root" over/upper over/work
# The name is that of the device which findmnt then says the root is on.
mount -t overlay -o "lowerdir=/,upperdir=$SCRATCH/over/upper,workdir=$SCRATCH/over/work" /dev/dm-7 "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for d in boot usr/lib/modules tmp; do
	mkdir -p "$root/$d"
	mount -t tmpfs vscsi-none "$root/$d"
done
# layer FROM TO NAME: TO shows FROM, and keeps what is written.
layer() {
	mkdir -p "$2" "$SCRATCH/over/$3u" "$SCRATCH/over/$3w"
	mount -t overlay -o "lowerdir=$1,upperdir=$SCRATCH/over/$3u,workdir=$SCRATCH/over/$3w" vscsi "$2"
}
modules=$root/usr/lib/modules/$release
layer "$kernel/lib/modules/$release" "$modules" m
# depmod reads all modules each time.
rm -rf "$modules/kernel/net" "$modules/kernel/sound"
find "$modules/kernel/drivers" -mindepth 1 -maxdepth 1 ! -name scsi ! -name virtio ! -name block -exec rm -rf {} +
# No index of manual pages is needed.
rm -f "$root/var/lib/man-db/auto-update"
headers=$(cd -P "$kernel/build" && pwd)
mkdir -p "$root$kernel"
mount --bind "$kernel" "$root$kernel"
layer "$headers" "$root$headers" k
ln -s "$headers" "$modules/build"
mkdir "$root/tmp/tree"
for f in Makefile Kconfig drivers include Documentation scripts; do cp -a "$TOP/$f" "$root/tmp/tree/"; done
rm -rf "$root"/var/lib/dkms/* "$root/etc/dkms/framework.conf"

# The headers of Debian's kernels call ccache when asked to.
mkdir -p "$CCACHE_DIR" "$root/tmp/ccache"
mount --bind "$CCACHE_DIR" "$root/tmp/ccache"

# HOME and the cache are not what DKMS has when a kernel is installed.
in_root() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive DEBIAN_KERNEL_USE_CCACHE=1 \
		CCACHE_DIR=/tmp/ccache CCACHE_MAXSIZE="$CCACHE_MAXSIZE" chroot "$root" "$@"
}
taken() { in_root modinfo -k "${1:-$release}" -n virtio_scsi; }
