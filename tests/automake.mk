# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

# Unit tests: one program a file, tests/unit/test-pc-NAME.c, with libcheck.
# To add one, add its name to UNIT_TESTS and its two variables:
#
#   UNIT_TESTS += tests/unit/test-pc-foo
#   tests_unit_test_pc_foo_SOURCES = tests/unit/test-pc-foo.c
#   tests_unit_test_pc_foo_LDADD = $(UNIT_LIBS)
UNIT_LIBS = tests/unit/libpc-test.la $(CHECK_LIBS) $(PCLOUD_LIBS)
check_LTLIBRARIES = tests/unit/libpc-test.la
tests_unit_libpc_test_la_SOURCES = \
	tests/unit/pc-test.c \
	tests/unit/pc-test.h
check_PROGRAMS += $(UNIT_TESTS)
AM_CPPFLAGS += $(CHECK_CFLAGS)

EXTRA_DIST += \
	tests/check-rules \
	tests/day-run \
	tests/install-test.c \
	tests/of-proxy \
	tests/packetcloud-0.2.0.ovsschema \
	tests/reservation-check \
	tests/pcloud-lib.sh \
	tests/run-autotest \
	tests/run-unit \
	tests/schema-grows \
	tests/summary \
	tests/tariff-oracle \
	tests/terminal \
	tests/trace-agree

# Autotest suites: testsuite needs no root, system-testsuite does.
COMMON_AT = tests/pcloud-macros.at
TESTSUITE_AT = \
	tests/testsuite.at \
	tests/controller.at \
	tests/pc-build.at \
	tests/pc-cluster-rbac.at \
	tests/pc-cluster.at \
	tests/pc-compile.at \
	tests/pc-controller-chain.at \
	tests/pc-daemons.at \
	tests/pc-event.at \
	tests/pc-explain.at \
	tests/pc-harness.at \
	tests/pc-l3.at \
	tests/pc-manifest.at \
	tests/pc-manual.at \
	tests/pc-money.at \
	tests/pc-remote.at \
	tests/pc-report.at \
	tests/pc-request.at \
	tests/pc-scheduler-fault.at \
	tests/pc-scheduler-move.at \
	tests/pc-scheduler.at \
	tests/pc-schema.at \
	tests/pc-tariff.at \
	tests/pc-topology.at \
	tests/pc-usage.at \
	tests/pc-vi-type.at \
	tests/pc-zone.at \
	tests/pcloud-ctl.at \
	tests/scheduler-macros.at
SYSTEM_TESTSUITE_AT = \
	tests/system-testsuite.at \
	tests/pc-system-chain.at \
	tests/pc-system-container.at \
	tests/pc-system-day.at \
	tests/pc-system-enforce.at \
	tests/pc-system-explain.at \
	tests/pc-system-failure.at \
	tests/pc-system-fault.at \
	tests/pc-system-hand.at \
	tests/pc-system-harness.at \
	tests/pc-system-image.at \
	tests/pc-system-inspect.at \
	tests/pc-system-kill.at \
	tests/pc-system-l3.at \
	tests/pc-system-manual.at \
	tests/pc-system-megaflow.at \
	tests/pc-system-move-reserve.at \
	tests/pc-system-move.at \
	tests/pc-system-mtu.at \
	tests/pc-system-node.at \
	tests/pc-system-random.at \
	tests/pc-system-rbac.at \
	tests/pc-system-remote.at \
	tests/pc-system-replica.at \
	tests/pc-system-report.at \
	tests/pc-system-reserve.at \
	tests/pc-system-service.at \
	tests/pc-system-usage.at \
	tests/pc-system-vi-type.at
EXTRA_DIST += $(COMMON_AT) $(TESTSUITE_AT) $(SYSTEM_TESTSUITE_AT) package.m4
check_SCRIPTS += tests/testsuite tests/system-testsuite
check_DATA = tests/atlocal
CLEANFILES += tests/testsuite tests/system-testsuite tests/package.m4
DISTCLEANFILES += tests/atconfig

# Open vSwitch's macros come from its tree.
AUTOTEST = $(AUTOM4TE) --language=autotest -I $(srcdir) -I $(ovs_srcdir)
tests/testsuite: $(COMMON_AT) $(TESTSUITE_AT) package.m4
	$(AM_V_GEN)$(MKDIR_P) tests && $(AUTOTEST) -o $@.tmp \
	    $(srcdir)/tests/testsuite.at && mv $@.tmp $@
tests/system-testsuite: $(COMMON_AT) $(SYSTEM_TESTSUITE_AT) package.m4
	$(AM_V_GEN)$(MKDIR_P) tests && $(AUTOTEST) -o $@.tmp \
	    $(srcdir)/tests/system-testsuite.at && mv $@.tmp $@
