# -*- shell-script -*-
#
# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

# What tests/pcloud-macros.at is made of.  atlocal sources this file.
# shellcheck shell=sh disable=SC2154

# The type of the switch's bridge, netdev (userspace) or system (kernel), and
# how many times slower than usual the machine is; both are the caller's.
PCLOUD_DATAPATH_TYPE=${PCLOUD_DATAPATH_TYPE:-netdev}
PCLOUD_SLOW=${PCLOUD_SLOW:-1}

# pcloud_init: names for a case; runs after Open vSwitch's ovs_init, in which
# $ovs_base is the case's folder.
pcloud_init () {
    PCLOUD_RUNDIR=$ovs_base/pc; export PCLOUD_RUNDIR
    PCLOUD_LOGDIR=$ovs_base/pc/log; export PCLOUD_LOGDIR
    PCLOUD_STATEDIR=$ovs_base/pc/state; export PCLOUD_STATEDIR
    PC_NS=pct$$-$at_group; export PC_NS
    mkdir -p "$PCLOUD_RUNDIR" "$PCLOUD_LOGDIR"
    if test "$(id -u)" = 0; then
        # Users inside a container must be able to pass through every parent.
        PCLOUD_STATEDIR=$(mktemp -d "${PCLOUD_TMP:-/var/tmp}/$PC_NS.XXXXXX")
        chmod 755 "$PCLOUD_STATEDIR"
        ln -s "$PCLOUD_STATEDIR" "$PCLOUD_RUNDIR/state"
        on_exit "rm -rf $PCLOUD_STATEDIR"
    else
        mkdir -p "$PCLOUD_STATEDIR"
    fi
}

# pcloud_wait SECONDS COMMAND...: until COMMAND succeeds.  On a machine that is
# slower by $PCLOUD_SLOW it may take so many times longer.
pcloud_wait () {
    pc_n=$(($1 * 10 * PCLOUD_SLOW))
    shift
    until "$@"; do
        pc_n=$((pc_n - 1))
        test $pc_n -gt 0 || return 1
        sleep 0.1
    done
}

# pcloud_gone PID: it has ended, though perhaps nobody has taken note (as in a
# container whose first process does not).
pcloud_gone () {
    ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# pcloud_end PIDFILE: ends that process and waits; kills it after 10 seconds.
pcloud_end () {
    test -s "$1" || return 0
    pc_pid=$(cat "$1" 2>/dev/null) || return 0
    kill "$pc_pid" 2>/dev/null || return 0
    pcloud_wait 10 pcloud_gone "$pc_pid" && return
    echo "process $pc_pid ($1) does not end" >&2
    kill -KILL "$pc_pid"
    return 1
}


## Network namespaces.

# ns NAME COMMAND...: runs COMMAND in the case's namespace NAME.
ns () {
    pc_ns=/run/netns/$PC_NS-$1
    shift
    nsenter --net="$pc_ns" -- "$@"
}

# sw COMMAND...: in that of the switch, if there is one.
sw () {
    if test -e "/run/netns/$PC_NS-sw"; then
        ns sw "$@"
    else
        "$@"
    fi
}

pcloud_netns_add () {
    ip netns add "$PC_NS-$1" || return
    on_exit "ip netns del $PC_NS-$1 2>/dev/null"
    ns "$1" ip link set lo up
    ns "$1" sh -c 'for f in all default; do
        echo 0 > /proc/sys/net/ipv6/conf/$f/accept_dad
        echo 0 > /proc/sys/net/ipv6/conf/$f/accept_ra
    done'
}

pcloud_switch_netns () { test -e "/run/netns/$PC_NS-sw" || pcloud_netns_add sw; }

# pcloud_netns_del: removes the case's namespaces.
pcloud_netns_del () {
    for pc_ns in "/run/netns/$PC_NS-"*; do
        test ! -e "$pc_ns" || ip netns del "$(basename "$pc_ns")"
    done
}

pcloud_add_host () {
    pc_host=$1 pc_port=$2 pc_addrs=$3 pc_gws=$4 pc_br=$5 pc_mac=$6
    pcloud_netns_add "$pc_host" || return
    # shellcheck disable=SC2086
    sw ip link add "$pc_port" type veth \
        peer name eth0 ${pc_mac:+address "$pc_mac"} netns "$PC_NS-$pc_host" \
        || return
    ns "$pc_host" ethtool -K eth0 tx off >/dev/null
    for pc_a in $(echo "$pc_addrs" | tr , ' '); do
        case $pc_a in
            *:*) ns "$pc_host" ip addr add "$pc_a" dev eth0 nodad ;;
            *) ns "$pc_host" ip addr add "$pc_a" dev eth0 ;;
        esac || return
    done
    ns "$pc_host" ip link set eth0 up
    sw ip link set "$pc_port" up
    for pc_a in $(echo "$pc_gws" | tr , ' '); do
        ns "$pc_host" ip route add default via "$pc_a" || return
    done
    ovs-vsctl add-port "$pc_br" "$pc_port"
}

