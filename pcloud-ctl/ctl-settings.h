/*
 * Copyright (c) 2026 The PacketCloud developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H 1

/* The settings of a service, as service-add and service-set take them.
 *
 * Fill in an array of SERVICE_ARGS by ctl_parse_args(), check it against the
 * mode and by itself, and apply it to the row. */

#include "pcloud-ctl.h"
#include "smap.h"

#define CTL_MAX_REPLICAS 1024

enum { IMAGE, MODE, TYPE, REPLICAS, ON_FAILURE, AFFINITY, HEALTH, PROVIDER,
       ADDRESS, GATEWAY, ARMS, MTU, DRAIN_TIMEOUT, CLOUDLET, N_SERVICE };
#define SERVICE_ARGS { [IMAGE] = { .key = "image" },                    \
                       [MODE] = { .key = "mode" },                      \
                       [TYPE] = { .key = "type" },                      \
                       [REPLICAS] = { .key = "replicas" },              \
                       [ON_FAILURE] = { .key = "on-failure" },          \
                       [AFFINITY] = { .key = "affinity" },              \
                       [HEALTH] = { .key = "health" },                  \
                       [PROVIDER] = { .key = "provider" },              \
                       [ADDRESS] = { .key = "address" },                \
                       [GATEWAY] = { .key = "gateway" },                \
                       [ARMS] = { .key = "arms" },                      \
                       [MTU] = { .key = "mtu" },                        \
                       [DRAIN_TIMEOUT] = { .key = "drain-timeout" },    \
                       [CLOUDLET] = { .key = "cloudlet" } }

/* The settings of a service, checked.  A null or zero member was not given. */
struct ctl_settings {
    const struct pcrec_image *image;
    const struct pcrec_vi_type *type;
    const struct pcrec_provider *provider;
    int64_t replicas;
    int64_t mtu;
    struct smap health;
    struct svec addresses, gateways;
};

void ctl_settings_init(struct ctl_settings *);
void ctl_settings_destroy(struct ctl_settings *);
bool ctl_mode_check(struct ctl_context *, const char *mode,
                    const struct ctl_arg args[]);
bool ctl_settings_check(struct ctl_context *, const struct pcrec_service *,
                        const struct ctl_arg args[], struct ctl_settings *);
void ctl_settings_apply(const struct pcrec_service *,
                        const struct ctl_arg args[],
                        const struct ctl_settings *);

#endif /* ctl-settings.h */
