# SPDX-License-Identifier: GPL-2.0-or-later
"""For Sphinx: the manual as the kernel builds its own, with the kernel's extension
for the comments of functions, which needs srctree, a kernel source (scripts/docs)."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ['srctree'], 'Documentation/sphinx'))

project = 'virtio-scsi'
extensions = ['kerneldoc']
exclude_patterns = ['man']
primary_domain = 'c'
highlight_language = 'none'
html_theme = 'classic'
html_copy_source = False
kerneldoc_srctree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
kerneldoc_bin = ''
