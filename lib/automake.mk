# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

# The library as objects, for our own programs and tests.
noinst_LTLIBRARIES += lib/libpcloud.la
lib_libpcloud_la_SOURCES = \
	lib/pc-address.c \
	lib/pc-address.h \
	lib/pc-appctl.c \
	lib/pc-appctl.h \
	lib/pc-arena.c \
	lib/pc-arena.h \
	lib/pc-backoff.c \
	lib/pc-backoff.h \
	lib/pc-booking-explain.c \
	lib/pc-booking-explain.h \
	lib/pc-booking.c \
	lib/pc-booking.h \
	lib/pc-capacity.c \
	lib/pc-capacity.h \
	lib/pc-cgroup-io.c \
	lib/pc-cgroup-private.h \
	lib/pc-capture.c \
	lib/pc-capture.h \
	lib/pc-cgroup.c \
	lib/pc-cgroup.h \
	lib/pc-clock.c \
	lib/pc-clock.h \
	lib/pc-compile-check.c \
	lib/pc-compile-connection.c \
	lib/pc-compile-emit.c \
	lib/pc-compile-group.c \
	lib/pc-compile-inspect.c \
	lib/pc-compile-meter.c \
	lib/pc-compile-path.c \
	lib/pc-compile-private.h \
	lib/pc-compile-rule.c \
	lib/pc-compile-skip.c \
	lib/pc-compile-vi.c \
	lib/pc-compile.c \
	lib/pc-compile.h \
	lib/pc-container-config.c \
	lib/pc-container-config.h \
	lib/pc-container-exec.c \
	lib/pc-container-limits.c \
	lib/pc-container-lxc.c \
	lib/pc-container-private.h \
	lib/pc-container-state.c \
	lib/pc-container-stop.c \
	lib/pc-container.c \
	lib/pc-container.h \
	lib/pc-controller-address.c \
	lib/pc-controller-after.c \
	lib/pc-controller-chain.c \
	lib/pc-controller-compile.c \
	lib/pc-controller-count.c \
	lib/pc-controller-drain.c \
	lib/pc-controller-hold.c \
	lib/pc-controller-inspect.c \
	lib/pc-controller-l3.c \
	lib/pc-controller-model.c \
	lib/pc-controller-move.c \
	lib/pc-controller-overlap.c \
	lib/pc-controller-place.c \
	lib/pc-controller-private.h \
	lib/pc-controller-probe.c \
	lib/pc-controller-recompute.c \
	lib/pc-controller-reserve.c \
	lib/pc-controller-report.c \
	lib/pc-controller-report.h \
	lib/pc-controller-returns.c \
	lib/pc-controller-status.c \
	lib/pc-controller-submit.c \
	lib/pc-controller-sync.c \
	lib/pc-controller-tenure.c \
	lib/pc-controller-track.c \
	lib/pc-controller-used.c \
	lib/pc-controller-vi.c \
	lib/pc-controller-zone.c \
	lib/pc-controller.c \
	lib/pc-controller.h \
	lib/pc-engine-bound.c \
	lib/pc-engine-explain.c \
	lib/pc-engine-move.c \
	lib/pc-engine-place.c \
	lib/pc-engine-private.h \
	lib/pc-engine-rank.c \
	lib/pc-engine-share.c \
	lib/pc-engine.c \
	lib/pc-engine.h \
	lib/pc-event.c \
	lib/pc-event.h \
	lib/pc-disk.c \
	lib/pc-disk.h \
	lib/pc-explain-count.c \
	lib/pc-explain-drop.c \
	lib/pc-explain-eval.c \
	lib/pc-explain-eval.h \
	lib/pc-explain-flows.c \
	lib/pc-explain-journey.c \
	lib/pc-explain-overlap.c \
	lib/pc-explain-owner.c \
	lib/pc-explain-private.h \
	lib/pc-explain-stats.c \
	lib/pc-explain-trace-parse.c \
	lib/pc-explain-trace.c \
	lib/pc-explain.c \
	lib/pc-explain.h \
	lib/pc-fault.c \
	lib/pc-fault.h \
	lib/pc-fetch.c \
	lib/pc-fetch.h \
	lib/pc-flow-table-private.h \
	lib/pc-flow-table-find.c \
	lib/pc-flow-table-take.c \
	lib/pc-flow-table.c \
	lib/pc-flow-table.h \
	lib/pc-fs.c \
	lib/pc-fs.h \
	lib/pc-image-archive.c \
	lib/pc-image-dir.c \
	lib/pc-image-make.c \
	lib/pc-image-private.h \
	lib/pc-image-tree.c \
	lib/pc-image.c \
	lib/pc-image.h \
	lib/pc-installed.c \
	lib/pc-installed.h \
	lib/pc-json.c \
	lib/pc-json.h \
	lib/pc-l3-adjacency.c \
	lib/pc-l3-answer.c \
	lib/pc-l3-compile.c \
	lib/pc-l3-compile.h \
	lib/pc-l3-emit.c \
	lib/pc-l3-emit.h \
	lib/pc-l3-input.c \
	lib/pc-l3-neighbor.c \
	lib/pc-l3-neighbor.h \
	lib/pc-l3-packet.c \
	lib/pc-l3-packet.h \
	lib/pc-l3-parse.c \
	lib/pc-l3-private.h \
	lib/pc-l3.c \
	lib/pc-l3.h \
	lib/pc-layout.c \
	lib/pc-layout.h \
	lib/pc-ledger.c \
	lib/pc-ledger.h \
	lib/pc-lock.c \
	lib/pc-lock.h \
	lib/pc-manifest-check.c \
	lib/pc-manifest-check.h \
	lib/pc-manifest-part.c \
	lib/pc-manifest.c \
	lib/pc-manifest.h \
	lib/pc-match-parse.c \
	lib/pc-match-private.h \
	lib/pc-match.c \
	lib/pc-match.h \
	lib/pc-mod.c \
	lib/pc-mod.h \
	lib/pc-model.c \
	lib/pc-model.h \
	lib/pc-name.c \
	lib/pc-name.h \
	lib/pc-netns.c \
	lib/pc-netns.h \
	lib/pc-node-archive.c \
	lib/pc-node-capture.c \
	lib/pc-node-ctl.c \
	lib/pc-node-death.c \
	lib/pc-node-health.c \
	lib/pc-node-images.c \
	lib/pc-node-job.c \
	lib/pc-node-move.c \
	lib/pc-node-ports.c \
	lib/pc-node-limits.c \
	lib/pc-node-link.c \
	lib/pc-node-stats.c \
	lib/pc-node-private.h \
	lib/pc-node-probe.c \
	lib/pc-node-report.c \
	lib/pc-node-scan.c \
	lib/pc-node-status.c \
	lib/pc-node-used.c \
	lib/pc-node-vi-down.c \
	lib/pc-node-vi-up.c \
	lib/pc-node-vi.c \
	lib/pc-node-want.c \
	lib/pc-node.c \
	lib/pc-node.h \
	lib/pc-ofpact.c \
	lib/pc-ofpact.h \
	lib/pc-overlap-find.c \
	lib/pc-overlap-index.c \
	lib/pc-overlap-private.h \
	lib/pc-overlap-shadow.c \
	lib/pc-overlap.c \
	lib/pc-overlap.h \
	lib/pc-ports-private.h \
	lib/pc-ports-txn.c \
	lib/pc-ports.c \
	lib/pc-ports.h \
	lib/pc-probe-icmp.c \
	lib/pc-probe-private.h \
	lib/pc-probe-spec.c \
	lib/pc-probe-spec.h \
	lib/pc-probe-through.c \
	lib/pc-probe.c \
	lib/pc-probe.h \
	lib/pc-reread.c \
	lib/pc-reread.h \
	lib/pc-report.c \
	lib/pc-report.h \
	lib/pc-profile-check.c \
	lib/pc-profile-find.c \
	lib/pc-profile-private.h \
	lib/pc-profile.c \
	lib/pc-profile.h \
	lib/pc-request-column.c \
	lib/pc-request-private.h \
	lib/pc-request-slot.c \
	lib/pc-request.c \
	lib/pc-request.h \
	lib/pc-scheduler-move.c \
	lib/pc-scheduler-place.c \
	lib/pc-scheduler-private.h \
	lib/pc-scheduler-state.c \
	lib/pc-scheduler-watch.c \
	lib/pc-scheduler-used.c \
	lib/pc-scheduler.c \
	lib/pc-scheduler.h \
	lib/pc-rbac.c \
	lib/pc-rbac.h \
	lib/pc-schema.c \
	lib/pc-schema.h \
	lib/pc-share.c \
	lib/pc-share.h \
	lib/pc-slot-time.c \
	lib/pc-slot.c \
	lib/pc-slot.h \
	lib/pc-switch-handshake.c \
	lib/pc-switch-ports.c \
	lib/pc-switch-private.h \
	lib/pc-switch-probe.c \
	lib/pc-switch-queue.c \
	lib/pc-switch-read.c \
	lib/pc-switch-stats.c \
	lib/pc-switch-submit.c \
	lib/pc-switch-zone.c \
	lib/pc-switch.c \
	lib/pc-switch.h \
	lib/pc-tariff-money.c \
	lib/pc-tariff-row.c \
	lib/pc-tariff-row.h \
	lib/pc-tariff.c \
	lib/pc-tariff.h \
	lib/pc-time.c \
	lib/pc-time.h \
	lib/pc-topology.c \
	lib/pc-topology.h \
	lib/pc-units.c \
	lib/pc-units.h \
	lib/pc-upper-pack.c \
	lib/pc-upper-private.h \
	lib/pc-upper-unpack.c \
	lib/pc-upper.h \
	lib/pc-usage.c \
	lib/pc-usage.h \
	lib/pc-value.c \
	lib/pc-value.h \
	lib/pc-vi.c \
	lib/pc-vi.h \
	lib/pc-worker.c \
	lib/pc-worker.h \
	lib/pc-zone.c \
	lib/pc-zone.h
