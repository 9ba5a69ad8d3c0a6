# Sourced by check: the units as they stand, and the steps of README.md.

install_missing() {
    missing=""
    for package in iproute2 procps openssh-server openssh-client openssh-sftp-server socat curl; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] || {
        say "installing:$missing"
        apt-get update -qq
        # shellcheck disable=SC2086  # a list of package names
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    }
    for program in systemd-sysusers systemd-socket-activate systemd-analyze; do
        command -v "$program" >/dev/null || die "$program is not there; install systemd"
    done
}

# Goes on in namespaces of its own: go_inside SCRIPT [FOLDER]
go_inside() {
    script=$1
    [ "$(id -u)" = 0 ] || die "run it as root"
    install_missing
    [ -z "${2:-}" ] || PATH=$(cd "$2" && pwd):$PATH
    command -v sallyport-ingress >/dev/null || die "sallyport-ingress is not on the PATH; give the folder it is in"
    exec timeout -k 5 300 unshare --mount --pid --fork --kill-child --mount-proc "$here/$script" --inside "$(dirname "$(command -v sallyport-ingress)")"
}

finish() {
    status=$?
    trap - EXIT
    set +e
    [ "$status" = 0 ] || {
        mkdir "$box.logs"
        cp "$box"/*.log "$box.logs/"
        say "check: failed; the logs are in $box.logs" >&2
    }
    umount "$box/bin" && rm -rf "$box"
    # Everything else in here ends with this process, the first one of its namespace.
    exit "$status"
}

# At most 1.0 by `systemd-analyze security`, and settings that differ from those of ../systemd only where they must.
hold_units() {
    mkdir "$box/units"
    cp -r "$here"/sallyport-edge* "$box/units/"
    said=$(systemd-analyze verify "$box/units/sallyport-edge.socket" "$box/units/sallyport-edge@.service" 2>&1) || die "systemd-analyze verify: $said"
    [ -z "$said" ] || die "systemd-analyze verify: $said"
    table=$(systemd-analyze security --offline=true --no-pager "$box/units/sallyport-edge@.service" 2>&1) || true
    exposure=$(printf '%s\n' "$table" | sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\) .*/\1/p')
    say "sallyport-edge@.service: exposure ${exposure:-unknown}, at most 1.0"
    awk "BEGIN { exit !(${exposure:-9} <= 1.0) }" || die "it is exposed more than it may be: $(printf '%s\n' "$table" | grep '✗')"
    for half in ingress executor; do
        sed -e 's|, on the edge||; s|, on the bastion||; s|THE-BASTION-ACCOUNTS-UID|THE-EXECUTORS-UID|' \
            -e 's|/run/sallyport-edge/|/run/sallyport/|; s|allow-uids: \[0\]|allow-uids: [THE-INGRESS-UID]|' "$here/settings/$half.yaml" |
            cmp - "$here/../systemd/settings/$half.yaml" || die "settings/$half.yaml is not what ../systemd/settings has, but for the way between"
    done
    [ "$(sed -n 's/.*command="\([^"]*\)".*/\1/p' "$here/authorized_keys")" = "$(sed -n 's/^ *ForceCommand //p' "$here/sshd_config")" ] ||
        die "authorized_keys and sshd_config force different commands"
}

make_keys() {
    cd "$box/secrets"
    ingress_key=$(sallyport keygen ingress.key)
    executor_key=$(sallyport keygen executor.key)
    sallyport keygen deploy.key --form ssh --name sallyport | sed 's/^/restrict /' >deploy.line
    ssh-keygen -q -t ed25519 -N '' -C sallyport-bastion -f edge.key
    edge_key=$(cat edge.key.pub)
    sallyport keygen token.key --form jwks --name ci >token-keys.json
    (umask 077 && sallyport keygen x >hookdeck)
    cd /
}

# sshd MACHINE [OPTIONS]: with Debian's sshd_config, its drop-ins and PAM.
start_sshd() {
    machine=$1
    shift
    on "$machine" ls /etc/ssh/ssh_host_ed25519_key >/dev/null 2>&1 || on "$machine" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
    on "$machine" /usr/sbin/sshd -E "$box/$machine.log" -o LogLevel=VERBOSE -o HostKey=/etc/ssh/ssh_host_ed25519_key "$@"
}

set_up_edge() {
    on edge install -D -m 0644 "$here/edge.sysusers.conf" /etc/sysusers.d/sallyport.conf
    on edge systemd-sysusers /etc/sysusers.d/sallyport.conf 2>/dev/null
    account=$(on edge id -u sallyport-bastion)
    on edge install -d /etc/sallyport
    sed -e "s|THE-BASTION-ACCOUNTS-UID|$account|; s|ed25519:THE-EXECUTORS-PUBLIC-KEY|$executor_key|" "$here/settings/ingress.yaml" >"$box/ingress.yaml"
    cat >>"$box/ingress.yaml" <<'ENDING'
  note:
    verify: { hookdeck: { secret: { file: /run/credentials/sallyport-ingress.service/hookdeck } } }
    job: note
    parameters: { id: { payload: /id } }
    wait: 4s
ENDING
    on edge install -m 0644 "$box/ingress.yaml" "$box/secrets/token-keys.json" /etc/sallyport/
    for file in ingress.key hookdeck; do credential edge "$here/../systemd/sallyport-ingress.service" "$box/secrets/$file"; done
    sed "s|ssh-ed25519 THE-BASTIONS-PUBLIC-KEY|${edge_key% sallyport-bastion}|" "$here/authorized_keys" >"$box/authorized_keys"
    on edge install -m 0644 "$box/authorized_keys" /etc/ssh/sallyport-bastion.keys
    on edge install -m 0644 "$here/sshd_config" /etc/ssh/sshd_config.d/10-sallyport-bastion.conf
    start_sshd edge
}

set_up_bastion() {
    on bastion install -D -m 0644 "$here/bastion.sysusers.conf" /etc/sysusers.d/sallyport.conf
    on bastion systemd-sysusers /etc/sysusers.d/sallyport.conf 2>/dev/null
    on bastion install -d /etc/sallyport /etc/sallyport-edge
    on bastion install -m 0644 "$here/ssh_config" /etc/sallyport-edge/
    on bastion install -m 0644 "$box/secrets/token-keys.json" /etc/sallyport/
    wait_for 10 "the edge's sshd" on bastion sallyport hosts scan $edge --pin /etc/sallyport-edge/known_hosts
    credential bastion "$here/sallyport-edge@.service" "$box/secrets/edge.key"
    for file in executor.key deploy.key; do credential bastion "$here/../systemd/sallyport-executor.service" "$box/secrets/$file"; done
}

set_up_target() {
    on target useradd --system --password '*' --shell /bin/sh --home-dir /run/deploy deploy
    on target install -d -o deploy -m 0700 /run/deploy /run/deploy/.ssh
    on target install -o deploy -m 0600 "$box/secrets/deploy.line" /run/deploy/.ssh/authorized_keys
    start_sshd target
    wait_for 10 "the host's sshd" on bastion sallyport hosts scan $target --pin /etc/sallyport/known_hosts
    executor_settings
}

executor_settings() {
    sed "s|ed25519:THE-INGRESS-PUBLIC-KEY|$ingress_key|" "$here/settings/executor.yaml" >"$box/executor.yaml"
    cat >>"$box/executor.yaml" <<'ENDING'
  note:
    command: [sh, -c, 'echo "$1" >>/run/deploy/ran', sh, "{id}"]
    destinations: [web-1]
    parameters: { id: { pattern: "[0-9a-z]+-[0-9]+" } }
    timeout: 20s
ENDING
    on bastion install -m 0644 "$box/executor.yaml" /etc/sallyport/
}

# Each line of the drop-in must be what sshd says it will do for the account.
effective() {
    on edge sshd -T -C "user=sallyport-bastion,host=bastion,addr=$bastion,laddr=$edge,lport=22" >"$box/effective"
    sed -n 's/^    \([A-Z].*\)/\1/p' "$here/sshd_config" | while read -r key rest; do
        grep -qix "$key $rest" "$box/effective" || die "sshd has another $key: $(grep -i "^$key " "$box/effective")"
    done
    say "as it stands there, for sallyport-bastion; for others: $(on edge sshd -T -C "user=root,host=x,addr=$bastion,laddr=$edge,lport=22" | grep -E '^(forcecommand|disableforwarding)' | tr '\n' ' ')"
}

start_ingress() {
    on edge install -d -o sallyport-ingress -g sallyport-ingress -m 0750 /run/sallyport
    sockets=$(cat "$here/../systemd/sallyport-ingress.socket" "$here/../systemd/sallyport-operations.socket" | sed -n 's/^ListenStream=/-l /p')
    # shellcheck disable=SC2086
    start edge "$here/../systemd/sallyport-ingress.service" systemd-socket-activate $sockets --fdname=hooks:operations
    ingress_pid=$started
}

# Root listens, as systemd would, and gives each connection an ssh of its own.
start_edge_socket() {
    socket=$(value "$here/sallyport-edge.socket" ListenStream)
    start bastion "$here/sallyport-edge@.service" systemd-socket-activate -l "$socket" --accept --inetd
    edge_socket_pid=$started
    wait_for 10 "the socket on the bastion" on bastion test -S "$socket"
    on bastion chown "$(value "$here/sallyport-edge.socket" SocketUser)" "$socket"
    on bastion chmod "$(value "$here/sallyport-edge.socket" SocketMode)" "$socket"
}

start_executor() {
    on bastion install -d -o sallyport-executor -m 0700 /run/sallyport-admin /var/lib/sallyport
    start bastion "$here/../systemd/sallyport-executor.service"
    executor_pid=$started
}

ready() { on edge curl -sf -m 5 http://127.0.0.1:9080/readyz; }
away() { [ "$(on edge curl -s -m 5 -o /dev/null -w '%{http_code}' http://127.0.0.1:9080/readyz)" = 503 ]; }
connections() { pgrep -P "$edge_socket_pid" | wc -l; }
