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

#ifndef PC_SHARE_H
#define PC_SHARE_H 1

/* Bucket weights that give shares.
 *
 * Open vSwitch's select group with selection_method "hash" takes the live
 * bucket with the greatest (16-bit hash of bucket id and fields) * weight
 * (lib: ofproto-dpif-xlate.c, group_best_live_bucket()).  The share of a
 * bucket is not proportional to its weight then: of two with weights 1 and 2
 * the first gets a quarter.  This computes the weights to give to the switch,
 * so that it gets the third that is meant.
 *
 * Thread-safety: pure functions. */

#include <stddef.h>
#include <stdint.h>

/* Stores in 'buckets' the weights of 'n' buckets whose shares are to be
 * proportional to 'weights', all of them nonzero.  Equal weights stay as they
 * are, so that a bucket more or less moves its own share only; if they
 * differ, a little more moves. */
void pc_share_weights(const uint16_t *weights, size_t n, uint16_t *buckets);

#endif /* pc-share.h */
