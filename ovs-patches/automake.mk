# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

EXTRA_DIST += \
	ovs-patches/make-ovs \
	ovs-patches/series \
	ovs-patches/0001-json-Export-the-functions-that-clash-with-jansson-un.patch
