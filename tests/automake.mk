# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

# Unit tests: one program a file, tests/unit/test-pc-NAME.c, with libcheck.
# To add one, add its name to UNIT_TESTS and its two variables:
#
#   UNIT_TESTS += tests/unit/test-pc-foo
#   tests_unit_test_pc_foo_SOURCES = tests/unit/test-pc-foo.c
#   tests_unit_test_pc_foo_LDADD = $(UNIT_LIBS)
UNIT_LIBS = $(CHECK_LIBS) $(PCLOUD_LIBS)
check_PROGRAMS += $(UNIT_TESTS)
AM_CPPFLAGS += $(CHECK_CFLAGS)

# Builds what the tests need, without running them.
check-build: $(check_PROGRAMS) $(check_SCRIPTS)
.PHONY: check-build
