# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

EXTRA_DIST += bench/flood bench/hops bench/relay/manifest.json \
    bench/relay/relay.py
EXTRA_DIST += bench/README.md bench/elastic bench/engine bench/failure bench/inline-path bench/lib.sh bench/overlap \
    bench/reserve bench/reserve-active bench/reserve-rows bench/reserve-scale \
    bench/rule-add bench/rule-batch bench/run bench/scale bench/scale-rows \
    bench/vi-create

# "make bench" runs all, "make bench BENCH=NAME" those named.  The figures go to
# bench-results.jsonl in the build folder.
bench: all bench/engine-time tests/overlap-time tests/udp-count
	@PCLOUD_BUILD=$(abs_top_builddir) PCLOUD_SRC=$(abs_top_srcdir) \
	    OVS_SRC=$(ovs_srcdir) OVS_BUILD=$(ovs_builddir) \
	    $(srcdir)/bench/run $(BENCH)
.PHONY: bench

# The structure under the admission engine, by itself: run by hand.
check_PROGRAMS += bench/profile
bench_profile_SOURCES = bench/profile.c
bench_profile_LDADD = $(PCLOUD_LIBS)

# bench/engine's program; SQLite, beside it, is left out where it is missing.
check_PROGRAMS += bench/engine-time
bench_engine_time_SOURCES = \
	bench/engine-bench.h \
	bench/engine-sql-time.c \
	bench/engine-sql.c \
	bench/engine-sql.h \
	bench/engine-stream.c \
	bench/engine-time.c
bench_engine_time_CFLAGS = $(AM_CFLAGS) $(SQLITE3_CFLAGS)
bench_engine_time_LDADD = $(PCLOUD_LIBS) $(SQLITE3_LIBS)