nodist_lib_libpcloud_la_SOURCES = \
	lib/pc-idl.c \
	lib/pc-idl.h

# The installed library: it carries its own Open vSwitch, and only pc_* leaves
# it.
lib_LTLIBRARIES += lib/libpacketcloud.la
lib_libpacketcloud_la_SOURCES =
lib_libpacketcloud_la_LIBADD = lib/libpcloud.la $(PCLOUD_SYSLIBS)
lib_libpacketcloud_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-Wl,--version-script=$(srcdir)/lib/libpacketcloud.map \
	-Wl,-Bsymbolic $(NO_UNDEFINED) \
	$(OVS_LIBS:%=-Wl,%) $(OVS_SYSLIBS:-l%=-Wl,-l%)
if !SANITIZERS
NO_UNDEFINED = -Wl,--no-undefined
endif
lib_libpacketcloud_la_DEPENDENCIES = lib/libpcloud.la \
	$(srcdir)/lib/libpacketcloud.map
EXTRA_DIST += lib/libpacketcloud.map lib/layers
# Public headers: they include only the C library, <openvswitch/*> and each
# other, and mean something outside of our own daemons.
pkginclude_HEADERS = \
	lib/pc-address.h \
	lib/pc-compile.h \
	lib/pc-flow-table.h \
	lib/pc-installed.h \
	lib/pc-layout.h \
	lib/pc-match.h \
	lib/pc-mod.h \
	lib/pc-model.h \
	lib/pc-name.h \
	lib/pc-units.h
