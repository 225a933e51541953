# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

bin_PROGRAMS += pcloud-ctl/pcloud-ctl
pcloud_ctl_pcloud_ctl_SOURCES = \
	pcloud-ctl/ctl-agent.c \
	pcloud-ctl/ctl-args.c \
	pcloud-ctl/ctl-benchmark.c \
	pcloud-ctl/ctl-chain.c \
	pcloud-ctl/ctl-cloudlet.c \
	pcloud-ctl/ctl-commands.c \
	pcloud-ctl/ctl-conflict.c \
	pcloud-ctl/ctl-event.c \
	pcloud-ctl/ctl-explain.c \
	pcloud-ctl/ctl-filter.c \
	pcloud-ctl/ctl-find.c \
	pcloud-ctl/ctl-image.c \
	pcloud-ctl/ctl-infra.c \
	pcloud-ctl/ctl-inspect.c \
	pcloud-ctl/ctl-interface.c \
	pcloud-ctl/ctl-ledger.c \
	pcloud-ctl/ctl-move.c \
	pcloud-ctl/ctl-node.c \
	pcloud-ctl/ctl-options.c \
	pcloud-ctl/ctl-overlap.c \
	pcloud-ctl/ctl-payment.c \
	pcloud-ctl/ctl-pop.c \
	pcloud-ctl/ctl-prefix.c \
	pcloud-ctl/ctl-prefix.h \
	pcloud-ctl/ctl-provider.c \
	pcloud-ctl/ctl-query.c \
	pcloud-ctl/ctl-request.c \
	pcloud-ctl/ctl-reservation.c \
	pcloud-ctl/ctl-reserve.c \
	pcloud-ctl/ctl-reserve.h \
	pcloud-ctl/ctl-report.c \
	pcloud-ctl/ctl-rbac.c \
	pcloud-ctl/ctl-route.c \
	pcloud-ctl/ctl-rule.c \
	pcloud-ctl/ctl-screen.c \
	pcloud-ctl/ctl-screen.h \
	pcloud-ctl/ctl-server.c \
	pcloud-ctl/ctl-server.h \
	pcloud-ctl/ctl-service.c \
	pcloud-ctl/ctl-settings.c \
	pcloud-ctl/ctl-settings.h \
	pcloud-ctl/ctl-show-json.c \
	pcloud-ctl/ctl-show.c \
	pcloud-ctl/ctl-stale.c \
	pcloud-ctl/ctl-status.c \
	pcloud-ctl/ctl-table.c \
	pcloud-ctl/ctl-tariff.c \
	pcloud-ctl/ctl-top.c \
	pcloud-ctl/ctl-trust.c \
	pcloud-ctl/ctl-vi-type.c \
	pcloud-ctl/ctl-vi.c \
	pcloud-ctl/ctl-wait-reserve.c \
	pcloud-ctl/ctl-wait.c \
	pcloud-ctl/pcloud-ctl.c \
	pcloud-ctl/pcloud-ctl.h
pcloud_ctl_pcloud_ctl_LDADD = $(PCLOUD_LIBS)

dist_completion_DATA += pcloud-ctl/pcloud-ctl-bashcomp.bash
