# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

man_MANS += man/pcloud-benchmark.8 man/pcloud-daemons.8
EXTRA_DIST += man/pcloud-benchmark.8.in man/pcloud-daemons.8.in
CLEANFILES += man/pcloud-benchmark.8 man/pcloud-daemons.8

# (README is a link to README.md.)
EXTRA_DIST += NEWS README README.md
dist_man_MANS += \
	man/packetcloud-manifest.5 \
	man/packetcloud-request.5 \
	man/packetcloud.7 \
	man/pcloud-agent.8 \
	man/pcloud-ctl.8

# Examples, also for the tests.
exampledir = $(docdir)/examples
dist_example_DATA = \
	man/examples/request-table1.json \
	man/examples/request-table2.json

# The database, documented column by column; ovsdb-doc refuses a schema with a
# column that has no documentation.
man_MANS += man/packetcloud.5
EXTRA_DIST += lib/packetcloud.xml
CLEANFILES += man/packetcloud.5
man/packetcloud.5: lib/packetcloud.xml lib/packetcloud.ovsschema
	$(AM_V_GEN)$(MKDIR_P) man && $(run_python) $(ovs_srcdir)/ovsdb/ovsdb-doc \
	    --version=$(VERSION) $(srcdir)/lib/packetcloud.ovsschema \
	    $(srcdir)/lib/packetcloud.xml > $@.tmp \
	  && sed 's/Open vSwitch Manual/PacketCloud Manual/; s/"Open vSwitch /"PacketCloud /' \
	    $@.tmp > $@.tmp2 && rm -f $@.tmp && mv $@.tmp2 $@

# Manual pages without a warning of groff.
if HAVE_GROFF
manpage-check: $(man_MANS) $(dist_man_MANS)
	@error=false; for page in $^; do \
	  LANG=C.UTF-8 $(GROFF) -w mac -w delim -w escape -w input -w missing \
	      -w tab -T utf8 -man -P -c -z $$page > $@.tmp 2>&1; \
	  if grep warning: $@.tmp; then error=:; fi; rm -f $@.tmp; \
	done; if $$error; then exit 1; fi; touch $@
CLEANFILES += manpage-check
ALL_LOCAL += manpage-check-file
manpage-check-file: manpage-check
endif
