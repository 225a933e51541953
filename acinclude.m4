# -*- autoconf -*-

# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at:
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

dnl PCLOUD_CHECK_PYTHON3
dnl
dnl Finds a Python 3, which runs the code generators of Open vSwitch.
AC_DEFUN([PCLOUD_CHECK_PYTHON3],
  [AC_ARG_VAR([PYTHON3], [path to Python 3])
   AC_PATH_PROGS([PYTHON3], [python3], [no])
   if test "$PYTHON3" = no; then
     AC_MSG_ERROR([Python 3 is needed (apt-get install python3)])
   fi])

dnl PCLOUD_CHECK_OVS
dnl
dnl Finds the Open vSwitch tree to build against, which must carry the patches
dnl in ovs-patches/: the one given, or the one that make-ovs made.
AC_DEFUN([PCLOUD_CHECK_OVS],
  [AC_ARG_WITH(
     [ovs-source],
     [AS_HELP_STRING([--with-ovs-source=DIR],
                     [patched Open vSwitch source [made by ovs-patches/make-ovs]])])
   AC_ARG_WITH(
     [ovs-build],
     [AS_HELP_STRING([--with-ovs-build=DIR],
                     [where that source was built [default: OVS source]])])
   AC_ARG_ENABLE(
     [ovs-check],
     [AS_HELP_STRING([--disable-ovs-check],
                     [take an Open vSwitch tree without the patches of ovs-patches/])])
   AC_MSG_CHECKING([for the patched Open vSwitch])
   if test "X$with_ovs_source" = X || test "X$with_ovs_source" = Xyes; then
     if pc_ovs=`"$srcdir/ovs-patches/make-ovs" --print 2>&1`; then
       ovs_srcdir=$pc_ovs/src
       ovs_builddir=$pc_ovs/build
     else
       AC_MSG_RESULT([no])
       AC_MSG_ERROR([no patched Open vSwitch: run $srcdir/ovs-patches/make-ovs first, or use --with-ovs-source and --with-ovs-build])
     fi
   else
     ovs_srcdir=$with_ovs_source
     ovs_builddir=${with_ovs_build:-$with_ovs_source}
   fi
   for pc_dir in "$ovs_srcdir" "$ovs_builddir"; do
     if test ! -d "$pc_dir"; then
       AC_MSG_RESULT([no])
       AC_MSG_ERROR([$pc_dir: no such directory])
     fi
   done
   ovs_srcdir=`cd "$ovs_srcdir" && pwd`
   ovs_builddir=`cd "$ovs_builddir" && pwd`
   if test "X$enable_ovs_check" != Xno; then
     if pc_error=`"$srcdir/ovs-patches/make-ovs" --check "$ovs_srcdir" "$ovs_builddir" 2>&1`; then :; else
       AC_MSG_RESULT([no])
       AC_MSG_ERROR([$pc_error])
     fi
   fi
   AC_MSG_RESULT([$ovs_builddir])
   OVS_LIBS=$ovs_builddir/lib/.libs/libopenvswitch.a
   if test -f "$ovs_builddir/lib/.libs/libopenvswitchavx512.a"; then
     OVS_LIBS="$OVS_LIBS $ovs_builddir/lib/.libs/libopenvswitchavx512.a"
   fi
   # What Open vSwitch's own build links with.
   pc_make_var () {
     sed -n "s/^$[]1 = *//p" "$ovs_builddir/Makefile"
   }
   OVS_SYSLIBS="`pc_make_var SSL_LIBS` `pc_make_var CAPNG_LDADD` `pc_make_var LIBS` -lpthread"
   OVS_VERSION=`sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$ovs_builddir/config.h"`
   AC_SUBST([ovs_srcdir])
   AC_SUBST([ovs_builddir])
   AC_SUBST([OVS_LIBS])
   AC_SUBST([OVS_SYSLIBS])
   AC_SUBST([OVS_VERSION])])