pcloud_ping () {
    pc_out=$(ns "$1" ping -q -n -c "$3" -i 0.02 -W 2 "$2" 2>&1)
    echo "$pc_out" | grep -q "$3 packets transmitted, $3 received" && return
    echo "$pc_out"
    return 1
}

# pcloud_daemon HOST NAME COMMAND...
pcloud_daemon () {
    pc_host=$1 pc_name=$2
    shift 2
    (ns "$pc_host" sh -c 'echo $$ > '"$pc_name.pid"'; exec "$@"' sh "$@") \
        > "$pc_name.out" 2>&1 < /dev/null &
    pcloud_wait 10 test -s "$pc_name.pid" || return
    on_exit "kill \$(cat $ovs_base/$pc_name.pid) 2>/dev/null"
}


## The three daemons.

# pcloud_ovs_start: the userspace switch, in its own namespace.
pcloud_ovs_start () {
    : > .conf.db.~lock~
    ovsdb-tool create conf.db "$abs_top_srcdir/vswitchd/vswitch.ovsschema" \
        || return
    pcloud_ovsdb_start || return
    ovs-vsctl --no-wait init || return
    pcloud_vswitchd_start
}

pcloud_ovsdb_start () {
    rm -f "$OVS_RUNDIR/db.sock"
    ovsdb-server --detach --no-chdir --pidfile --log-file -vconsole:off \
        --remote=punix:"$OVS_RUNDIR"/db.sock || return
    on_exit "pcloud_end $OVS_RUNDIR/ovsdb-server.pid"
}

# Also for a case that has killed it.  A switch in userspace must not ask for
# the kernel's.
pcloud_vswitchd_start () {
    pc_opts=--disable-system
    test "$PCLOUD_DATAPATH_TYPE" != system || pc_opts=
    # shellcheck disable=SC2086
    sw ovs-vswitchd --detach --no-chdir --pidfile --log-file -vconsole:off \
        $pc_opts -vunixctl || return
    on_exit "pcloud_end $OVS_RUNDIR/ovs-vswitchd.pid"
}

pcloud_ovs_stop () {
    test ! -s "$OVS_RUNDIR/ovs-vswitchd.pid" \
        || ovs-appctl -t ovs-vswitchd exit --cleanup
    pcloud_end "$OVS_RUNDIR/ovs-vswitchd.pid"
    pcloud_end "$OVS_RUNDIR/ovsdb-server.pid"
}

# pcloud_db_create [SCHEMA]
pcloud_db_create () {
    ovsdb-tool create "$PCLOUD_RUNDIR/conf.db" \
        "${1:-$PCLOUD_SRCDIR/lib/packetcloud.ovsschema}"
}

# pcloud_db_start [ARG...]
pcloud_db_start () {
    rm -f "$PCLOUD_RUNDIR/db.sock"
    sw ovsdb-server --detach --no-chdir -vconsole:off \
        --pidfile="$PCLOUD_RUNDIR/ovsdb-server.pid" \
        --unixctl="$PCLOUD_RUNDIR/ovsdb-server.ctl" \
        --log-file="$PCLOUD_LOGDIR/ovsdb-server.log" \
        --remote=punix:"$PCLOUD_RUNDIR/db.sock" \
        --remote=db:PacketCloud,PacketCloud,connections \
        "$@" "$PCLOUD_RUNDIR/conf.db" || return
    on_exit "pcloud_end $PCLOUD_RUNDIR/ovsdb-server.pid"
}

