# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

EXTRA_DIST += \
	ovs-patches/README \
	ovs-patches/check-ovs \
	ovs-patches/compare-ovs \
	ovs-patches/make-ovs \
	ovs-patches/series \
	ovs-patches/0001-json-Export-the-functions-that-clash-with-jansson-un.patch \
	ovs-patches/0002-netdev-linux-Size-the-receive-buffers-of-AF_PACKET-s.patch \
	ovs-patches/0003-netdev-linux-Ignore-outgoing-packets-on-AF_PACKET-re.patch \
	ovs-patches/0004-netdev-linux-Count-the-packets-that-AF_PACKET-receiv.patch \
	ovs-patches/0005-dpif-netdev-Let-PMD-threads-block-when-idle.patch \
	ovs-patches/0006-netdev-linux-Add-the-port-type-system-pmd.patch \
	ovs-patches/0007-ofp-actions-Let-the-sample-action-output-samples-to-.patch \
	ovs-patches/0008-netdev-linux-Keep-the-buffers-of-AF_PACKET-receive-s.patch \
	ovs-patches/0009-ofproto-dpif-upcall-Do-not-pause-when-a-port-has-gon.patch
