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

/* Requests, from words or from a file. */

#include <config.h>

#include "ctl-reserve.h"

#include "pc-capacity.h"
#include "pc-clock.h"
#include "pc-request.h"
#include "util.h"

/* Is 'arg' a SLOT, and not KEY=VALUE? */
bool
ctl_is_slot(const char *arg)
{
    return strchr(arg, '/') && strcspn(arg, "/") < strcspn(arg, "=");
}

bool
ctl_add_slot(struct ctl_context *ctx, const char *arg, int64_t now,
             struct pc_request *req)
{
    const struct pc_slot *previous
        = req->n_slots ? &req->slots[req->n_slots - 1] : NULL;
    struct pc_slot slot;
    char *error = pc_request_parse_slot(arg, now, previous, &slot);

    if (error) {
        ctl_error(ctx, "\"%s\": %s", arg, error);
        free(error);
        return false;
    }
    req->slots = xrealloc(req->slots, (req->n_slots + 1) * sizeof slot);
    req->slots[req->n_slots++] = slot;
    return true;
}

/* KEY=VALUE, for one of the keys of a request.  Returns false if 'arg' is
 * something else. */
static bool
take_option(struct pc_request *req, const char *arg)
{
    const struct {
        const char *key;
        char **value;
    } options[] = {
        { "name=", &req->name }, { "service=", &req->service },
        { "cloudlet=", &req->cloudlet }, { "from=", &req->from },
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        size_t n = strlen(options[i].key);
        if (!strncmp(arg, options[i].key, n)) {
            free(*options[i].value);
            *options[i].value = xstrdup(arg + n);
            return true;
        }
    }
    return false;
}

/* Reads the command's arguments into 'req', which the caller destroys in any
 * case. */
bool
ctl_request_parse(struct ctl_context *ctx, struct pc_request *req)
{
    int64_t now = pc_clock_now();
    char *error;

    memset(req, 0, sizeof *req);
    if (!strncmp(ctx->argv[1], "file=", 5)) {
        error = pc_request_read(ctx->argv[1] + 5, now, req);
        if (error) {
            ctl_error(ctx, "%s", error);
            free(error);
            return false;
        }
    } else {
        req->provider = xstrdup(ctx->argv[1]);
    }
    for (int i = 2; i < ctx->argc; i++) {
        const char *arg = ctx->argv[i];

        if (ctl_is_slot(arg)) {
            if (!ctl_add_slot(ctx, arg, now, req)) {
                return false;
            }
        } else if (!take_option(req, arg)) {
            ctl_error(ctx, "\"%s\" is neither a slot "
                      "(START/END:cpu=..,memory=..,disk=..,network=..) nor "
                      "one of name=, service=, cloudlet=, from=", arg);
            return false;
        }
    }
    error = pc_slots_check(req->slots, req->n_slots);
    if (!error && req->slots[req->n_slots - 1].end <= now) {
        error = xstrdup("the time of the request is over");
    }
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return false;
    }
    return true;
}

/* What a slot of 'req' does not name, a VI of 'service' has by its type: that is
 * asked for as well, so that the VI gets it and others do not. */
void
ctl_fill_slots(struct pc_request *req, const struct pcrec_service *service)
{
    const struct pcrec_vi_type *type = service ? service->type : NULL;
    struct pc_capacity capacity;

    if (!type) {
        return;
    }
    pc_capacity_from_arrays(&capacity, type->key_capacity,
                            type->value_capacity, type->n_capacity);
    for (size_t i = 0; i < req->n_slots; i++) {
        for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
            int64_t *amount = &req->slots[i].amount.value[d];

            if (!*amount) {
                *amount = MIN(capacity.value[d], PC_AMOUNT_MAX);
            }
        }
    }
}

/* Finds the rows that 'req' names; NULL for what it does not name. */
bool
ctl_request_find(struct ctl_context *ctx, struct pc_request *req,
                 const struct pcrec_provider **provider,
                 const struct pcrec_service **service,
                 const struct pcrec_cloudlet **cloudlet)
{
    *service = NULL;
    *cloudlet = NULL;
    *provider = ctl_find_provider(ctx, req->provider, CTL_MUST_EXIST);
    if (!*provider) {
        return false;
    }
    if (req->service) {
        *service = ctl_find_service(ctx, req->service, CTL_MUST_EXIST);
        if (!*service) {
            return false;
        }
        *cloudlet = (*service)->cloudlet;   /* Its VIs run there. */
        ctl_fill_slots(req, *service);
    }
    if (req->cloudlet) {
        const struct pcrec_cloudlet *wanted
            = ctl_find_cloudlet(ctx, req->cloudlet, CTL_MUST_EXIST);
        if (!wanted) {
            return false;
        }
        if (*cloudlet && *cloudlet != wanted) {
            ctl_error(ctx, "service \"%s\" runs in cloudlet \"%s\", not in "
                      "\"%s\"", req->service, (*cloudlet)->name,
                      req->cloudlet);
            return false;
        }
        *cloudlet = wanted;
    }
    return true;
}