pcloud_db_stop () { pcloud_end "$PCLOUD_RUNDIR/ovsdb-server.pid"; }

pcloud_agent_start () {
    sw pcloud-agent --detach --no-chdir -vconsole:off \
        --pidfile="$PCLOUD_RUNDIR/pcloud-agent.pid" \
        --log-file="$PCLOUD_LOGDIR/pcloud-agent.log" "$@" || return
    on_exit "pcloud_agent_cleanup"
}

pcloud_agent_pid () { cat "$PCLOUD_RUNDIR/pcloud-agent.pid"; }

pcloud_agent_stop () {
    test ! -s "$PCLOUD_RUNDIR/pcloud-agent.pid" || pcloud_appctl exit || :
    pcloud_end "$PCLOUD_RUNDIR/pcloud-agent.pid"
}

pcloud_agent_kill () {
    pc_pid=$(pcloud_agent_pid) || return
    kill -KILL "$pc_pid"
    pcloud_wait 10 pcloud_gone "$pc_pid"
    rm -f "$PCLOUD_RUNDIR/pcloud-agent.pid"
}

# pcloud_appctl COMMAND...: asks the agent.
pcloud_appctl () {
    ovs-appctl -T $((20 * PCLOUD_SLOW)) \
        -t "$PCLOUD_RUNDIR/pcloud-agent.$(pcloud_agent_pid).ctl" "$@"
}

# What a case that failed half way leaves: the agent, and its containers.
pcloud_agent_cleanup () {
    pcloud_end "$PCLOUD_RUNDIR/pcloud-agent.pid"
    for pc_pid in $(pcloud_container_pids); do
        kill -KILL "$pc_pid" 2>/dev/null
    done
}

# Process ids of the monitors of the case's containers, and of their children.
pcloud_container_pids () {
    for pc_dir in /proc/[0-9]*; do
        pc_cmd=$( (tr '\0' ' ' < "$pc_dir/cmdline") 2>/dev/null)
        case $pc_cmd in
            *"[lxc monitor] $PCLOUD_STATEDIR/"*)
                cat "$pc_dir/task/"*/children 2>/dev/null
                echo "${pc_dir#/proc/}" ;;
        esac
    done
}


# pcloud_make_keys [NAME...]: a CA (ca.crt), key and certificate of the switch (sw),
# of the agent (agent) and of each NAME, which is its common name; and one that
# another CA (other.crt) has signed (stranger).
pcloud_make_keys () {
    pc_key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for pc_n in ca other; do
        # shellcheck disable=SC2086
        openssl req -x509 $pc_key -keyout $pc_n.key -out $pc_n.crt \
            -subj /CN=$pc_n -days 2 || return
    done
    for pc_n in sw agent stranger "$@"; do
        case $pc_n in stranger) pc_ca=other ;; *) pc_ca=ca ;; esac
        # shellcheck disable=SC2086
        openssl req $pc_key -keyout $pc_n.key -out $pc_n.csr -subj /CN=$pc_n \
            && openssl x509 -req -in $pc_n.csr -CA $pc_ca.crt \
                -CAkey $pc_ca.key -CAcreateserial -out $pc_n.crt -days 2 \
            || return
    done
}


## What is installed and what is stored.

# Cookies whose top 16 bits are ours.
PC_COOKIE=0x9c1d000000000000/0xffff000000000000
OFCTL="ovs-ofctl -O OpenFlow15"

# pcloud_flows BRIDGE: our flows.
pcloud_flows () {
    $OFCTL --no-stats --no-names dump-flows "$1" "cookie=$PC_COOKIE" \
        | sed '/^OFPST\|^NXST/d; s/^ *//' | sort
}

# Our groups are 0x9c000000 to 0x9cffffff.
pcloud_groups () {
    $OFCTL --no-names dump-groups "$1" | sed -n 's/^ *\(group_id=\)/\1/p' \
        | awk -F'[=,]' '$2 >= 2617245696 && $2 <= 2634022911' | sort
}

pcloud_meters () { $OFCTL dump-meters "$1" | sed '/^OFPST/d' | sort; }

# Everything on the bridge, ours and foreign.
pcloud_all () {
    $OFCTL --no-stats --no-names dump-flows "$1" | sed '/^OFPST/d; s/^ *//' | sort
    $OFCTL --no-names dump-groups "$1" | sed '/^OFPST/d; s/^ *//' | sort
    pcloud_meters "$1"
}

