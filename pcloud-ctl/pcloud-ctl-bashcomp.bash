# bash completion for pcloud-ctl(8): options, commands, keys, and names out of
# the database.
#
# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

# The --db, --run-dir and command words of the line so far, for asking the same
# database.
_pcloud_ctl_db () {
    local w
    for w in "${COMP_WORDS[@]}"; do
        case $w in
            --db|--run-dir) ;;
            --db=*|--run-dir=*) printf '%s\n' "$w" ;;
        esac
    done
}

# _pcloud_ctl_names TABLE COLUMN: what rows of TABLE are called.
_pcloud_ctl_names () {
    local -a db
    mapfile -t db < <(_pcloud_ctl_db)
    pcloud-ctl "${db[@]}" --timeout=2 -f csv --no-headings --data=bare \
        --columns="$2" list "$1" 2>/dev/null | sed 's/^"\(.*\)"$/\1/'
}

# _pcloud_ctl_columns TABLE
_pcloud_ctl_columns () {
    local -a db
    mapfile -t db < <(_pcloud_ctl_db)
    pcloud-ctl "${db[@]}" --timeout=2 list "$1" 2>/dev/null \
        | sed -n 's/^\([a-z_]*\) *: .*/\1/p' | sort -u
}

# _pcloud_ctl_keys COMMAND: the keys of its KEY=VALUE arguments.
_pcloud_ctl_keys () {
    local capacity="cpu= memory= disk= network= pids= io= iops="
    case $1 in
        init) echo "bridge= cloudlet= router= node= table-base=" ;;
        cloudlet-add|cloudlet-set)
            echo "pop= policy= report-interval= suspect-after= down-after=" ;;
        link-add) echo "cost=" ;;
        router-add) echo "bridge= target= cloudlet= table-base=" ;;
        node-add|node-set) echo "$capacity cloudlet= bridge= data-port= isp-share=" ;;
        vi-type-add|vi-resize) echo "$capacity" ;;
        vi-type-suggest) echo "cloudlet=" ;;
        vi-type-benchmark)
            echo "bps= pps= duration= loss= traffic= mode= measure=" ;;
        interface-add) echo "port= mac= mtu=" ;;
        vi-drain) echo "on off timeout=" ;;
        vi-migrate) echo "drain=" ;;
        vi-set) echo "weight= anti-spoof=" ;;
        image-add) echo "sha256=" ;;
        service-add|service-set)
            echo "image= mode= type= replicas= on-failure= affinity= health=" \
                 "provider= address= gateway= arms= mtu= drain-timeout= cloudlet=" ;;
        provider-add) echo "isp=" ;;
        tariff-add|tariff-set) echo "cpu= memory= disk= network= tiers= fine= isp= used=" ;;
        tariff-use) echo "cloudlet=" ;;
        payment-add) echo "note= id=" ;;
        bill) echo "from= to=" ;;
        inspect) echo "to= sample= max= size=" ;;
        restrict) echo "$capacity" ;;
        rule-add|rule-del|rule-check) echo "priority= direction= after=" ;;
    esac
}

# _pcloud_ctl_value KEY: what can stand behind KEY=.
_pcloud_ctl_value () {
    case $1 in
        image) _pcloud_ctl_names Image name ;;
        type) _pcloud_ctl_names VI_Type name ;;
        cloudlet) _pcloud_ctl_names Cloudlet name ;;
        pop) _pcloud_ctl_names PoP name ;;
        policy) echo "least-loaded best-fit" ;;
        provider) _pcloud_ctl_names Provider name ;;
        mode) echo "route inline tap host" ;;
        on-failure) echo "open close" ;;
        arms) echo "1 2" ;;
        to) _pcloud_ctl_names Service name ;;
        anti-spoof) echo "on off default" ;;
        affinity) echo "client client/24 client/24,56 connection" ;;
        direction) echo "both forward reverse" ;;
        health) echo "tcp: http icmp exec through none" ;;
        --wait) echo "none applied drained" ;;
        --format) echo "table list csv json html" ;;
    esac
}

