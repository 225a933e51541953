# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

EXTRA_DIST += \
	demo/fetch \
	demo/origin \
	demo/run
