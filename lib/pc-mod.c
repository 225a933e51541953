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

#include <config.h>
#include "pc-mod.h"

#include "byte-order.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "pc-value.h"
#include "util.h"

/* Does 'mod' take something out of the switch? */
bool
pc_mod_is_delete(const struct pc_mod *mod)
{
    switch (mod->type) {
    case PC_MOD_FLOW:
        return mod->fm.command == OFPFC_DELETE_STRICT;
    case PC_MOD_GROUP:
        return mod->gm.command == OFPGC11_DELETE;
    case PC_MOD_METER:
        return mod->mm.command == OFPMC13_DELETE;
    }
    OVS_NOT_REACHED();
}

void
pc_mod_destroy(struct pc_mod *mod)
{
    if (!mod) {
        return;
    }
    switch (mod->type) {
    case PC_MOD_FLOW:
        minimatch_destroy(&mod->fm.match);
        pc_value_unref(mod->value);
        break;
    case PC_MOD_GROUP:
        ofputil_uninit_group_mod(&mod->gm);
        break;
    case PC_MOD_METER:
        free(mod->mm.meter.bands);
        break;
    }
    free(mod);
}

void
pc_mods_destroy(struct ovs_list *mods)
{
    struct pc_mod *mod;

    LIST_FOR_EACH_POP (mod, node, mods) {
        pc_mod_destroy(mod);
    }
}

static void
format_flow_mod(struct ds *s, const struct ofputil_flow_mod *fm)
{
    ds_put_format(s, "flow %s table=%d,cookie=0x%"PRIx64",",
                  fm->command == OFPFC_ADD ? "add"
                  : fm->command == OFPFC_MODIFY_STRICT ? "modify" : "delete",
                  fm->table_id, ntohll(fm->command == OFPFC_DELETE_STRICT
                                       ? fm->cookie : fm->new_cookie));
    ds_put_format(s, "priority=%d,", fm->priority);
    minimatch_format(&fm->match, NULL, NULL, s, OFP_DEFAULT_PRIORITY);
    if (fm->command != OFPFC_DELETE_STRICT) {
        struct ofpact_format_params fp = { .s = s };

        ds_put_cstr(s, " actions=");
        ofpacts_format(fm->ofpacts, fm->ofpacts_len, &fp);
    }
}

static void
format_group_mod(struct ds *s, const struct ofputil_group_mod *gm)
{
    ds_put_format(s, "group %s ", gm->command == OFPGC11_ADD ? "add"
                  : gm->command == OFPGC11_MODIFY ? "modify" : "delete");
    if (gm->command == OFPGC11_DELETE) {
        ds_put_format(s, "group_id=%"PRIu32, gm->group_id);
    } else {
        ofputil_group_mod_format__(s, OFP15_VERSION, gm, NULL, NULL);
    }
}

char *
pc_mod_format(const struct pc_mod *mod)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    switch (mod->type) {
    case PC_MOD_FLOW:
        format_flow_mod(&s, &mod->fm);
        break;
    case PC_MOD_GROUP:
        format_group_mod(&s, &mod->gm);
        break;
    case PC_MOD_METER:
        ds_put_format(&s, "meter %s ", mod->mm.command == OFPMC13_ADD ? "add"
                      : mod->mm.command == OFPMC13_MODIFY ? "modify"
                      : "delete");
        ofputil_format_meter_config(&s, &mod->mm.meter);
        break;
    }
    ds_chomp(&s, '\n');
    for (size_t i = 0; i < s.length; i++) {
        if (s.string[i] == '\n') {
            s.string[i] = ' ';
        }
    }
    return ds_steal_cstr(&s);
}
