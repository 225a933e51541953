# Functions for the benchmarks (bash).  Source it; see bench/README.md.
#
# A benchmark makes everything that it measures, in namespaces and directories
# of its own, always beside the same work done another way in the same run, and
# reports ratios of medians: this is the only figure that means anything on a
# noisy machine.
#
# Environment: PCLOUD_BUILD, PCLOUD_SRC (build and source of PacketCloud),
# OVS_SRC, OVS_BUILD (patched Open vSwitch), BENCH_RESULTS (the file of
# results, a JSON object a line).

set -euo pipefail

: "${PCLOUD_BUILD:?}" "${PCLOUD_SRC:?}" "${OVS_SRC:?}" "${OVS_BUILD:?}"
export PCLOUD_LIBEXECDIR=$PCLOUD_BUILD/vi PCLOUD_DATADIR=$PCLOUD_SRC/vi
BENCH_RESULTS=${BENCH_RESULTS:-$PCLOUD_BUILD/bench-results.jsonl}
BENCH_ISSUE=2
bench_dir=$(mktemp -d "${TMPDIR:-/tmp}/pcloud-bench.XXXXXX")
chmod 755 "$bench_dir"    # The VIs' root must get to its files.
bench_tag=pb$$
bench_pids=()
bench_netns=()
bench_cloudlets=()

