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


#ifndef PC_TEST_H
#define PC_TEST_H 1

/* What the unit tests share.  A test program ends with
 *
 *     int
 *     main(void)
 *     {
 *         TCase *tc = tcase_create("all");
 *
 *         tcase_add_test(tc, ...);
 *         return pc_test_run("pc-thing", tc);
 *     }
 */

#include <check.h>

/* Runs the cases of 'tc', which it takes, as the suite 'name'.  Returns what main()
 * returns. */
int pc_test_run(const char *name, TCase *tc);

#endif /* pc-test.h */
