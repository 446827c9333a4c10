# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings for Sphinx; scripts/docs runs it."""
project = 'virtio-scsi'
exclude_patterns = ['man']
highlight_language = 'none'
html_theme = 'classic'
html_copy_source = False