# _pcloud_ctl_argument COMMAND SPEC WORDS...: what an argument called SPEC in
# "pcloud-ctl --commands" can be; WORDS are the command's arguments so far.
_pcloud_ctl_argument () {
    local command=$1 spec=$2
    shift 2
    case $spec in
        NEW-*|ADDRESS*|PREFIX|NEXTHOP|ARG) ;;
        CLOUDLET) _pcloud_ctl_names Cloudlet name ;;
        POP) _pcloud_ctl_names PoP name ;;
        ROUTER) _pcloud_ctl_names Router name ;;
        NODE) _pcloud_ctl_names Node name ;;
        INTERFACE) _pcloud_ctl_names Interface name ;;
        TYPE) _pcloud_ctl_names VI_Type name ;;
        IMAGE) _pcloud_ctl_names Image name ;;
        SERVICE)
            _pcloud_ctl_names Service name
            case $command in
                rule-*) _pcloud_ctl_names Chain name ;;
            esac ;;
        SERVICE...) _pcloud_ctl_names Service name ;;
        PROVIDER) _pcloud_ctl_names Provider name ;;
        TARIFF) _pcloud_ctl_names Tariff name ;;
        TARIFF\|none) echo none; _pcloud_ctl_names Tariff name ;;
        CHAIN) _pcloud_ctl_names Chain name ;;
        VI) _pcloud_ctl_names VI name ;;
        VI\|SERVICE) _pcloud_ctl_names VI name; _pcloud_ctl_names Service name ;;
        EVENT) _pcloud_ctl_names Event kind | sort -u; _pcloud_ctl_names VI name
               _pcloud_ctl_names Service name ;;
        TABLE) echo "PacketCloud Cloudlet Router Interface Route Node VI_Type" \
                    "Image Provider Service Chain Rule VI Inspection Event Connection SSL" ;;
        RECORD) _pcloud_ctl_names "$1" name; _pcloud_ctl_names "$1" _uuid ;;
        COLUMN*) _pcloud_ctl_columns "$1" ;;
        KEY=VALUE*) _pcloud_ctl_keys "$command" ;;
        *\|*) echo "${spec//|/ }" ;;
    esac
}

_pcloud_ctl () {
    local cur=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}
    local -a words=() specs=() args=()
    local w command= syntax spec n before=

    # Words as the shell has them, not cut at '='.
    read -ra words <<< "$line"
    [[ $line == *' ' ]] && words+=("")
    cur=${words[-1]}
    COMPREPLY=()

    # The command that the cursor is in.
    for w in "${words[@]:1:${#words[@]}-2}"; do
        case $before in
            # Options whose value is a word of its own.
            -[tfdpcC]|--timeout|--format|--data|--db|--wait|--run-dir|--columns)
                before=; continue ;;
        esac
        before=$w
        case $w in
            --) command= args=() ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=$w; else args+=("$w"); fi ;;
        esac
    done

    if [[ $before == -f || $before == --format ]]; then
        COMPREPLY=($(compgen -W "table list csv json html" -- "$cur"))
    elif [[ $before == --wait ]]; then
        COMPREPLY=($(compgen -W "none applied" -- "$cur"))
    elif [[ $before == -[tdpcC] ]]; then
        COMPREPLY=()
    elif [[ $cur == -* && $cur != *=* ]]; then
        COMPREPLY=($(compgen -W "$(pcloud-ctl --options | grep ^-- | sed 's/=ARG/=/') --may-exist --if-exists --all --diff --columns= --since=" -- "$cur"))
    elif [[ -z $command && $cur != -* ]]; then
        COMPREPLY=($(compgen -W "$(pcloud-ctl --commands | cut -d, -f2)" -- "$cur"))
    elif [[ $cur == *=* ]]; then
        COMPREPLY=($(compgen -W "$(_pcloud_ctl_value "${cur%%=*}")" -- "${cur#*=}"))
    else
        syntax=$(pcloud-ctl --commands | awk -F, -v c="$command" '$2 == c { print $3 }')
        read -ra specs <<< "$syntax"
        n=${#args[@]}
        (( n >= ${#specs[@]} )) && n=$(( ${#specs[@]} - 1 ))
        (( n >= 0 )) && spec=${specs[n]#[?*+!]}
        COMPREPLY=($(compgen -W "$(_pcloud_ctl_argument "$command" "$spec" "${args[@]}")" -- "$cur"))
    fi
    # No space behind "key=".
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F _pcloud_ctl pcloud-ctl
