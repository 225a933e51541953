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
#include "pc-tariff-row.h"

#include <string.h>

#include "lib/pc-idl.h"
#include "pc-tariff.h"
#include "util.h"

/* The dimension called 'name', or PC_N_AMOUNTS. */
static size_t
dimension(const char *name)
{
    size_t d;

    for (d = 0; d < PC_N_AMOUNTS; d++) {
        if (!strcmp(pc_capacity_names[d], name)) {
            break;
        }
    }
    return d;
}

void
pc_tariff_from_row(const struct pcrec_tariff *row, struct pc_tariff *tariff)
{
    memset(tariff, 0, sizeof *tariff);
    if (!row) {
        return;
    }
    for (size_t i = 0; i < row->n_price; i++) {
        size_t d = dimension(row->key_price[i]);

        if (d < PC_N_AMOUNTS) {
            tariff->price[d] = row->value_price[i];
        }
    }
    for (size_t i = 0; i < row->n_used; i++) {
        size_t d = dimension(row->used[i]);

        if (d < PC_N_AMOUNTS) {
            tariff->used[d] = true;
        }
    }

    /* The IDL has maps by increasing key. */
    tariff->n_tiers = MIN(row->n_tiers, PC_MAX_TIERS);
    for (size_t i = 0; i < tariff->n_tiers; i++) {
        tariff->tiers[i].share = row->key_tiers[i];
        tariff->tiers[i].percent = row->value_tiers[i];
    }
    tariff->fine = row->fine;
    tariff->isp_percent = row->isp_percent;
}

void
pc_tariff_to_row(const struct pc_tariff *tariff, const struct pcrec_tariff *row)
{
    const char *price_keys[PC_N_AMOUNTS], *used[PC_N_AMOUNTS];
    int64_t prices[PC_N_AMOUNTS];
    int64_t shares[PC_MAX_TIERS], percents[PC_MAX_TIERS];
    size_t n_prices = 0, n_used = 0;

    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (tariff->price[d]) {
            price_keys[n_prices] = pc_capacity_names[d];
            prices[n_prices++] = tariff->price[d];
        }
        if (tariff->used[d]) {
            used[n_used++] = pc_capacity_names[d];
        }
    }
    for (size_t i = 0; i < tariff->n_tiers; i++) {
        shares[i] = tariff->tiers[i].share;
        percents[i] = tariff->tiers[i].percent;
    }
    pcrec_tariff_set_price(row, price_keys, prices, n_prices);
    pcrec_tariff_set_tiers(row, shares, percents, tariff->n_tiers);
    pcrec_tariff_set_fine(row, tariff->fine);
    pcrec_tariff_set_isp_percent(row, tariff->isp_percent);
    pcrec_tariff_set_used(row, used, n_used);
}

const struct pcrec_tariff *
pc_tariff_row_of(const struct pcrec_packetcloud *root,
                 const struct pcrec_cloudlet *cloudlet)
{
    return (cloudlet && cloudlet->tariff ? cloudlet->tariff
            : root ? root->tariff : NULL);
}