$(srcdir)/package.m4: $(top_srcdir)/configure.ac
	$(AM_V_GEN){ \
	  echo '# Signature of the current package.'; \
	  echo 'm4_define([AT_PACKAGE_NAME],      [$(PACKAGE_NAME)])'; \
	  echo 'm4_define([AT_PACKAGE_TARNAME],   [$(PACKAGE_TARNAME)])'; \
	  echo 'm4_define([AT_PACKAGE_VERSION],   [$(PACKAGE_VERSION)])'; \
	  echo 'm4_define([AT_PACKAGE_STRING],    [$(PACKAGE_STRING)])'; \
	  echo 'm4_define([AT_PACKAGE_BUGREPORT], [$(PACKAGE_BUGREPORT)])'; \
	} > '$(srcdir)/package.m4'

# Our programs before Open vSwitch's.
AUTOTEST_PATH = $(abs_top_builddir)/pcloud-ctl:$(abs_top_builddir)/pcloud-agent:$(abs_top_builddir)/tests:$(ovs_builddir)/utilities:$(ovs_builddir)/vswitchd:$(ovs_builddir)/ovsdb:$(ovs_builddir)/tests
TEST_JOBS = 2
RESULTS = tests/results

# Helper of the system suite.
check_PROGRAMS += tests/pc-hash
tests_pc_hash_SOURCES = tests/pc-hash.c
tests_pc_hash_LDADD = $(OVS_LIBS) $(OVS_SYSLIBS)
check_PROGRAMS += tests/udp-count
tests_udp_count_SOURCES = tests/udp-count.c
tests_udp_count_LDADD = $(OVS_LIBS) $(OVS_SYSLIBS)

# Builds all, then what the tests need, without running them.  Not at once: both
# need the libraries, and "all" makes them in a make of its own.
check-build:
	$(MAKE) $(AM_MAKEFLAGS) all
	$(MAKE) $(AM_MAKEFLAGS) check-build-only
check-build-only: $(check_PROGRAMS) $(check_SCRIPTS) $(check_DATA) distfiles
check-unit: $(UNIT_TESTS)
	@$(srcdir)/tests/run-unit $(RESULTS)/unit $(UNIT_TESTS)
check-autotest: all $(check_PROGRAMS) tests/testsuite tests/atlocal distfiles
	@$(srcdir)/tests/run-autotest $(RESULTS)/testsuite tests/testsuite \
	    -C tests AUTOTEST_PATH=$(AUTOTEST_PATH) -j$(TEST_JOBS) $(TESTSUITEFLAGS)
check-system: all $(check_PROGRAMS) tests/system-testsuite tests/atlocal
	@$(srcdir)/tests/run-autotest $(RESULTS)/system-testsuite \
	    tests/system-testsuite -C tests AUTOTEST_PATH=$(AUTOTEST_PATH) \
	    -j$(SYSTEM_TEST_JOBS) $(TESTSUITEFLAGS); status=$$?; \
	  $(srcdir)/tests/summary $(RESULTS)/system-testsuite && exit $$status
SYSTEM_TEST_JOBS = 1

# 'make check': all suites are run even if one fails.
check-suites: all $(check_PROGRAMS) tests/testsuite tests/atlocal distfiles
	@rm -rf $(RESULTS)/unit $(RESULTS)/testsuite; \
	$(MAKE) $(AM_MAKEFLAGS) -s -k check-unit check-autotest; \
	$(srcdir)/tests/summary $(RESULTS)/unit $(RESULTS)/testsuite
CHECK_LOCAL += check-suites

# Unit tests under valgrind, which may have been installed after configure ran.
VALGRIND = valgrind
VALGRIND_FLAGS = -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite --trace-children=no
check-valgrind: $(UNIT_TESTS)
	@command -v $(VALGRIND) >/dev/null || { echo "check-valgrind needs valgrind" >&2; exit 1; }
	@CK_FORK=no UNIT_WRAPPER='$(VALGRIND) $(VALGRIND_FLAGS)' \
	    $(srcdir)/tests/run-unit $(RESULTS)/valgrind-cases $(UNIT_TESTS); \
	  status=$$?; $(srcdir)/tests/summary $(RESULTS)/valgrind-cases && exit $$status
.PHONY: check-build check-build-only check-unit check-autotest check-system check-suites check-valgrind

# Open vSwitch's own tests, without and with our patches; takes long.
check-ovs:
	@TESTSUITEFLAGS='$(TESTSUITEFLAGS)' $(srcdir)/ovs-patches/check-ovs
.PHONY: check-ovs

