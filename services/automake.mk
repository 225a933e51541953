# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

nobase_dist_pkgdata_DATA = \
	services/manifest.schema.json \
	services/filter/README.md \
	services/filter/manifest.json \
	services/filter/rules.nft \
	services/squid/README.md \
	services/squid/manifest.json \
	services/squid/squid.conf \
	services/squid/tproxy.nft