# bench_cleanup: removes the services (VIs outlive their agent), then ends what
# this benchmark started, by pid, newest first.
bench_cleanup() {
    local i service
    for i in "${bench_cloudlets[@]}"; do
        pc "$i" -- --all destroy Rule -- --all destroy Chain || :
        for service in $(pc "$i" --bare --no-headings --columns=name list \
                Service); do
            pc "$i" --wait=applied --timeout=60 service-del "$service" || :
        done
    done
    for ((i = ${#bench_pids[@]} - 1; i >= 0; i--)); do
        kill "${bench_pids[i]}" 2>/dev/null || continue
        timeout 10 tail --pid="${bench_pids[i]}" -f /dev/null 2>/dev/null ||
            kill -9 "${bench_pids[i]}" 2>/dev/null || :
    done
    for i in "${bench_netns[@]}"; do
        ip netns del "$i" 2>/dev/null || :
    done
    if [ -n "${BENCH_KEEP:-}" ]; then
        echo "kept: $bench_dir" >&2
    else
        rm -rf "$bench_dir"
    fi
}
trap bench_cleanup EXIT
trap 'exit 130' INT TERM

# netns_add NAME: makes the network namespace $bench_tag-NAME, lo up.
netns_add() {
    ip netns add "$bench_tag-$1"
    bench_netns+=("$bench_tag-$1")
    in_ns "$1" ip link set lo up
}

# in_ns NAME CMD...: runs CMD in that network namespace.  Not by `ip netns
# exec', which remounts /sys and so hides the cgroups from liblxc.
in_ns() {
    local ns=$1
    shift
    nsenter --net="/run/netns/$bench_tag-$ns" -- "$@"
}

# remember_pid PIDFILE: its process is ended by bench_cleanup.
remember_pid() {
    bench_pids+=("$(cat "$1")")
}

# switch_start NS BUILD [CONFIG...]: ovsdb-server and ovs-vswitchd of BUILD in
# NS, run directory $bench_dir/NS; bridge br0.  CONFIG: other_config settings.
switch_start() {
    local ns=$1 build=$2 run=$bench_dir/$1
    shift 2
    mkdir -p "$run"
    "$build/ovsdb/ovsdb-tool" create "$run/conf.db" \
        "$OVS_SRC/vswitchd/vswitch.ovsschema"
    OVS_RUNDIR=$run in_ns "$ns" "$build/ovsdb/ovsdb-server" "$run/conf.db" \
        --remote="punix:$run/db.sock" --pidfile="$run/ovsdb-server.pid" \
        --log-file="$run/ovsdb-server.log" --detach --no-chdir \
        --unixctl="$run/ovsdb-server.ctl" -vconsole:off
    remember_pid "$run/ovsdb-server.pid"
    vs "$ns" --no-wait init
    [ $# -eq 0 ] || vs "$ns" --no-wait set Open_vSwitch . \
        "${@/#/other_config:}"
    vswitchd_start "$ns" "$build"
    vs "$ns" add-br br0 -- set bridge br0 datapath_type=netdev
}

# vswitchd_start NS BUILD: the switch alone, as after it was killed.
vswitchd_start() {
    local ns=$1 build=$2 run=$bench_dir/$1
    OVS_RUNDIR=$run in_ns "$ns" "$build/vswitchd/ovs-vswitchd" \
        "unix:$run/db.sock" --pidfile="$run/ovs-vswitchd.pid" \
        --log-file="$run/ovs-vswitchd.log" --detach --no-chdir \
        -vconsole:off
    remember_pid "$run/ovs-vswitchd.pid"
}

# vs NS ARG...: ovs-vsctl on the switch in NS.  of: ovs-ofctl, OpenFlow 1.5.
vs() {
    local run=$bench_dir/$1
    shift
    OVS_RUNDIR=$run "$OVS_BUILD/utilities/ovs-vsctl" \
        --db="unix:$run/db.sock" "$@"
}
of() {
    local run=$bench_dir/$1
    shift
    OVS_RUNDIR=$run "$OVS_BUILD/utilities/ovs-ofctl" -O OpenFlow15 "$@"
}

# host_add NS HOST ADDRESS [TYPE]: host HOST as a namespace NS-HOST on port HOST
# of NS's br0, of that interface type.
host_add() {
    local ns=$1 host=$2 address=$3 type=${4:-system}
    netns_add "$ns-$host"
    in_ns "$ns" ip link add "$host" type veth peer name eth0 \
        netns "$bench_tag-$ns-$host"
    in_ns "$ns" ip link set "$host" up
    in_ns "$ns-$host" ip addr add "$address" dev eth0
    in_ns "$ns-$host" ip link set eth0 up
    vs "$ns" add-port br0 "$host" -- set Interface "$host" type="$type"
}

# figure NAME VALUE UNIT BESIDE AIM HOLDS: a result (HOLDS: true or false, or
# null where there is no aim).
figure() {
    python3 - "$BENCH_ISSUE" "$@" >>"$BENCH_RESULTS" <<'PY'
import json, sys
issue, name, value, unit, beside, aim, holds = sys.argv[1:8]
print(json.dumps({"issue": int(issue), "name": name, "value": float(value),
                  "unit": unit, "beside": beside, "aim": aim,
                  "holds": json.loads(holds)}))
PY
    printf '%-44s %10.3g %-8s beside %s; aim %s; holds: %s\n' \
        "$1" "$2" "$3" "$4" "$5" "$6"
}

# ms_of CMD...: the milliseconds that it took.
ms_of() {
    local t0 t1
    t0=$EPOCHREALTIME
    "$@" >/dev/null
    t1=$EPOCHREALTIME
    calc "($t1 - $t0) * 1000"
}

# median NUMBER...; calc EXPRESSION; judge EXPRESSION -> true|false
median() {
    python3 -c 'import statistics, sys
print(statistics.median(map(float, sys.argv[1:])))' "$@"
}
calc() {
    python3 -c "print($1)"
}
judge() {
    python3 -c "print('true' if $1 else 'false')"
}

# cloudlet_start NS: the PacketCloud database and agent beside the switch in
# NS (bridge br0), and a cloudlet on it.  pc NS ARG...: pcloud-ctl there.
cloudlet_start() {
    database_start "$1"
    agent_start "$1"
    bench_cloudlets+=("$1")
}

# database_start NS: the PacketCloud database alone, with a cloudlet in it.
database_start() {
    local ns=$1 run=$bench_dir/$1/pcloud
    mkdir -p "$run"
    "$OVS_BUILD/ovsdb/ovsdb-tool" create "$run/packetcloud.db" \
        "$PCLOUD_SRC/lib/packetcloud.ovsschema"
    database_serve "$ns"
    pc "$ns" init bridge=br0
}

# database_serve NS: its server alone, as after it was killed.
database_serve() {
    local ns=$1 run=$bench_dir/$1/pcloud
    in_ns "$ns" "$OVS_BUILD/ovsdb/ovsdb-server" "$run/packetcloud.db" \
        --remote="punix:$run/db.sock" --pidfile="$run/ovsdb-server.pid" \
        --log-file="$run/ovsdb-server.log" --detach --no-chdir \
        --unixctl="$run/ovsdb-server.ctl" -vconsole:off
    remember_pid "$run/ovsdb-server.pid"
}

# agent_start NS ARG...: the agent.  agent_stop NS: ends it; its VIs go on.
agent_start() {
    local ns=$1 run=$bench_dir/$1/pcloud
    shift
    OVS_RUNDIR=$bench_dir/$ns in_ns "$ns" \
        "$PCLOUD_BUILD/pcloud-agent/pcloud-agent" \
        --db="unix:$run/db.sock" --run-dir="$run" \
        --state-dir="$bench_dir/$ns/state" \
        --pidfile="$run/pcloud-agent.pid" \
        --log-file="$run/pcloud-agent.log" --detach --no-chdir \
        -vconsole:off "$@"
    remember_pid "$run/pcloud-agent.pid"
}
agent_stop() {
    local pid
    pid=$(cat "$bench_dir/$1/pcloud/pcloud-agent.pid")
    agent_ctl "$1" exit
    timeout 30 tail --pid="$pid" -f /dev/null
}
pc() {
    local ns=$1
    shift
    PCLOUD_RUNDIR=$bench_dir/$ns/pcloud in_ns "$ns" \
        "$PCLOUD_BUILD/pcloud-ctl/pcloud-ctl" "$@"
}

# agent_ctl NS COMMAND...: a unixctl command to the agent in NS.
agent_ctl() {
    local ns=$1 run=$bench_dir/$1/pcloud
    shift
    "$OVS_BUILD/utilities/ovs-appctl" \
        -t "$run/pcloud-agent.$(cat "$run/pcloud-agent.pid").ctl" "$@"
}
