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

/* Rows by their names.
 *
 * Each ctl_find_THING() returns the row called 'name', or NULL; with
 * CTL_MUST_EXIST it reports by ctl_error() that there is none.  A null 'name'
 * stands for the only row, where that is a useful default (cloudlets and
 * routers); then NULL is always an error. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-name.h"
#include "util.h"

static void
no_such(struct ctl_context *ctx, const char *what, const char *name,
        enum ctl_must must)
{
    if (must == CTL_MUST_EXIST) {
        char *quoted = pc_name_quote(name);

        ctl_error(ctx, "there is no %s %s", what, quoted);
        free(quoted);
    }
}

/* The root row.  pcloud-ctl.c has inserted it if the commands write. */
const struct pcrec_packetcloud *
ctl_root(struct ctl_context *ctx)
{
    return pcrec_packetcloud_first(ctx->idl);
}

const struct pcrec_cloudlet *
ctl_find_cloudlet(struct ctl_context *ctx, const char *name,
                  enum ctl_must must)
{
    const struct pcrec_cloudlet *c, *only = NULL;
    size_t n = 0;

    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        if (name && !strcmp(c->name, name)) {
            return c;
        }
        only = c;
        n++;
    }
    if (name) {
        no_such(ctx, "cloudlet", name, must);
        return NULL;
    } else if (n == 1) {
        return only;
    } else if (!n) {
        ctl_error(ctx, "there is no cloudlet yet: begin with \"pcloud-ctl "
                  "init bridge=BRIDGE\"");
    } else {
        ctl_error(ctx, "there are %"PRIuSIZE" cloudlets: say cloudlet=NAME",
                  n);
    }
    return NULL;
}

const struct pcrec_router *
ctl_find_router(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_router *r;

    PCREC_ROUTER_FOR_EACH (r, ctx->idl) {
        if (!strcmp(r->name, name)) {
            return r;
        }
    }
    no_such(ctx, "router", name, must);
    return NULL;
}

const struct pcrec_router *
ctl_optional_router(struct ctl_context *ctx, bool *fail)
{
    const struct pcrec_router *r = NULL;

    if (ctx->argc > 1) {
        r = ctl_find_router(ctx, ctx->argv[1], CTL_MUST_EXIST);
    }
    *fail = ctx->argc > 1 && !r;
    return r;
}

const struct pcrec_node *
ctl_find_node(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_node *n;

    PCREC_NODE_FOR_EACH (n, ctx->idl) {
        if (!strcmp(n->name, name)) {
            return n;
        }
    }
    no_such(ctx, "node", name, must);
    return NULL;
}

const struct pcrec_pop *
ctl_find_pop(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_pop *p;

    PCREC_POP_FOR_EACH (p, ctx->idl) {
        if (!strcmp(p->name, name)) {
            return p;
        }
    }
    no_such(ctx, "PoP", name, must);
    return NULL;
}

const struct pcrec_vi_type *
ctl_find_vi_type(struct ctl_context *ctx, const char *name,
                 enum ctl_must must)
{
    const struct pcrec_vi_type *t;

    PCREC_VI_TYPE_FOR_EACH (t, ctx->idl) {
        if (!strcmp(t->name, name)) {
            return t;
        }
    }
    no_such(ctx, "VI type", name, must);
    return NULL;
}

const struct pcrec_image *
ctl_find_image(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_image *i;

    PCREC_IMAGE_FOR_EACH (i, ctx->idl) {
        if (!strcmp(i->name, name)) {
            return i;
        }
    }
    no_such(ctx, "image", name, must);
    return NULL;
}

const struct pcrec_provider *
ctl_find_provider(struct ctl_context *ctx, const char *name,
                  enum ctl_must must)
{
    const struct pcrec_provider *p;

    PCREC_PROVIDER_FOR_EACH (p, ctx->idl) {
        if (!strcmp(p->name, name)) {
            return p;
        }
    }
    no_such(ctx, "provider", name, must);
    return NULL;
}

const struct pcrec_tariff *
ctl_find_tariff(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_tariff *t;

    PCREC_TARIFF_FOR_EACH (t, ctx->idl) {
        if (!strcmp(t->name, name)) {
            return t;
        }
    }
    no_such(ctx, "tariff", name, must);
    return NULL;
}

const struct pcrec_service *
ctl_find_service(struct ctl_context *ctx, const char *name,
                 enum ctl_must must)
{
    const struct pcrec_service *s;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        if (!strcmp(s->name, name)) {
            return s;
        }
    }
    no_such(ctx, "service", name, must);
    return NULL;
}

const struct pcrec_chain *
ctl_find_chain(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_chain *c;

    PCREC_CHAIN_FOR_EACH (c, ctx->idl) {
        if (!strcmp(c->name, name)) {
            return c;
        }
    }
    no_such(ctx, "chain", name, must);
    return NULL;
}

const struct pcrec_vi *
ctl_find_vi(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_vi *vi;

    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        if (!strcmp(vi->name, name)) {
            return vi;
        }
    }
    no_such(ctx, "VI", name, must);
    return NULL;
}

const char *
ctl_vi_admin(const struct pcrec_vi *vi)
{
    return vi->quarantined ? "quarantined" : vi->admin_state;
}
