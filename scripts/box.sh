# Sourced by scripts/demo and the benches: a private sshd and both gates in $folder, from what `sallyport init` writes.

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Goes on with a script of this folder, or of another one by its path, as `$folder/bin/NAME --in $folder ARGUMENTS...`, as an unprivileged
# user where this is root: nothing of it needs root, an sshd of root's own would let root in, and root's shell may do who knows what at
# each start.
go_on_in_box() {
    case $1 in */*) script=$1 ;; *) script=scripts/$1 ;; esac
    name=${1##*/}
    shift
    cp "$script" scripts/box.sh "$folder/bin/"
    chmod -R go+rX "$folder"
    if [ "$(id -u)" = 0 ]; then
        id sallyport-demo >/dev/null 2>&1 || useradd --system --shell /bin/sh --home-dir "$folder" sallyport-demo
        chown -R sallyport-demo "$folder"
        exec setpriv --reuid=sallyport-demo --regid="$(id -g sallyport-demo)" --clear-groups \
            env HOME="$folder" USER=sallyport-demo "$folder/bin/$name" --in "$folder" "$@"
    fi
    exec "$folder/bin/$name" --in "$folder" "$@"
}

# The first loopback port from a number on where nobody answers.
free_port() {
    port=$1
    # 7: refused.
    until [ "$(curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$port" || echo $?)" = 7 ]; do port=$((port + 1)); done
    say "$port"
}

# figure FILE PERCENT: of a number a line; - when there is none.
figure() {
    sort -n "$1" | awk -v percent="$2" '{ value[NR] = $1 } END { print NR ? value[int((NR - 1) * percent / 100) + 1] : "-" }'
}

wait_for() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 150 ] || die "$what did not come up; see the logs in $folder"
        sleep 0.1
    done
}

# Keys, settings and a first hook in $folder/box; sets the ports.
make_box() {
    sallyport=$folder/bin/sallyport
    user=$(id -un)
    ssh_port=$(free_port 2210)
    http_port=$(free_port 8080)
    operations_port=$(free_port 9080)
    "$sallyport" init "$folder/box" --port "$ssh_port" --user "$user" --http-port "$http_port" \
        --operations-port "$operations_port" >"$folder/init.log"
}

start_sshd() {
    mkdir -p "$folder/sshd"
    ssh-keygen -q -t ed25519 -N '' -f "$folder/sshd/host_key"
    cat >"$folder/sshd/sshd_config" <<END
Port $ssh_port
ListenAddress 127.0.0.1
HostKey $folder/sshd/host_key
AuthorizedKeysFile $folder/sshd/authorized_keys
PidFile $folder/sshd/pid
MaxStartups 100
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
END
    sed 's/^/restrict /' "$folder/box/secrets/deploy.key.pub" >"$folder/sshd/authorized_keys"
    /usr/sbin/sshd -f "$folder/sshd/sshd_config" -E "$folder/sshd/log"
    wait_for sshd "$sallyport" hosts scan 127.0.0.1 --port "$ssh_port" --pin "$folder/box/known_hosts"
}

start_gates() {
    setsid "$folder/bin/sallyport-executor" serve --config "$folder/box/executor.yaml" >"$folder/executor.log" 2>&1 </dev/null &
    echo $! >"$folder/executor.pid"
    setsid "$folder/bin/sallyport-ingress" serve --config "$folder/box/ingress.yaml" >"$folder/ingress.log" 2>&1 </dev/null &
    echo $! >"$folder/ingress.pid"
    wait_for "the ingress" curl -sf "http://127.0.0.1:$operations_port/readyz"
    cat >"$folder/stop" <<END
#!/bin/sh
kill \$(cat "$folder/ingress.pid" "$folder/executor.pid" "$folder/sshd/pid") 2>/dev/null
END
    chmod 755 "$folder/stop"
}
