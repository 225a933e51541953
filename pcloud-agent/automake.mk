# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

sbin_PROGRAMS += pcloud-agent/pcloud-agent
pcloud_agent_pcloud_agent_SOURCES = \
	pcloud-agent/pcloud-agent-node.c \
	pcloud-agent/pcloud-agent-options.c \
	pcloud-agent/pcloud-agent.c \
	pcloud-agent/pcloud-agent.h
pcloud_agent_pcloud_agent_LDADD = $(PCLOUD_LIBS)

# Starts and stops the daemons.
sbin_SCRIPTS += pcloud-agent/pcloud-daemons
EXTRA_DIST += pcloud-agent/pcloud-daemons.in
CLEANFILES += pcloud-agent/pcloud-daemons
pkgdata_DATA += pcloud-agent/pcloud-daemons-cluster
EXTRA_DIST += pcloud-agent/pcloud-daemons-cluster

# Measures what a VI carries, by traffic between two hosts that pcloud-traffic is.
sbin_SCRIPTS += pcloud-agent/pcloud-benchmark
dist_pkglibexec_SCRIPTS += pcloud-agent/pcloud-traffic
EXTRA_DIST += pcloud-agent/pcloud-benchmark.in
CLEANFILES += pcloud-agent/pcloud-benchmark

# The patched Open vSwitch that pcloud-daemons starts.
OVS_BINARIES = ovsdb/ovsdb-client ovsdb/ovsdb-server ovsdb/ovsdb-tool \
	utilities/ovs-appctl utilities/ovs-ofctl utilities/ovs-vsctl \
	vswitchd/ovs-vswitchd
install-ovs:
	$(MKDIR_P) '$(DESTDIR)$(pkglibexecdir)/openvswitch'
	for p in $(OVS_BINARIES); do \
	  $(INSTALL_STRIP_PROGRAM) "$(ovs_builddir)/$$p" \
	      '$(DESTDIR)$(pkglibexecdir)/openvswitch/' || exit 1; \
	done
	$(INSTALL_DATA) '$(ovs_srcdir)/vswitchd/vswitch.ovsschema' \
	    '$(DESTDIR)$(pkglibexecdir)/openvswitch/'
uninstall-ovs:
	rm -f '$(DESTDIR)$(pkglibexecdir)/openvswitch'/*
INSTALL_DATA_LOCAL += install-ovs
UNINSTALL_LOCAL += uninstall-ovs