# Limits of VIs with control groups v2, in a virtual machine: takes minutes.
EXTRA_DIST += tests/connections
EXTRA_DIST += tests/check-cgroup2 tests/guest tests/guest-init
check-cgroup2: all $(check_PROGRAMS) tests/system-testsuite tests/atlocal
	@$(srcdir)/tests/check-cgroup2 . '$(AUTOTEST_PATH)'
.PHONY: check-cgroup2

# Random operations, 200 with each of three seeds as in check-system, or as said:
# "make check-random SEED=7 COUNT=2000".
EXTRA_DIST += \
	tests/random/bridge/manifest.json \
	tests/random/checks.py \
	tests/random/forward/manifest.json \
	tests/random/idle/manifest.json \
	tests/random/model.py \
	tests/random/operations.py \
	tests/random/rpc.py \
	tests/random/run.py \
	tests/random/traffic.py \
	tests/random/world.py
SEED =
COUNT = 2000
check-random: all $(check_PROGRAMS) tests/system-testsuite tests/atlocal
	@PCLOUD_SEED=$(SEED) PCLOUD_COUNT=$(COUNT) \
	    $(srcdir)/tests/run-autotest $(RESULTS)/random tests/system-testsuite \
	    -C tests AUTOTEST_PATH=$(AUTOTEST_PATH) \
	    -k $(if $(SEED),given,random)
.PHONY: check-random

# System cases with the kernel's datapath, in a virtual machine: those that carry
# packets in each mode, unless TESTSUITEFLAGS says which.
KERNEL_CASES = -k harness -k 'l3,!drops' -k 'inline,!drops' -k 'route,!drops' \
	-k 'tap,!drops' -k 'host,!drops' -k mtu
EXTRA_DIST += tests/check-kernel tests/manual-examples tests/manual-words
check-kernel: all $(check_PROGRAMS) tests/system-testsuite tests/atlocal
	@$(srcdir)/tests/check-kernel . '$(AUTOTEST_PATH)' \
	    $(if $(TESTSUITEFLAGS),$(TESTSUITEFLAGS),$(KERNEL_CASES))
.PHONY: check-kernel

# Everything that would be distributed, for the rule that git has no more.
distfiles: Makefile
	@srcdirstrip=`echo "$(srcdir)" | sed 's/[].[^$$\\*]/\\\\&/g'`; \
	list='$(DISTFILES)'; for file in $$list; do echo $$file; done | \
	  sed "s|^$$srcdirstrip/||" | LC_ALL=C sort -u > $@
CLEANFILES += distfiles
clean-tests:
	-rm -rf tests/results tests/testsuite.dir tests/testsuite.log \
	    tests/system-testsuite.dir tests/system-testsuite.log
CLEAN_LOCAL += clean-tests
UNIT_TESTS += tests/unit/test-pc-units
tests_unit_test_pc_units_SOURCES = tests/unit/test-pc-units.c
tests_unit_test_pc_units_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-usage
tests_unit_test_pc_usage_SOURCES = tests/unit/test-pc-usage.c
tests_unit_test_pc_usage_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-upper
tests_unit_test_pc_upper_SOURCES = tests/unit/test-pc-upper.c
tests_unit_test_pc_upper_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-backoff
tests_unit_test_pc_backoff_SOURCES = tests/unit/test-pc-backoff.c
tests_unit_test_pc_backoff_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-probe
tests_unit_test_pc_probe_SOURCES = tests/unit/test-pc-probe.c
tests_unit_test_pc_probe_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-match
tests_unit_test_pc_match_SOURCES = tests/unit/test-pc-match.c
tests_unit_test_pc_match_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-l3
tests_unit_test_pc_l3_SOURCES = tests/unit/test-pc-l3.c
tests_unit_test_pc_l3_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-l3-neighbor
tests_unit_test_pc_l3_neighbor_SOURCES = tests/unit/test-pc-l3-neighbor.c
tests_unit_test_pc_l3_neighbor_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-l3-packet
tests_unit_test_pc_l3_packet_SOURCES = tests/unit/test-pc-l3-packet.c
tests_unit_test_pc_l3_packet_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/test-pc-l3
tests_test_pc_l3_SOURCES = tests/test-pc-l3.c
tests_test_pc_l3_LDADD = $(PCLOUD_LIBS)
UNIT_TESTS += tests/unit/test-pc-address
tests_unit_test_pc_address_SOURCES = tests/unit/test-pc-address.c
tests_unit_test_pc_address_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-flow-table
tests_unit_test_pc_flow_table_SOURCES = \
	tests/unit/fake-switch.h \
	tests/unit/test-pc-flow-table.c
