# Sourced by check: what it makes, and takes away again.

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s\n' "$*"; }
die() {
    printf 'check: %s\n' "$*" >&2
    exit 1
}

# As long as three minutes: a machine that is busy starts containers slowly.
wait_for() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 900 ] || die "$what did not come up within three minutes"
        sleep 0.2
    done
}

free_port() {
    port=$1
    until [ "$(curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$port" || echo $?)" = 7 ]; do port=$((port + 1)); done
    say "$port"
}

# The command line of the image `all`, in $box.
cli() { podman run --rm --network host --user 0 -v "$box:/box" -w /box sallyport-all:0.1.0 "$@"; }

prepare() {
    [ "$(id -u)" = 0 ] || die "run it as root"
    for program in podman ssh-keygen /usr/sbin/sshd curl useradd; do
        command -v "$program" >/dev/null || die "$program is not there"
    done
    for image in ingress executor all; do
        podman image exists "sallyport-$image:0.1.0" || die "the image sallyport-$image:0.1.0 is not there: podman build --format docker --target $image -t sallyport-$image:0.1.0 ."
    done
    [ ! -e /etc/sallyport ] || die "/etc/sallyport is there; this would overwrite it"
    ! podman pod exists sallyport || die "a pod called sallyport is there; this would replace it"
    for volume in jobs admin journal; do
        ! podman volume exists "sallyport-$volume" || die "a volume sallyport-$volume is there; this would use it"
    done
    id sallyport-check >/dev/null 2>&1 && die "a user sallyport-check is there; another check runs, or one was cut off: userdel sallyport-check"
    box=$(mktemp -d /tmp/sallyport-check.XXXXXX)
    chmod 755 "$box"
    trap clean EXIT
    trap 'exit 1' INT TERM
    useradd --system --password '*' --shell /bin/sh --home-dir "$box/target" sallyport-check
    install -d -o sallyport-check "$box/target"
    ssh=$(free_port 2410)
    http=$(free_port 8480)
    operations=$(free_port 9480)
}

clean() {
    status=$?
    trap - EXIT
    set +e
    touch "$box/stop"
    [ "$status" = 0 ] || for name in ingress executor; do podman logs "sallyport-$name" >"/tmp/sallyport-check-$name.log" 2>&1; done
    podman rm -f sallyport-check-load >/dev/null 2>&1
    podman play kube --down "$here/pod.yaml" >/dev/null 2>&1
    podman volume rm -f sallyport-jobs sallyport-admin sallyport-journal >/dev/null 2>&1
    [ ! -s "$box/sshd/pid" ] || kill "$(cat "$box/sshd/pid")"
    userdel sallyport-check >/dev/null 2>&1
    rm -rf /etc/sallyport "$box"
    [ "$status" = 0 ] || say "check: failed; the containers' logs are /tmp/sallyport-check-*.log" >&2
    exit "$status"
}

make_secrets() {
    cli init made >/dev/null
    mv "$box/made/secrets" "$box/made/token-keys.json" "$box/"
    ingress_key=$(cli keygen ingress.key)
    executor_key=$(cli keygen executor.key)
    mv "$box/ingress.key" "$box/executor.key" "$box/secrets/"
}

# Those of settings/, with what README.md says must be put in, and a job that notes each event.
make_settings() {
    mkdir "$box/settings"
    sed -e "s|ed25519:THE-EXECUTORS-PUBLIC-KEY|$executor_key|" -e "s|0.0.0.0, port: 8080|127.0.0.1, port: $http|" \
        -e "s|0.0.0.0, port: 9080|127.0.0.1, port: $operations|" "$here/settings/ingress.yaml" >"$box/settings/ingress.yaml"
    cat >>"$box/settings/ingress.yaml" <<END
  note:
    verify: { hookdeck: { secret: { file: /etc/sallyport-secrets/hookdeck } } }
    job: note
    parameters: { id: { payload: /id } }
END
    sed -e "s|ed25519:THE-INGRESS-PUBLIC-KEY|$ingress_key|" \
        -e "s|address: 192.0.2.11, user: deploy|address: 127.0.0.1, port: $ssh, user: sallyport-check|" \
        "$here/settings/executor.yaml" >"$box/settings/executor.yaml"
    cat >>"$box/settings/executor.yaml" <<END
  note:
    command: [sh, -c, 'echo "\$1" >>$box/target/ran', sh, "{id}"]
    destinations: [web-1]
    parameters: { id: { pattern: "[0-9]+-[0-9]+" } }
    timeout: 20s
END
}