# pcloud_strip: no cookies, ids of rows.
pcloud_strip () { sed 's/cookie=0x[0-9a-f]*, *//'; }

pcloud_snapshot () {
    for pc_br in $(ovs-vsctl list-br); do
        echo "bridge $pc_br:"
        pcloud_all "$pc_br"
        ovs-vsctl list-ports "$pc_br"
    done
    ovsdb-client --no-headings -f csv dump "unix:$PCLOUD_RUNDIR/db.sock" PacketCloud \
        2>/dev/null | sed '/^Event table/,/^$/d' | pcloud_strip_status
}

# Numbers that agents write by themselves: statistics; what is in use, and when that
# was.
pcloud_strip_status () {
    sed 's/"{[^"]*rx_packets[^"]*}"/{}/g
         /^Cloudlet table/,/^$/s/"{cpu=[^"]*}"/{}/g
         /^Node table/,/^$/s/"{cpu=[^"]*}",\([0-9]*\)$/{},\1/
         /^\(Cloudlet\|Node\) table/,/^$/s/,[0-9]\{13\},/,TIME,/g'
}

pcloud_routers () { ovs-vsctl list-br; }

# pcloud_recompute: a full recompute; returns when it is on the switch.
pcloud_recompute () { pcloud_appctl controller/recompute; }

# pcloud_changed: whether the bridges differ from what pcloud_check_recompute has
# noted; the differences are in "changed".
pcloud_changed () {
    for pc_br in $(pcloud_routers); do
        pcloud_all "$pc_br" | diff "$PCLOUD_RUNDIR/incremental.$pc_br" -
    done | grep '^[<>]' > "$PCLOUD_RUNDIR/changed"
}

# pcloud_check_recompute: a full recompute must change nothing.  A neighbor may
# come or go meanwhile, between two looks at the switch: then again.
pcloud_check_recompute () {
    test -s "$PCLOUD_RUNDIR/pcloud-agent.pid" || return 0
    for pc_try in 1 2 3 4 5; do
        for pc_br in $(pcloud_routers); do
            pcloud_all "$pc_br" > "$PCLOUD_RUNDIR/incremental.$pc_br"
        done
        # It answers once it has also read the switch again and corrected that.
        pcloud_recompute > "$PCLOUD_RUNDIR/recompute" \
            || { cat "$PCLOUD_RUNDIR/recompute"; return 1; }
        pcloud_changed || return 0
        ! grep -v ' table=206, priority=200,' "$PCLOUD_RUNDIR/changed" || break
    done
    echo "recompute changed, at the try number $pc_try:"
    cat "$PCLOUD_RUNDIR/changed"
    return 1
}

# pcloud_account: of all packets of the case the switch has dropped none for a
# reason that has no name: only what flows, groups and meters drop ("stats" names
# these; the datapath counts what a flow drops after a copy by chance as an error
# of the sample), what was sent to the agent instead, and, of packets whose port
# or whose switch was going, a few (PCLOUD_GOING, 10) that it had no flow for any
# more.
pcloud_account () {
    test "$PCLOUD_DATAPATH_TYPE" = netdev && test "$(id -u)" = 0 \
        && test -s "$OVS_RUNDIR/ovs-vswitchd.pid" || return 0
    ovs-appctl coverage/show | awk -v going="${PCLOUD_GOING:-10}" '
        !/^(datapath_drop|drop_action)_/ || /^(drop_action_of_pipeline|datapath_drop_meter|datapath_drop_userspace_action_error|datapath_drop_sample_error) / { next }
        /^datapath_drop_upcall_error / && $NF <= going { next }
        $NF > 0 { print "dropped without a name:", $1, $NF; bad = 1 }
        END { exit bad }'
}

pcloud_vi_is () {
    pc_state=$(pcloud-ctl --bare --columns=state,ready find VI name="$1" \
        | tr '\n' ' ')
    case $2:$pc_state in
        running:"running true"*) return 0 ;;
        running:*) return 1 ;;
        "$2:$2 "*) return 0 ;;
    esac
    return 1
}