dnl PCLOUD_CHECK_LIBS
dnl
dnl The libraries, each with the Debian package that has it.
AC_DEFUN([PCLOUD_CHECK_LIBS],
  [PCLOUD_PKG([LXC], [lxc >= 4.0], [lxc-dev])
   PCLOUD_PKG([JANSSON], [jansson >= 2.7], [libjansson-dev])
   PCLOUD_PKG([CURL], [libcurl >= 7.68], [libcurl4-openssl-dev])
   PCLOUD_PKG([ARCHIVE], [libarchive >= 3.3], [libarchive-dev])
   PCLOUD_PKG([PCAP], [libpcap >= 1.9], [libpcap-dev])
   PCLOUD_PKG([CRYPTO], [libcrypto >= 1.1], [libssl-dev])
   PCLOUD_PKG([CHECK], [check >= 0.10], [check])
   # For bench/engine alone, which does without.
   PKG_CHECK_MODULES([SQLITE3], [sqlite3 >= 3.20],
     [SQLITE3_CFLAGS="$SQLITE3_CFLAGS -DHAVE_SQLITE3"],
     [SQLITE3_CFLAGS= SQLITE3_LIBS=])])

dnl PCLOUD_PKG(VARIABLE, MODULE, DEBIAN-PACKAGE)
AC_DEFUN([PCLOUD_PKG],
  [PKG_CHECK_MODULES([$1], [$2], [],
     [AC_MSG_ERROR([$2 is needed (apt-get install $3)])])])

dnl PCLOUD_CHECK_DIRS
dnl
dnl Run-time directories.
AC_DEFUN([PCLOUD_CHECK_DIRS],
  [AC_ARG_WITH(
     [rundir],
     [AS_HELP_STRING([--with-rundir=DIR],
                     [sockets and pidfiles [LOCALSTATEDIR/run/packetcloud]])],
     [RUNDIR=$withval], [RUNDIR='${localstatedir}/run/packetcloud'])
   AC_ARG_WITH(
     [statedir],
     [AS_HELP_STRING([--with-statedir=DIR],
                     [database, images and VIs [LOCALSTATEDIR/lib/packetcloud]])],
     [STATEDIR=$withval], [STATEDIR='${localstatedir}/lib/packetcloud'])
   AC_ARG_WITH(
     [logdir],
     [AS_HELP_STRING([--with-logdir=DIR],
                     [log files [LOCALSTATEDIR/log/packetcloud]])],
     [LOGDIR=$withval], [LOGDIR='${localstatedir}/log/packetcloud'])
   AC_SUBST([RUNDIR])
   AC_SUBST([STATEDIR])
   AC_SUBST([LOGDIR])])

dnl PCLOUD_CHECK_PROGRAMS
dnl
dnl Programs that only some targets need.
AC_DEFUN([PCLOUD_CHECK_PROGRAMS],
  [AC_CHECK_PROGS([GROFF], [groff], [])
   AM_CONDITIONAL([HAVE_GROFF], [test "X$GROFF" != X])
   AM_MISSING_PROG([AUTOM4TE], [autom4te])])

dnl PCLOUD_ENABLE_WARNINGS
dnl
dnl Always many warnings; errors with --enable-Werror.
AC_DEFUN([PCLOUD_ENABLE_WARNINGS],
  [AC_ARG_ENABLE(
     [Werror],
     [AS_HELP_STRING([--enable-Werror], [make every compiler warning an error])])
   WARNING_FLAGS='-Wall -Wextra -Wformat-security -Wpointer-arith -Wshadow -Wstrict-prototypes -Wold-style-definition -Wmissing-prototypes'
   if test "X$enable_Werror" = Xyes; then
     WARNING_FLAGS="$WARNING_FLAGS -Werror"
   fi
   AC_SUBST([WARNING_FLAGS])])

dnl PCLOUD_ENABLE_SANITIZERS
AC_DEFUN([PCLOUD_ENABLE_SANITIZERS],
  [AC_ARG_ENABLE(
     [sanitizers],
     [AS_HELP_STRING([--enable-sanitizers],
                     [build with the address and undefined behaviour sanitizers])])
   if test "X$enable_sanitizers" = Xyes; then
     SANITIZER_FLAGS='-fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined -fno-omit-frame-pointer'
   fi
   AC_SUBST([SANITIZER_FLAGS])
   AM_CONDITIONAL([SANITIZERS], [test "X$enable_sanitizers" = Xyes])])
