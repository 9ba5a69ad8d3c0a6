# Sourced by check: three machines and the network between two of them, as namespaces of this one.

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s\n' "$*"; }
die() {
    printf 'check: %s\n' "$*" >&2
    exit 1
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
    until_ms=$(($(now) + $1 * 1000))
    what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(now)" -lt $until_ms ] || die "$what did not come in time"
        sleep 0.1
    done
}

# Milliseconds of a clock that nobody sets.
now() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }

# machine NAME: a mount, network and host name of its own; /etc is a copy with Debian's own sshd_config, /run and /var/lib are empty.
machine() {
    # shellcheck disable=SC2016
    unshare --mount --net --uts sh -euc '
        hostname "$1"
        mount -t tmpfs tmpfs /mnt
        cp -a /etc/. /mnt
        mount --move /mnt /etc
        for folder in /run /var/lib; do mount -t tmpfs tmpfs $folder; done
        rm -rf /etc/sallyport* /etc/ssh/sshd_config.d/* /etc/ssh/ssh_host_* /etc/sysusers.d/sallyport*
        cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
        sed -i "/^sallyport-/d; /^deploy:/d" /etc/passwd /etc/shadow /etc/group /etc/gshadow
        mkdir /run/sshd /run/credentials
        ip link set lo up
        touch "$2/$1.up"
        exec sleep infinity' sh "$1" "$box" &
    echo $! >"$box/$1.pid"
    wait_for 20 "the machine $1" test -e "$box/$1.up"
}

entry() { echo "nsenter --target $(cat "$box/$1.pid") --mount --net --uts -- env -i PATH=$box/bin:/usr/sbin:/usr/bin:/sbin:/bin"; }

# on MACHINE COMMAND...
on() {
    entry=$(entry "$1")
    shift
    $entry "$@"
}

# as USER MACHINE COMMAND...
as() {
    user=$1
    machine=$2
    shift 2
    on "$machine" setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
}

# join MACHINE ADDRESS OTHER-MACHINE ITS-ADDRESS
join() {
    ip link add "to-$3" netns "$(cat "$box/$1.pid")" type veth peer name "to-$1" netns "$(cat "$box/$3.pid")"
    on "$1" ip address add "$2/24" dev "to-$3"
    on "$3" ip address add "$4/24" dev "to-$1"
    on "$1" ip link set "to-$3" up
    on "$3" ip link set "to-$1" up
}

# What is sent vanishes without a word, in both directions, or comes through again.
cut_off() { for address in $edge $bastion; do on wan ip route add blackhole "$address"; done; }
restore() { for address in $edge $bastion; do on wan ip route delete blackhole "$address"; done; }

# value UNIT KEY
value() { sed -n "s/^$2=//p" "$1" | tail -n 1; }

# credential MACHINE UNIT FILE: as systemd hands it over.
credential() {
    on "$1" install -d -o "$(value "$2" User)" -m 0500 "/run/credentials/$(basename "$2")"
    on "$1" install -o "$(value "$2" User)" -m 0400 "$3" "/run/credentials/$(basename "$2")/"
}

# start MACHINE UNIT [WHAT-HANDS-IT-ITS-SOCKETS...]: the unit's own ExecStart, as its user; its process is in $started.
start() {
    machine=$1
    unit=$2
    name=$(basename "$unit" .service)
    shift 2
    # shellcheck disable=SC2046
    (exec $(entry "$machine") SWIFT_BACKTRACE=enable=no "$@" setpriv --reuid="$(value "$unit" User)" --regid="$(value "$unit" Group)" --init-groups \
        --inh-caps=-all --bounding-set=-all --no-new-privs env CREDENTIALS_DIRECTORY="/run/credentials/$name.service" \
        $(value "$unit" ExecStart) >>"$box/$name.log" 2>&1 </dev/null) &
    started=$!
}