tests_unit_test_pc_flow_table_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-rbac
tests_unit_test_pc_rbac_SOURCES = tests/unit/test-pc-rbac.c
tests_unit_test_pc_rbac_LDADD = $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test-pc-share
tests_unit_test_pc_share_SOURCES = tests/unit/test-pc-share.c
tests_unit_test_pc_share_LDADD = $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test-pc-zone
tests_unit_test_pc_zone_SOURCES = \
	tests/unit/fake-switch.h \
	tests/unit/test-pc-zone.c
tests_unit_test_pc_zone_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-compile
tests_unit_test_pc_compile_SOURCES = \
	tests/unit/fake-switch.h \
	tests/unit/test-pc-compile.c
tests_unit_test_pc_compile_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/test-pc-compile
tests_test_pc_compile_SOURCES = tests/test-pc-compile.c
tests_test_pc_compile_LDADD = $(PCLOUD_LIBS)
UNIT_TESTS += tests/unit/test-pc-manifest
tests_unit_test_pc_manifest_SOURCES = tests/unit/test-pc-manifest.c
tests_unit_test_pc_manifest_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-fs
tests_unit_test_pc_fs_SOURCES = tests/unit/test-pc-fs.c
tests_unit_test_pc_fs_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-image
tests_unit_test_pc_image_SOURCES = tests/unit/test-pc-image.c
tests_unit_test_pc_image_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-worker
tests_unit_test_pc_worker_SOURCES = tests/unit/test-pc-worker.c
tests_unit_test_pc_worker_LDADD = $(UNIT_LIBS)
EXTRA_DIST += tests/check-manifest-schema
check_PROGRAMS += tests/test-pc-container
tests_test_pc_container_SOURCES = tests/test-pc-container.c
tests_test_pc_container_LDADD = $(PCLOUD_LIBS)
UNIT_TESTS += tests/unit/test-pc-overlap
tests_unit_test_pc_overlap_SOURCES = tests/unit/test-pc-overlap.c
tests_unit_test_pc_overlap_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/overlap-time
tests_overlap_time_SOURCES = tests/overlap-time.c
tests_overlap_time_LDADD = $(PCLOUD_LIBS)
UNIT_TESTS += tests/unit/test-pc-report
tests_unit_test_pc_report_SOURCES = tests/unit/test-pc-report.c
tests_unit_test_pc_report_LDADD = $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test-pc-arena
tests_unit_test_pc_arena_SOURCES = tests/unit/test-pc-arena.c
tests_unit_test_pc_arena_LDADD = $(UNIT_LIBS)

UNIT_TESTS += tests/unit/test-pc-slot
tests_unit_test_pc_slot_SOURCES = tests/unit/test-pc-slot.c
tests_unit_test_pc_slot_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-profile
tests_unit_test_pc_profile_SOURCES = tests/unit/test-pc-profile.c
tests_unit_test_pc_profile_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-tariff
tests_unit_test_pc_tariff_SOURCES = tests/unit/test-pc-tariff.c
tests_unit_test_pc_tariff_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/test-pc-tariff
tests_test_pc_tariff_SOURCES = tests/test-pc-tariff.c
tests_test_pc_tariff_LDADD = $(PCLOUD_LIBS)
UNIT_TESTS += tests/unit/test-pc-clock
tests_unit_test_pc_clock_SOURCES = tests/unit/test-pc-clock.c
tests_unit_test_pc_clock_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-time
tests_unit_test_pc_time_SOURCES = tests/unit/test-pc-time.c
tests_unit_test_pc_time_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-request
tests_unit_test_pc_request_SOURCES = tests/unit/test-pc-request.c
tests_unit_test_pc_request_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-topology
tests_unit_test_pc_topology_SOURCES = tests/unit/test-pc-topology.c
tests_unit_test_pc_topology_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-engine
tests_unit_test_pc_engine_SOURCES = \
	tests/unit/engine-fixture.c \
	tests/unit/engine-fixture.h \
	tests/unit/test-pc-engine.c
tests_unit_test_pc_engine_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-engine-explain
tests_unit_test_pc_engine_explain_SOURCES = \
	tests/unit/engine-fixture.c \
	tests/unit/engine-fixture.h \
	tests/unit/test-pc-engine-explain.c
tests_unit_test_pc_engine_explain_LDADD = $(UNIT_LIBS)
UNIT_TESTS += tests/unit/test-pc-engine-oracle
tests_unit_test_pc_engine_oracle_SOURCES = \
	tests/unit/engine-oracle.c \
	tests/unit/engine-oracle.h \
	tests/unit/test-pc-engine-oracle.c
tests_unit_test_pc_engine_oracle_LDADD = $(UNIT_LIBS)
