# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# A Debian whose root disk is behind a virtio-scsi HBA, for the cases of tests/cases/ship:
# Debian 13 where the case's name says so, else 12. It lies in $root, where in_root runs commands without emulation (so it compiles at
# this machine's speed); boot() makes a disk of it and boots that in QEMU.
#
# Sourced first of all: what follows runs with mounts and process ids of its own, which
# are all gone when the case ends, however it does.
[ "$(id -u)" = 0 ] || { echo 'SKIP: root'; exit 77; }
scripts/install-deps run ship
if [ -z "${VSCSI_ALONE-}" ]; then
	VSCSI_ALONE=1 exec unshare --mount --mount-proc --pid --fork --kill-child sh -eux "$0"
fi
mount --make-rprivate /

suite=bookworm
case $CASE in *-13) suite=trixie ;; esac
root=$SCRATCH/root
mkdir "$root"
tar -x --zstd -C "$root" -f "$(scripts/rootfs $suite)"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"

in_root() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }

# dpkg_i FILE...: install packages of this machine's file system.
dpkg_i() {
	mkdir -p "$root/var/tmp/debs"
	cp "$@" "$root/var/tmp/debs/"
	in_root sh -c 'dpkg -i /var/tmp/debs/*.deb' ||
		{ tail -n 40 "$root"/var/lib/dkms/virtio-scsi/*/build/make.log; false; }
	rm -rf "$root/var/tmp/debs"
}

# verify STATUS RELEASE: what virtio-scsi-verify says of a kernel on the disk.
verify() {
	status=0
	cp scripts/virtio-scsi-verify "$root/var/tmp/"
	in_root sh /var/tmp/virtio-scsi-verify -k "$2" || status=$?
	[ "$status" = "$1" ]
}

# At the end of booting the guest reports, does what the kernel's command line asks it
# for, and powers off.
cp scripts/virtio-scsi-verify "$root/usr/local/sbin/vscsi-verify"
cat >"$root/usr/local/sbin/vscsi-report" <<'END'
#!/bin/sh
exec >/dev/ttyS1 2>&1
device=$(readlink -f "/sys/dev/block/$(mountpoint -d /)")
case $device in */virtio*/host*) echo "root: behind virtio-scsi" ;; *) echo "root: $device" ;; esac
echo "release: $(uname -r)"
status=0
vscsi-verify || status=$?
echo "verify: $status"
# As if the initramfs had no driver at all.
echo . | cpio -o -H newc | gzip >/run/bare
mount --bind /run/bare "/boot/initrd.img-$(uname -r)"
status=0
vscsi-verify || status=$?
echo "verify bare: $status"
umount "/boot/initrd.img-$(uname -r)"
# What this machine needs and no more: emulated, all modules take ten minutes.
[ ! -d /etc/initramfs-tools ] || echo MODULES=dep >/etc/initramfs-tools/conf.d/vscsi
if grep -q vscsi.upgrade /proc/cmdline; then
	status=0
	dpkg -i /var/tmp/upgrade/*.deb || status=$?
	[ "$status" = 0 ] || cat /var/lib/dkms/virtio-scsi/*/build/make.log
	echo "upgrade: $status, after $(cut -d. -f1 /proc/uptime) s"
	for release in /lib/modules/*; do
		status=0
		vscsi-verify -k "${release##*/}" || status=$?
		echo "verify ${release##*/}: $status"
	done
fi
if grep -q vscsi.remove /proc/cmdline; then
	dpkg -r virtio-scsi-dkms
	echo "remove: $?"
	vscsi-verify
	echo "verify after: $?"
fi
kill -s RTMIN+4 1 # poweroff.target; there is no D-Bus to ask for it
END
chmod 755 "$root/usr/local/sbin/vscsi-report"
cat >"$root/etc/systemd/system/vscsi-report.service" <<'END'
[Unit]
After=basic.target
[Service]
ExecStart=/usr/local/sbin/vscsi-report
[Install]
WantedBy=multi-user.target
END
in_root systemctl enable vscsi-report.service
in_root systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
	dpkg-db-backup.timer e2scrub_reap.service man-db.timer fstrim.timer getty.target serial-getty@ttyS0.service
echo 'LABEL=vscsi / ext4 defaults 0 1' >"$root/etc/fstab"

disk=$SCRATCH/disk
# to_disk: $root becomes the disk. Whatever a guest has changed there is gone.
to_disk() {
	umount "$root/proc" "$root/dev"
	rm -f "$disk"
	mke2fs -q -t ext4 -L vscsi -d "$root" "$disk" 6G
	mount --bind /dev "$root/dev"
	mount -t proc proc "$root/proc"
}

# boot RELEASE [WORD...]: boot the disk with its own kernel and initramfs. What the guest
# reports is in the file "report".
boot() {
	release=$1
	shift
	for f in vmlinuz initrd.img; do
		debugfs -R "dump /boot/$f-$release $SCRATCH/$f" "$disk"
		[ -s "$SCRATCH/$f" ]
	done
	rm -f "$SCRATCH/report"
	timeout 5400 qemu-system-x86_64 -accel tcg -M q35,usb=off -cpu max -smp 2 -m 1G -nodefaults -no-user-config \
		-nic none -display none -no-reboot -kernel "$SCRATCH/vmlinuz" -initrd "$SCRATCH/initrd.img" \
		-append "root=LABEL=vscsi rw console=ttyS0 mitigations=off nokaslr no_timer_check panic=-1 audit=0 random.trust_cpu=on $*" \
		-serial "file:$SCRATCH/console" -serial "file:$SCRATCH/report" -device virtio-scsi-pci,id=hba \
		-drive "file=$disk,format=raw,if=none,id=disk,cache=unsafe" -device scsi-hd,drive=disk ||
		{ tail -n 40 "$SCRATCH/console"; false; }
	cat "$SCRATCH/report" || tail -n 40 "$SCRATCH/console"
	reported 'root: behind virtio-scsi'
	reported "release: $release"
}
reported() { tr -d '\r' <"$SCRATCH/report" | grep -x -e "$1"; }