start_sshd() {
    mkdir "$box/sshd"
    ssh-keygen -q -t ed25519 -N '' -f "$box/sshd/host_key"
    sed 's/^/restrict /' "$box/secrets/deploy.key.pub" >"$box/sshd/authorized_keys"
    cat >"$box/sshd/config" <<END
Port $ssh
ListenAddress 127.0.0.1
HostKey $box/sshd/host_key
AuthorizedKeysFile $box/sshd/authorized_keys
AllowUsers sallyport-check
PidFile $box/sshd/pid
MaxStartups 200
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
END
    mkdir -p /run/sshd
    /usr/sbin/sshd -f "$box/sshd/config" -E "$box/sshd/log"
    wait_for sshd cli hosts scan 127.0.0.1 --port "$ssh" --pin settings/known_hosts
}

# As README.md says.
install_box() {
    cd "$box"
    install -d -m 0755 /etc/sallyport /etc/sallyport/ingress /etc/sallyport/executor \
        /etc/sallyport/ingress/settings /etc/sallyport/executor/settings
    install -d -m 0750 -g 65532 /etc/sallyport/ingress/secrets
    install -d -m 0750 -g 65533 /etc/sallyport/executor/secrets
    install -m 0644 settings/ingress.yaml token-keys.json /etc/sallyport/ingress/settings/
    install -m 0644 settings/executor.yaml token-keys.json settings/known_hosts /etc/sallyport/executor/settings/
    install -m 0440 -g 65532 secrets/ingress.key secrets/hookdeck /etc/sallyport/ingress/secrets/
    install -m 0440 -g 65533 secrets/executor.key secrets/deploy.key /etc/sallyport/executor/secrets/
    cd /
}

# attack CONTAINER COMMAND...: its summary, and each attempt that did not end as it must.
attack() {
    container=$1
    shift
    code=0
    podman exec "sallyport-$container" "$@" >"$box/attacks" 2>&1 || code=$?
    grep -E '^self-attack on|attacks, ' "$box/attacks" || cat "$box/attacks"
    ! grep '^FAILED' "$box/attacks" || die "$* in the container $container is not sealed"
    [ "$code" = 0 ] || die "$* in the container $container: exit code $code"
}

# start_load SENDERS: each sends one delivery after the other, and one without a final answer again, as its sender would.
start_load() {
    write_load "$box/load"
    mkdir "$box/answers"
    : >"$box/target/ran"
    chown sallyport-check "$box/target/ran"
    podman run -d --name sallyport-check-load --network host --user 0 -v "$box:/box" --entrypoint sh sallyport-all:0.1.0 \
        -c "for sender in $(seq -s ' ' "$1"); do timeout 3600 sh /box/load \$sender $http /box & done; wait" >/dev/null
    wait_for "the load" grep -q . "$box/target/ran"
}

# kill_again CONTAINER TIMES: its first process and with it all of them, at any moment; podman starts it again.
kill_again() {
    before=$(cat "$box"/answers/* | wc -l)
    for _ in $(seq "$2"); do
        sleep "0.$(shuf -i 10-99 -n 1)"
        pid=$(podman inspect "sallyport-$1" --format '{{.State.Pid}}')
        [ "$pid" -gt 1 ] || die "the container $1 does not run"
        kill -KILL "$pid"
        wait_for "the container $1, again" is_another "$1" "$pid"
        wait_for "the pod, again" curl -sf "http://127.0.0.1:$operations/readyz"
    done
    say "$1: killed $2 times, while $(($(cat "$box"/answers/* | wc -l) - before)) deliveries were answered"
}

is_another() {
    now=$(podman inspect "sallyport-$1" --format '{{.State.Pid}}')
    [ "$now" -gt 1 ] && [ "$now" != "$2" ]
}

stop_load() {
    touch "$box/stop"
    podman wait sallyport-check-load >/dev/null
    podman rm sallyport-check-load >/dev/null
}
