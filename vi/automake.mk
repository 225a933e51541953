# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

# Helpers of a VI.  pcloud-vi-init runs inside: it is static, for an image need
# not have our C library, and without the sanitizers.
pkglibexec_PROGRAMS += vi/pcloud-vi-init vi/pcloud-vi-hook
vi_pcloud_vi_init_SOURCES = vi/pcloud-vi-init.c
vi_pcloud_vi_init_CFLAGS = $(WARNING_FLAGS)
vi_pcloud_vi_init_LDFLAGS = -all-static
vi_pcloud_vi_hook_SOURCES = vi/pcloud-vi-hook.c
vi_pcloud_vi_hook_LDADD = $(PCLOUD_LIBS)
dist_pkgdata_DATA += vi/seccomp.profile