# pcloud_delete_all: takes back all intent that makes VIs or flows.
pcloud_delete_all () {
    test -s "$PCLOUD_RUNDIR/pcloud-agent.pid" || return 0
    set --
    for pc_r in $(pcloud-ctl --bare --columns=_uuid list Router); do
        set -- "$@" -- clear Router "$pc_r" interfaces routes
    done
    pcloud-ctl -t $((60 * PCLOUD_SLOW)) --wait=applied -- --all destroy Rule \
        -- --all destroy Chain -- --all destroy Service "$@" || return
    pcloud_wait 30 pcloud_no_vi && return
    echo "VIs that do not go away:"
    pcloud-ctl list VI
    return 1
}

pcloud_no_vi () { test -z "$(pcloud-ctl --bare --columns=name list VI)"; }

# pcloud_connections: those in our zones, 0x8001 and up.
pcloud_connections () {
    ovs-appctl dpctl/dump-conntrack 2>/dev/null | while read -r pc_line; do
        pc_zone=${pc_line#*,zone=}
        case $pc_line in
        *,zone=*) test "${pc_zone%%,*}" -le 32768 || echo "$pc_line" ;;
        esac
    done
}

pcloud_check_switch_clean () {
    for pc_br in $(pcloud_routers); do
        pcloud_flows "$pc_br"
        pcloud_groups "$pc_br"
    done > "$PCLOUD_RUNDIR/left"
    pcloud_connections >> "$PCLOUD_RUNDIR/left"
    ovs-vsctl --bare --columns=name find Interface \
        'external_ids:packetcloud-vi!=""' >> "$PCLOUD_RUNDIR/left"
    test ! -s "$PCLOUD_RUNDIR/left" && return
    echo "left on the switch:"
    cat "$PCLOUD_RUNDIR/left"
    return 1
}

# Containers, mounts, veths, directories of VIs and cgroups of this case.
pcloud_left () {
    pcloud_container_pids | sed 's/^/process /'
    grep -F "$PCLOUD_STATEDIR/" /proc/self/mounts
    if test -e "/run/netns/$PC_NS-sw"; then
        sw ip -o link | grep -oE '^[0-9]+: pc[0-9]+[ab]@?[^:]*'
    fi
    test ! -d "$PCLOUD_STATEDIR/vi" \
        || find "$PCLOUD_STATEDIR/vi" -mindepth 1 -maxdepth 1
    find /sys/fs/cgroup -type d \
        -path "*/packetcloud/$(pc-hash "$PCLOUD_STATEDIR/vi")/*" 2>/dev/null
}

pcloud_nothing_left () { test -z "$(pcloud_left)"; }

pcloud_check_machine_clean () {
    pcloud_wait 10 pcloud_nothing_left && return
    echo "left on the machine:"
    pcloud_left
    return 1
}

# pcloud_check_logs [SED-COMMANDS]
#
# A VI's ports (pc1a, ...) go with it, and the switch may notice while it reads
# from them.  The kernel's datapath cannot answer neighbor solicitations: the
# agent does.  A flow that is being evicted (a change, "revalidator/purge") cannot be
# installed again at once: its packet goes out without.
pcloud_check_logs () {
    for pc_log in "$PCLOUD_LOGDIR"/*.log *.log; do
        case $pc_log in
            *\**|testsuite.log) continue ;;
        esac
        sed -n "$1
/reset by peer/d
/Broken pipe/d
/is not connected/d
/fatal_signal.*terminating with signal 15/d
/timeval.*Unreasonably long/d
/timeval.*faults: /d
/timeval.*disk: /d
/timeval.*context switches: /d
/ovs_rcu.*blocked [0-9]* ms/d
/Dropped [0-9]* log messages/d
/setting extended ack support failed/d
/dpif_netlink.*does not exist/d
/does not support setting IPv6 ND Extensions/d
/netdev_linux.*obtaining netdev stats via vport failed/d
/upcall_cb failure: ukey installation fails/d
/\(netdev_linux\|dpif_netdev\).*[| ]pc[0-9]*[ab][: ].*\(Network is down\|No such device\)/d
/|WARN|/p
/|ERR|/p
/|EMER|/p" "$pc_log"
    done > "$PCLOUD_RUNDIR/warnings"
    test ! -s "$PCLOUD_RUNDIR/warnings" && return
    cat "$PCLOUD_RUNDIR/warnings"
    return 1
}
