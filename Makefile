# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names for the scripts, nothing more: each target is one file in scripts/, which
# runs as well where make is not installed.

.PHONY: module demo test fuzz mutants quick bench isolation docs check tree dkms deb rpm clean help

module:
	@scripts/build $(foreach v,KDIR KUNIT W C V LLVM ARCH CROSS_COMPILE,$(if $($v),'$v=$($v)'))

demo:
	@scripts/demo

test:
	@scripts/test $(T)

fuzz:
	@scripts/fuzz $(MINUTES)

mutants:
	@scripts/mutants $(M)

quick:
	@scripts/quick $(T)

bench:
	@scripts/bench $(if $(QUICK),--quick)

isolation:
	@scripts/isolation

docs:
	@scripts/docs

check:
	@scripts/check

tree:
	@scripts/tree '$(KDIR)'

dkms:
	@scripts/dkms 'DESTDIR=$(DESTDIR)'

deb:
	@scripts/deb

rpm:
	@scripts/rpm 'KDIR=$(KDIR)'

clean:
	@rm -rf build

help:
	@echo 'make              build the module for the running kernel'
	@echo 'make KDIR=DIR     build it for the kernel configured in DIR'
	@echo 'make demo         see it at work in a virtual machine'
	@echo 'make test         run all tests; T=GROUP or T=GROUP/NAME for some of them'
	@echo 'make fuzz MINUTES=60  responses, events, configurations at random'
	@echo 'make mutants      do the tests notice small bugs? M=FILE or M=FILE/NAME for some'
	@echo 'make quick        build, boot in User-Mode Linux, check I/O: seconds'
	@echo 'make bench        measure it against other drivers; QUICK=1 in some minutes'
	@echo 'make isolation    who is hurt when the storage of a LUN hangs; an hour and a half'
	@echo 'make docs         build the manual and the rest of the documentation as HTML'
	@echo 'make check        style, static analysis, builds without a warning'
	@echo 'make tree KDIR=SOURCE  put the driver into a kernel source tree'
	@echo 'make dkms         give the driver to DKMS, for this kernel and those to come'
	@echo 'make deb          build the Debian package that does so'
	@echo 'make rpm          build RPM packages, for this kernel or KDIR'
	@echo 'make clean        remove build/ (kernels stay in the cache outside)'