pkgconfig_DATA += lib/packetcloud.pc
EXTRA_DIST += lib/packetcloud.pc.in

# The database.
pkgdata_DATA += lib/packetcloud.ovsschema
dist_pkgdata_DATA += lib/request.schema.json
EXTRA_DIST += \
	lib/packetcloud.ovsschema \
	lib/pc-idl.ann
BUILT_SOURCES += lib/pc-idl.c lib/pc-idl.h
CLEANFILES += lib/pc-idl.c lib/pc-idl.h lib/pc-idl.ovsidl
OVSDB_IDLC = $(run_python) $(ovs_srcdir)/ovsdb/ovsdb-idlc.in
lib/pc-idl.ovsidl: lib/packetcloud.ovsschema lib/pc-idl.ann
	$(AM_V_GEN)$(MKDIR_P) lib && $(OVSDB_IDLC) annotate \
	    $(srcdir)/lib/packetcloud.ovsschema $(srcdir)/lib/pc-idl.ann \
	    > $@.tmp && mv $@.tmp $@
lib/pc-idl.c: lib/pc-idl.ovsidl
	$(AM_V_GEN)$(OVSDB_IDLC) c-idl-source $< > $@.tmp && mv $@.tmp $@
lib/pc-idl.h: lib/pc-idl.ovsidl
	$(AM_V_GEN)$(OVSDB_IDLC) c-idl-header $< > $@.tmp && mv $@.tmp $@
